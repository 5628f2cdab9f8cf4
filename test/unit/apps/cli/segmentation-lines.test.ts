import { expect, test } from "vitest";
import { segmentationLines } from "../../../../src/apps/cli/segmentation-lines.ts";
import type { MaskMetrics } from "../../../../src/inference/outcomes/masks.ts";
import { SEGMENTATION_FIGURES, SegmentationMeter } from "../../../../src/results/metrics/index.ts";

/** Figures of made images of 2×3 pixels, the classes `a` and `b`. */
function figures(images: [predicted: number[], truth: number[]][], more: object = {}): MaskMetrics {
  const meter = new SegmentationMeter({ classNames: ["background", "a", "b"], empty: "undefined" });
  for (const [predicted, truth] of images) {
    const pixels = { predicted: Uint8Array.from(predicted), truth: Uint8Array.from(truth) };
    meter.add({ height: 2, width: 3, spacing: undefined, ...pixels }, undefined);
  }
  const { mean, ...rest } = meter.metrics({ seed: 3 });
  return { ...rest, ...mean, threshold: 0.5, ...more };
}

test("each figure has a line with its interval, each class one with its images, and nothing is left untold", () => {
  const metrics = figures(
    [
      [
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
      ],
      [
        [1, 0, 0, 0, 1, 1],
        [1, 0, 0, 0, 1, 0],
      ],
      [
        [0, 1, 1, 0, 0, 1],
        [0, 1, 1, 0, 0, 1],
      ],
    ],
    { split: "test", unreadable: 2 },
  );
  const lines = segmentationLines(metrics);
  const told = (value: number) => value.toPrecision(4).replace(/\.?0+$/, "");
  const dice = metrics.dice as number;
  const line = lines.find((text) => /^dice\b/.test(text));
  expect(line).toContain(told(dice));
  expect(line).toMatch(/\(95 % interval [\d.]+ to [\d.]+\)$/);
  for (const name of [
    ...SEGMENTATION_FIGURES,
    "n",
    "unit",
    "surface",
    "tolerance",
    "empty",
    "threshold",
    "split",
    "unreadable",
  ]) {
    expect(
      lines.filter((text) => new RegExp(`^${name}\\s`).test(text)),
      name,
    ).toHaveLength(1);
  }
  expect(lines.find((text) => /^unit/.test(text))).toMatch(/pixels$/);
  const at = lines.indexOf("per class:");
  expect(lines[at + 1]).toMatch(/^a {2}in 3 images {2}dice 0\.\d+ .*pooled dice 0\.\d+$/);
  // No image shows it, and empty ones have no figures here.
  expect(lines[at + 2]).toMatch(/^b {2}in 0 images {2}dice not defined .*pooled dice not defined$/);
  expect(lines).toHaveLength(at + 3);
  const others = lines.filter((text) => !/^empty\s+undefined$/.test(text));
  expect(others).toHaveLength(lines.length - 1);
  expect(others.join("\n")).not.toMatch(/undefined|null|NaN|\[object/);
});

test("where there is no interval none is told", () => {
  const lines = segmentationLines(
    figures([
      [
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
      ],
    ]),
  );
  expect(lines.join("\n")).not.toContain("interval");
  expect(lines.find((text) => /^dice\b/.test(text))).toMatch(/0\.6667$/);
});
