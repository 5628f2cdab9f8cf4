import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph, inputName } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { isCarried } from "../../../../src/engine/graph/output-names.ts";
import { inParts } from "../../../../src/engine/graph/passes/in-parts.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";

const names = ["w1", "w2", "w3"] as const;
const stands = (name: string) => name.startsWith("w");

/** Three layers, a loss, and the gradients of their weights; `shift` is fed and read by the derivative of the first alone. */
function network(): Graph {
  const x = b.input("x", [4, 2, 3]);
  const weights = names.map((name) => b.input(name, [6, 6])) as [Value, Value, Value];
  const rows = b.reshape(x, [4, 6]);
  let y = b.reshape(rows, [4, 6]);
  for (const weight of weights) y = b.gelu(b.gemm(y, weight, undefined, { transB: true }));
  const loss = b.reduceSum(b.mul(y, b.scalar(0.25)), [0, 1]);
  const [g1, g2, g3] = gradients(loss, weights) as [Value, Value, Value];
  return graph("network", { loss, g1: b.add(g1, b.input("shift", [6, 6])), g2, g3, mean: b.reduceMean(y, [0, 1]) });
}

const values = (length: number, seed: number) => Float64Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i));
const fed = { x: values(24, 1), shift: values(36, 2) };
const standing = Object.fromEntries(names.map((name, i) => [name, values(36, 3 + i)]));

/** Runs parts one after another, each fed with what stands, what the first is fed, and what those before it handed on. */
function runParts(parts: readonly Graph[]): Map<string, ArrayLike<number>> {
  const results = new Map<string, ArrayLike<number>>();
  for (const [index, part] of parts.entries()) {
    const known: Record<string, ArrayLike<number>> = { ...standing, ...(index === 0 ? fed : {}) };
    for (const [name, value] of results) if (isCarried(name)) known[name] = value;
    const feeds = Object.fromEntries(part.inputs.map((value) => [inputName(value), known[inputName(value)]]));
    expect(Object.values(feeds), part.name).not.toContain(undefined);
    for (const [name, { data }] of interpret(part, feeds as Record<string, Float64Array>)) {
      results.set(name, data as Float64Array);
    }
  }
  return results;
}

const groups = [new Set(["g3"]), new Set(["g2"]), new Set(["g1"])];

describe("a graph in parts", () => {
  test("gives what the whole one gives, in the order that was asked for", () => {
    const whole = network();
    const parts = inParts(whole, groups, stands);
    const outputs = parts.map((part) => [...part.outputs.keys()].filter((name) => !isCarried(name)));
    expect(outputs).toEqual([["loss", "g3", "mean"], ["g2"], ["g1"]]);
    expect(parts.map(({ name }) => name)).toEqual(["network", "network, part 2", "network, part 3"]);
    const results = runParts(parts);
    for (const [name, { data }] of interpret(whole, { ...standing, ...fed })) expect(results.get(name)).toEqual(data);
  });

  test("computes nothing twice", () => {
    const count = ({ nodes }: Graph) => nodes.filter(({ op }) => !["Input", "Constant", "Reshape"].includes(op)).length;
    const whole = network();
    const parts = inParts(whole, groups, stands);
    expect(parts.reduce((sum, part) => sum + count(part), 0)).toBe(count(whole));
    expect(parts.every((part) => count(part) > 0)).toBe(true);
  });

  test("is fed in the first alone, and hands on what a later one reads: no weights, constants or reshapes", () => {
    const [first, ...later] = inParts(network(), groups, stands) as [Graph, ...Graph[]];
    const inputsOf = (part: Graph) => part.inputs.map(inputName);
    expect(inputsOf(first)).toEqual(expect.arrayContaining(["x", "shift", ...names]));
    for (const part of later) {
      for (const name of inputsOf(part)) expect(isCarried(name) || stands(name), name).toBe(true);
    }
    const handedOn = [...first.outputs].filter(([name]) => isCarried(name)).map(([, { node }]) => node.op);
    expect(handedOn).not.toContain("Reshape");
    expect(handedOn).not.toContain("Constant");
    expect(handedOn.filter((op) => op === "Input")).toHaveLength(2);
  });

  test("gives an output as soon as it is there", () => {
    const w = b.input("w", [3]);
    const doubled = b.mul(w, b.scalar(2));
    const source = graph("early", { loss: b.reduceSum(doubled, [0]), late: doubled, w: b.mul(doubled, doubled) });
    const parts = inParts(source, [new Set(["loss"]), new Set(["late"]), new Set(["w"])], () => true);
    expect(parts.map(({ outputs }) => [...outputs.keys()].filter((name) => !isCarried(name)))).toEqual([
      ["loss", "late"],
      [],
      ["w"],
    ]);
  });

  test("is whole where there is one group", () => {
    const whole = network();
    const [only, ...more] = inParts(whole, [new Set(["g1"])], stands);
    expect(more).toEqual([]);
    expect([...(only as Graph).outputs.keys()]).toEqual([...whole.outputs.keys()]);
    expect((only as Graph).nodes).toEqual(whole.nodes);
  });
});
