import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";

const image = b.input("x", [1, 4, 6, 6]);
const derivative = (y: Value, x: Value, feeds: Record<string, number[]>) => {
  const loss = b.reduceSum(y, [...y.shape.keys()]);
  const arrays = Object.fromEntries(Object.entries(feeds).map(([name, data]) => [name, Float64Array.from(data)]));
  return [...(interpret(graph("check", { dx: gradients(loss, [x])[0] as Value }), arrays).get("dx")?.data ?? [])];
};

describe("windows that cannot be", () => {
  test.each([
    ["grouped channels", () => b.conv(image, b.input("w", [4, 2, 3, 3])), /a weight \[outputs, 4, .*not grouped/],
    ["transposed, grouped", () => b.convTranspose(image, b.input("w", [2, 4, 3, 3])), /not grouped/],
    [
      "a bias of another length",
      () => b.conv(image, b.input("w", [2, 4, 1, 1]), b.input("c", [4])),
      /a bias of shape \[2\]/,
    ],
    [
      "a kernel larger than the image",
      () => b.conv(image, b.input("w", [2, 4, 7, 1])),
      /window of 7×1 to fit, got 6×6/,
    ],
    [
      "a stride of nothing",
      () => b.maxPool(image, [2, 2], { strides: [0, 1] }),
      /strides of two positive whole numbers/,
    ],
    ["padding below nothing", () => b.maxPool(image, [2, 2], { pads: [0, 0, -1, 0] }), /pads of four whole numbers/],
    [
      "windows of padding alone",
      () => b.maxPool(image, [2, 2], { pads: [0, 2, 0, 0] }),
      /leaves a pixel to every window/,
    ],
    [
      "output padding as large as the stride",
      () => b.convTranspose(image, b.input("w", [4, 1, 2, 2]), undefined, { strides: [2, 2], outputPadding: [0, 2] }),
      /output padding smaller than the stride/,
    ],
    [
      "rows in place of images",
      () => b.conv(b.input("r", [4, 6]), b.input("w", [4, 4, 1, 1])),
      /images \[N, C, H, W\]/,
    ],
    [
      "a dy of other windows",
      () => b.convWeightGradient(image, b.input("dy", [1, 2, 6, 6]), [3, 3]),
      /dy \[1, 2, 4, 4\]/,
    ],
  ] as const)("%s: a Shape error", (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe("where a derivative has a choice", () => {
  test("MaxPool gives it to the first of equal values, row by row, as PyTorch does", () => {
    const x = b.input("x", [1, 1, 2, 4]);
    // Three windows side by side; the equal values stand in a row and below each other.
    const values = [0, 3, 3, 1, 3, 3, 0, 1];
    expect(derivative(b.maxPool(x, [2, 2]), x, { x: values })).toEqual([0, 2, 1, 0, 0, 0, 0, 0]);
  });

  test("ReLU gives nothing at zero, as PyTorch does", () => {
    const x = b.input("x", [4]);
    expect(derivative(b.relu(x), x, { x: [-1, 0, 1e-30, 2] })).toEqual([0, 0, 1, 1]);
  });
});

test("BatchNormalization divides the variance by the number of values, not by one less", () => {
  const x = b.input("x", [2, 1, 1, 2]);
  const [, mean, variance] = b.batchNormalization(x, b.constant([1], [1]), b.zeros([1]), 0);
  const results = interpret(graph("check", { mean, variance }), { x: Float64Array.of(1, 2, 3, 6) });
  expect([...(results.get("mean")?.data ?? []), ...(results.get("variance")?.data ?? [])]).toEqual([3, 3.5]);
});
