import { describe, expect, test } from "vitest";
import * as b from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { shareCommonSubexpressions } from "../../../../src/engine/graph/passes/common-subexpressions.ts";
import { foldConstants } from "../../../../src/engine/graph/passes/constant-folding.ts";
import { optimize } from "../../../../src/engine/graph/passes/index.ts";
import { dropNeutralElements } from "../../../../src/engine/graph/passes/neutral-elements.ts";
import { maeSpecs, pretrainGraph } from "../../../../src/method/models/mae.ts";
import { parameterValues, randomInputs } from "../../../support/micro-graphs.ts";

const x = b.input("x", [2, 3]);
const y = b.input("y", [2, 3]);
const feeds = { x: [1, 2, 3, 4, 5, 6], y: [0.5, -1, 2, 0.25, 3, -2] };

/** Runs a pass: the results must be the same, bit for bit, and at least so many nodes fewer. */
function expectFewer(
  pass: (source: Graph) => Graph,
  source: Graph,
  fewer: number,
  given: Parameters<typeof interpret>[1] = feeds,
): Graph {
  const after = pass(source);
  expect(source.nodes.length - after.nodes.length).toBe(fewer);
  const [got, expected] = [interpret(after, given), interpret(source, given)];
  expect([...got.keys()]).toEqual([...expected.keys()]);
  for (const [name, value] of expected) expect(got.get(name)).toEqual(value);
  return after;
}

describe("common subexpressions", () => {
  test("are computed once, through several levels", () => {
    const twice = () => b.exp(b.add(b.neg(x), y));
    const after = expectFewer(shareCommonSubexpressions, graph("g", { a: b.mul(twice(), twice()), c: twice() }), 6);
    expect(after.nodes.filter(({ op }) => op === "Exp")).toHaveLength(1);
  });

  test("include equal constants, and tell apart other attributes, dtypes and input orders", () => {
    const outputs = {
      a: b.add(x, b.constant([1], [1])),
      c: b.sub(x, b.constant([1], [1])),
      // None of these may become one.
      d: b.reduceSum(x, [0]),
      e: b.reduceSum(x, [1]),
      f: b.sub(x, y),
      g: b.sub(y, x),
      h: b.softmax(x, 0),
      i: b.softmax(x, 1),
      j: b.add(x, b.constant([1], [1, 1])),
    };
    expectFewer(shareCommonSubexpressions, graph("g", outputs), 1);
  });

  test("keep every output of a node of several apart", () => {
    const [p, q] = b.split(x, [1, 2], 1) as [typeof x, typeof x];
    const [r, s] = b.split(x, [1, 2], 1) as [typeof x, typeof x];
    expectFewer(shareCommonSubexpressions, graph("g", { a: b.concat([p, s], 1), c: b.concat([q, r], 1) }), 1);
  });
});

describe("constant folding", () => {
  test("evaluates what depends on constants alone", () => {
    const scale = b.sqrt(b.mul(b.scalar(2), b.scalar(8)));
    // Two constants, Mul and Sqrt become one constant.
    const after = expectFewer(foldConstants, graph("g", { a: b.mul(x, scale) }), 3);
    expect(after.nodes.map(({ op }) => op).sort()).toEqual(["Constant", "Input", "Mul"]);
  });

  test("leaves large results to be computed", () => {
    const table = b.expand(b.scalar(1), [5000]);
    expectFewer(foldConstants, graph("g", { a: b.reduceSum(b.add(b.input("z", [5000]), table), [0]) }), 0, {
      z: new Float64Array(5000),
    });
  });
});

describe("neutral elements", () => {
  test("disappear with their constants", () => {
    const zero = b.scalar(0);
    const one = b.constant([1, 1, 1], [3]);
    const outputs = {
      a: b.add(x, zero),
      c: b.add(zero, x),
      d: b.sub(y, zero),
      e: b.mul(x, one),
      f: b.mul(one, x),
      g: b.div(x, one),
    };
    const after = expectFewer(dropNeutralElements, graph("g", outputs), 8);
    expect(after.nodes.map(({ op }) => op)).toEqual(["Input", "Input"]);
  });

  test("stay where they broadcast, or on the side where they are none", () => {
    const outputs = {
      a: b.add(b.input("row", [1, 3]), b.constant([0, 0], [2, 1])),
      c: b.sub(b.scalar(0), x),
      d: b.div(b.scalar(1), x),
      e: b.mul(x, b.constant([1, 1, 2], [3])),
    };
    expectFewer(dropNeutralElements, graph("g", outputs), 0, { ...feeds, row: [1, 2, 3] });
  });

  test("a Reshape back to its source's shape disappears with its source", () => {
    const back = b.reshape(b.reshape(x, [6]), [2, 3]);
    const other = b.reshape(b.reshape(y, [6]), [3, 2]);
    expectFewer(dropNeutralElements, graph("g", { a: b.neg(back), c: b.neg(other) }), 2);
  });
});

test("dead nodes are those no output needs", () => {
  const whole = graph("g", { a: b.neg(x), unused: b.exp(b.add(x, y)) });
  const wanted: Graph = { ...whole, outputs: new Map([...whole.outputs].filter(([name]) => name === "a")) };
  const after = optimize(wanted);
  expect(after.nodes.map(({ op }) => op)).toEqual(["Input", "Neg"]);
  expect(after.inputs).toEqual([x]);
});

test("all passes together leave a pre-training step its results, with at least one node of twenty fewer", () => {
  const mae = {
    inputHeight: 4,
    inputWidth: 4,
    patchSize: 2,
    inChans: 1,
    embedDim: 8,
    depth: 2,
    numHeads: 2,
    mlpRatio: 2,
    numClasses: 3,
    decoderEmbedDim: 4,
    decoderDepth: 1,
    decoderNumHeads: 2,
  };
  const source = pretrainGraph(mae, { batch: 2, kept: 1, masked: 2, clsLoss: "softmax-ce", clsLossWeight: 0.1 });
  const given = { ...parameterValues(maeSpecs(mae)), positions: [1n, 4n], maskPositions: [2n, 3n, 3n, 1n] };
  const all = { ...given, ...randomInputs(source, given) };
  const after = optimize(source);
  expect(after.nodes.length).toBeLessThan(0.95 * source.nodes.length);
  expect(optimize(after).nodes.length).toBe(after.nodes.length);
  const [got, expected] = [interpret(after, all), interpret(source, all)];
  for (const [name, { data }] of expected) {
    const values = got.get(name)?.data as Float64Array;
    expect(values.length).toBe(data.length);
    data.forEach((value, i) => {
      expect(Math.abs((values[i] as number) - value)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(value)));
    });
  }
});
