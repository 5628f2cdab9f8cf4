import { describe, expect, test } from "vitest";
import type { PretrainOptions } from "../../../../src/config/index.ts";
import type { Sample } from "../../../../src/data/dataset.ts";
import type { Batch } from "../../../../src/data/loader/loader.ts";
import { targetMaker } from "../../../../src/data/targets/target.ts";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { classTargets } from "../../../../src/method/feeds.ts";
import { crossEntropy, softmaxCrossEntropy } from "../../../../src/method/nn/losses.ts";
import type { RunData } from "../../../../src/training/setup.ts";
import { supervision } from "../../../../src/training/targets/supervision.ts";

const names = ["a", "b", "c"];
const logits = [0.3, -1.2, 0.8, 2, 0.5, -0.4, -0.7, 0.1, 1.5, 0.2, 0.9, -2];
const rows = [0, 1, 2, 3].map((b) => logits.slice(3 * b, 3 * b + 3));

/** Four samples, those of the given places unlabelled. */
function samples(unlabelled: readonly number[]): Sample[] {
  const values = [
    [1, 0, Number.NaN],
    [0, 1, 1],
    [1, 1, 0],
    [0, Number.NaN, 1],
  ];
  return [2, 0, 1, 1].map((label, at) => ({
    ...{ path: `${at}.png`, label, values: values[at] as number[] },
    ...(unlabelled.includes(at) && { unlabelled: true as const }),
  }));
}

/** Loss and gradient [4, 3] of the logits, and what it was fed. */
function told(unlabelled: readonly number[], options: Partial<PretrainOptions>) {
  const train = samples(unlabelled);
  const data = { folder: { classNames: names, splits: { train } } } as unknown as RunData;
  const guide = supervision({ clsLoss: "ce", batchSize: 4, ...options } as PretrainOptions, data);
  const target = targetMaker(guide.loading.target ?? { kind: "class" }, train).of(train, new Uint8Array());
  const feeds = guide.feeds({ target } as Batch) as Record<string, Float32Array>;
  const head = input("logits", [4, 3]);
  const named = { ce: crossEntropy, "softmax-ce": softmaxCrossEntropy };
  const { clsLoss } = guide;
  const loss = typeof clsLoss === "function" ? clsLoss(head) : named[clsLoss](head, input("classTargets", head.shape));
  const [gradient] = gradients(loss, [head]) as [Value];
  const found = interpret(graph("loss", { loss, gradient }), { logits, ...feeds });
  return {
    loss: found.get("loss")?.data[0] as number,
    gradient: Array.from(found.get("gradient")?.data as ArrayLike<number>),
    counts: guide.counts,
    feeds,
  };
}

const softmax = (row: readonly number[]): number[] => {
  const sum = row.reduce((total, value) => total + Math.exp(value), 0);
  return row.map((value) => Math.exp(value) / sum);
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  // Targets and weights are float32.
  for (const [at, value] of wanted.entries()) expect(got[at]).toBeCloseTo(value, 6);
}

describe("a batch of which some labels are not used", () => {
  test("has the mean cross-entropy of the others, and no gradient of theirs", () => {
    const { loss, gradient, counts } = told([1, 2], { clsLoss: "ce" });
    const [first, last] = [softmax(rows[0] as number[]), softmax(rows[3] as number[])];
    expect(loss).toBeCloseTo(-(Math.log(first[2] as number) + Math.log(last[1] as number)) / 2, 6);
    expectClose(gradient, [
      ...first.map((p, k) => (p - Number(k === 2)) / 2),
      ...[0, 0, 0, 0, 0, 0],
      ...last.map((p, k) => (p - Number(k === 1)) / 2),
    ]);
    expect(counts).toEqual({ a: 0, b: 1, c: 1 });
  });

  test("has the mean of the published loss, which softmaxes twice", () => {
    const { loss } = told([0, 1, 2], { clsLoss: "softmax-ce" });
    expect(loss).toBeCloseTo(-Math.log(softmax(softmax(rows[3] as number[]))[1] as number), 6);
  });

  test("has the mean binary cross-entropy of the others' known findings", () => {
    const { loss, gradient, counts } = told([1, 2], { findings: names });
    // What the first and the last say: a and b, a and c.
    const known = [
      [0, 1],
      [1, 0],
      [9, 0],
      [11, 1],
    ] as const;
    const losses = known.map(
      ([at, y]) => -Math.log(sigmoid(y === 1 ? (logits[at] as number) : -(logits[at] as number))),
    );
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 6);
    const wanted = new Array<number>(12).fill(0);
    for (const [at, y] of known) wanted[at] = (sigmoid(logits[at] as number) - y) / 4;
    expectClose(gradient, wanted);
    expect(counts).toEqual({ a: 1, b: 0, c: 1 });
  });

  test.each([{ clsLoss: "ce" as const }, { clsLoss: "softmax-ce" as const }, { findings: names }])(
    "without any it has no loss and no gradient, %j",
    (options) => {
      const { loss, gradient } = told([0, 1, 2, 3], options);
      expect(loss).toBeCloseTo(0, 15);
      expectClose(gradient, new Array<number>(12).fill(0));
    },
  );

  test("with all of them it is fed one-hot rows, to the byte", () => {
    expect(told([], {}).feeds.classTargets).toEqual(classTargets([2, 0, 1, 1], 3));
  });
});
