import { describe, expect, test } from "vitest";
import { onWebgpu } from "../support/webgpu-child.ts";

/**
 * Largest difference relative to a tensor's largest value after six steps in float32: roots and quotients of WebGPU are
 * within a few units in the last place (seen: 4e-7).
 */
const tolerance = 2e-6;

interface Differences {
  norm: number;
  reference: Record<string, number>;
  host: Record<string, number>;
  stayed: boolean;
  frozen: boolean;
}

const { printed, skipped } = onWebgpu("run-device-adamw.ts", ["webgpu"]);
describe.skipIf(skipped)(`AdamW on WebGPU, with layers' rates, decays, clipping, average and sums${skipped}`, () => {
  const result = () => JSON.parse(printed) as Differences;
  const arenas = ["parameter", "firstMoment", "secondMoment", "ema"];

  test.each(arenas)("six steps of %s follow the float64 reference", (arena) => {
    expect(result().reference[arena]).toBeLessThan(tolerance);
  });

  test.each(arenas)("six steps of %s are those of the host's AdamW", (arena) => {
    expect(result().host[arena]).toBeLessThan(tolerance);
  });

  test("the gradient's norm is that of float64", () => {
    expect(result().norm).toBeLessThan(tolerance);
  });

  test("the store keeps its values until they are collected, and frozen tensors keep theirs", () => {
    expect(result()).toMatchObject({ stayed: true, frozen: true });
  });
});
