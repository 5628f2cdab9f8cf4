import { describe, expect, test } from "vitest";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { sizeOf } from "../../../../src/engine/graph/shape.ts";
import { initialize } from "../../../../src/engine/parameters/specs.ts";
import { classifierKind } from "../../../../src/method/kinds/classifier.ts";
import { earlyBlocks } from "../../../../src/method/models/budgeted-classifier.ts";
import { classifierGraph, classifierSpecs } from "../../../../src/method/models/classifier.ts";
import { type ClassifierConfig, patchCount, patchValues } from "../../../../src/method/models/config.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const batch = 2;
const config = (globalPool: "avg" | "cls"): ClassifierConfig => ({
  ...{ inputHeight: 16, inputWidth: 12, patchSize: 4, inChans: 1, numClasses: 3, globalPool },
  ...{ embedDim: 8, depth: 4, numHeads: 2, mlpRatio: 2 },
});

const budgeted = (of: ClassifierConfig, keepRatio: number) => {
  const parts = classifierKind.budgeted?.(of, { batch, keepRatio });
  if (!parts) throw new Error("a classifier has a budget");
  return parts;
};

function feedsFor(of: ClassifierConfig) {
  const stream = RandomStream.for(3, "evaluation");
  const weights = classifierSpecs(of).map((spec) => {
    const values = new Float32Array(sizeOf(spec.shape));
    initialize(spec, 3, values);
    // A head as it begins gives next to nothing.
    return [spec.name, spec.name.startsWith("head") ? values.map(() => stream.normal()) : values] as const;
  });
  const patches = Float64Array.from({ length: patchCount(of) * batch * patchValues(of) }, () => stream.normal());
  return { ...Object.fromEntries(weights), patches };
}

/** The two parts one after the other, with the rows that went on, and the tokens between them. */
function run(of: ClassifierConfig, keepRatio: number, change: (tokens: Float64Array) => Float64Array = (same) => same) {
  const feeds = feedsFor(of);
  const { first, rest, kept } = budgeted(of, keepRatio);
  const said = interpret(first, feeds);
  const outputs = Object.fromEntries([...said].map(([name, { data }]) => [name, data as unknown as Float32Array]));
  const { going = [], ...others } = rest.feedsOf(outputs);
  const tokens = change(Float64Array.from(outputs.tokens as Float32Array));
  const logits = interpret(rest.graph, { ...feeds, ...others, going: going as BigInt64Array, tokens }).get("logits");
  return { logits: [...(logits?.data ?? [])].map(Number), rows: [...going].map(Number), kept, outputs, tokens };
}

describe.each(["avg", "cls"] as const)("a classifier on a budget, pooling by %s", (globalPool) => {
  const of = config(globalPool);

  test("with all patches is the plain forward pass", () => {
    const plain = interpret(classifierGraph(of, { batch, kept: "all" }), feedsFor(of)).get("logits");
    const { logits, kept } = run(of, 1);
    expect(kept).toBe(12);
    for (const [i, value] of [...(plain?.data ?? [])].entries()) expect(logits[i]).toBeCloseTo(Number(value), 12);
  });

  test("goes on with the cls token and the patches that it attends most, of each image its own", () => {
    const { rows, outputs, kept } = run(of, 0.25);
    expect(kept).toBe(3);
    expect(rows.slice(0, batch)).toEqual([0, 1]);
    const attention = outputs.attention as Float32Array;
    const tokens = 1 + patchCount(of);
    const chosen = Array.from({ length: batch }, (_, b) => {
      const mean = (patch: number) =>
        [0, 1].reduce((sum, head) => sum + (attention[(b * 2 + head) * tokens + 1 + patch] as number), 0);
      const order = Array.from({ length: tokens - 1 }, (_, patch) => patch).sort((x, y) => mean(y) - mean(x));
      return order.slice(0, 3).sort((x, y) => x - y);
    });
    // The images differ, or the test could not tell whose attention was taken.
    expect(chosen[0]).not.toEqual(chosen[1]);
    for (let b = 0; b < batch; b++) {
      const patches = [0, 1, 2].map((n) => ((rows[(1 + n) * batch + b] as number) - b) / batch - 1);
      expect(patches).toEqual(chosen[b]);
    }
  });

  test("both parts as one graph choose the same", () => {
    const feeds = feedsFor(of);
    const told = interpret(budgeted(of, 0.25).whole(), feeds).get("logits");
    for (const [i, value] of run(of, 0.25).logits.entries()) expect(told?.data[i]).toBeCloseTo(value, 6);
    expect(told?.data).not.toEqual(interpret(budgeted(of, 0.5).whole(), feeds).get("logits")?.data);
  });

  test("what does not go on has no say from there on, and what does has", () => {
    const { logits, rows } = run(of, 0.25);
    const changed = (those: (row: number) => boolean) =>
      run(of, 0.25, (tokens) => tokens.map((value, at) => (those(Math.floor(at / of.embedDim)) ? value + 1 : value)));
    expect(changed((row) => !rows.includes(row)).logits).toEqual(logits);
    const other = changed((row) => row === rows.at(-1)).logits;
    expect(other.slice(0, 3)).toEqual(logits.slice(0, 3));
    expect(other.slice(3)).not.toEqual(logits.slice(3));
  });
});

test("a quarter of the blocks run on all patches, and at least one does not", () => {
  expect([2, 4, 6, 12, 24].map(earlyBlocks)).toEqual([1, 1, 2, 3, 6]);
});

test("one patch goes on however small the share", () => {
  expect(budgeted(config("avg"), 0.001).kept).toBe(1);
});
