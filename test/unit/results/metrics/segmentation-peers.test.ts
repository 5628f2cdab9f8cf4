import { describe, expect, test } from "vitest";
import { SEGMENTATION_FIGURES, SegmentationMeter, type SegmentedImage } from "../../../../src/results/metrics/index.ts";
// Written by bench/peers/segmentation_reference.py.
import peers from "../fixtures/segmentation-peers.json" with { type: "json" };

type Case = (typeof peers.cases)[number];
type Figures = Record<string, number | null>;

function imageOf({ predicted, truth, spacing: [rows, columns] }: Case): SegmentedImage {
  const map = (lines: readonly string[]) => Uint8Array.from(lines.join(""), Number);
  return {
    height: truth.length,
    width: truth[0]?.length ?? 0,
    predicted: map(predicted),
    truth: map(truth),
    spacing: [rows as number, columns as number],
  };
}

function figuresOf(peer: Case, surface: "border-pixels" | "contour"): Figures {
  const options = { classNames: ["background", "lesion"], empty: "undefined", surface } as const;
  const [lesion] = new SegmentationMeter({ ...options, tolerance: peer.tolerance }).add(imageOf(peer)).classes;
  return { ...lesion?.figures };
}

function expectClose(got: Figures, want: Figures, relative: number): void {
  for (const [name, value] of Object.entries(want)) {
    if (value === null || value === 0) expect.soft(got[name], name).toBe(value);
    else expect.soft(Math.abs((got[name] as number) / value - 1), name).toBeLessThan(relative);
  }
}

test("forty pairs of masks were given to the peers, every figure of ours among theirs", () => {
  expect(peers.cases).toHaveLength(40);
  expect(Object.keys(peers.cases[0]?.borderPixels ?? {})).toEqual([...SEGMENTATION_FIGURES]);
});

describe.each(peers.cases)("$name", (peer) => {
  test("border pixels: overlaps and distances are MONAI's", () => {
    // MONAI computes in fp32; percentiles of it are off by more.
    expectClose(figuresOf(peer, "border-pixels"), peer.borderPixels, 2e-6);
  });

  test("contour: distances are those of surface-distance", () => {
    expectClose(figuresOf(peer, "contour"), peer.contour, 1e-12);
  });
});
