import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { input, mul, reduceMean } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { inInt8 } from "../../../../src/engine/graph/passes/in-int8.ts";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import type { ParameterStore } from "../../../../src/engine/parameters/parameter-store.ts";
import { linearSpecs, parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../../../src/engine/parameters/training-outputs.ts";
import type { Engine } from "../../../../src/engine/thread/engine.ts";
import { openEngine } from "../../../../src/engine/thread/node-engine.ts";
import { linear } from "../../../../src/method/nn/layers.ts";
import { quantizedFeeds } from "../../../support/quantized-reference.ts";
import { gradients as tolerances } from "../../../tolerances.ts";

const [rows, width] = [8, 32];
const specs = [...linearSpecs("a", width, width), ...linearSpecs("b", width, width)];
const quantized = new Set(["a.weight", "b.weight"]);
const batch = (step: number) => Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i + step));

/** Both layers one after another: the mean of the squared results. */
function squares(): Graph {
  const p = parameterInputs(specs);
  const y = linear(linear(input("x", [rows, width]), p, "a"), p, "b");
  const loss = reduceMean(mul(y, y), [0, 1]);
  return graph("squares", { loss, ...trainingOutputs(loss, p) });
}

describe("an engine that trains in int8", () => {
  let store: ParameterStore;
  let engine: Engine;
  const stepOf = (stepIndex: number) => ({ kind: "step", lr: 0.05, stepIndex }) as const;

  beforeAll(async () => {
    store = initialStore(specs, 5, { quantized });
    engine = await openEngine({ threads: 2, store, optimizer: {} });
    // Weights that come after the engine, as those of a checkpoint may: copies are made when they are first read.
    store.parameter("a.weight").set(store.parameter("a.weight").map((value) => 2 * value));
    await engine.load(inInt8(squares(), store.quantizedNames));
  });
  afterAll(() => engine.close());

  test("reads copies of the weights as they are at each step", async () => {
    for (const step of [1, 2, 3]) {
      const now = Object.fromEntries(store.names.map((name) => [name, Float64Array.from(store.parameter(name))]));
      const feeds = { ...now, ...quantizedFeeds(store, quantized), x: batch(step) };
      const expected = interpret(inInt8(squares(), quantized), feeds);
      const { loss } = await engine.train("squares", { x: batch(step) }, stepOf(step));
      expect(loss).toBeCloseTo(expected.get("loss")?.data[0] as number, 6);
      for (const name of store.names) {
        const gradient = expected.get(`grad/${name}`)?.data as Float64Array;
        const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        store.gradient(name).forEach((value, i) => {
          const apart = Math.abs(value - (gradient[i] as number));
          expect(apart / largest).toBeLessThan(tolerances.float64.cpu.relative);
        });
      }
    }
  });

  test("makes the copies anew for a graph that is loaded after weights were changed", async () => {
    await engine.unload("squares");
    store.parameter("b.weight").fill(0);
    await engine.load(inInt8(squares(), quantized));
    const { loss } = await engine.train("squares", { x: batch(4) }, stepOf(4));
    const bias = store.parameter("b.bias");
    expect(store.gradient("a.weight").every((value) => value === 0)).toBe(true);
    expect(loss).toBeGreaterThan(0);
    expect(bias.some((value) => value !== 0)).toBe(true);
  });

  test("runs no graph in int8 without training it: its copies might be old", async () => {
    await expect(engine.run("squares", { x: batch(5) })).rejects.toMatchObject({
      code: "Config",
      parts: { where: 'graph "squares"', got: "one that reads them in int8" },
    });
  });
});

test("a graph in int8 over a store without copies is refused when it is loaded", async () => {
  const engine = await openEngine({ store: initialStore(specs, 5), optimizer: {} });
  try {
    await expect(engine.load(inInt8(squares(), quantized))).rejects.toThrow(/int8 copies of "a.weight"/);
  } finally {
    await engine.close();
  }
});
