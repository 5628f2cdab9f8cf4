import { SegmentationMeter } from "../../src/results/metrics/index.ts";
import { hostValues } from "../tolerances.ts";
import { dtypeOfNumbers } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

const overlaps = ["dice", "iou"] as const;
const distances = ["hd", "hd95", "assd"] as const;

type Figure = (typeof overlaps)[number] | (typeof distances)[number];

/** A case of `metrics-segmentation.json`: two masks of one class, and what is null or absent where it is undefined. */
export interface SegmentationGolden extends Partial<Record<Figure, number | null>> {
  /** A string of 0 and 1 for each row. */
  pred: string[];
  truth: string[];
}

/** Every figure of every case; what the golden leaves out must be undefined here as well. */
export function checkSegmentationMetrics(goldens: readonly SegmentationGolden[], out: Comparison): void {
  for (const [at, golden] of goldens.entries()) {
    const map = (rows: readonly string[]) => Uint8Array.from(rows.join(""), Number);
    const { pred, truth, ...figures } = golden;
    const meter = new SegmentationMeter({ classNames: ["background", "inside"], empty: "undefined" });
    const size = { height: truth.length, width: truth[0]?.length ?? 0 };
    const inside = meter.add({ ...size, predicted: map(pred), truth: map(truth) }).classes[0]?.figures;
    for (const names of [overlaps, distances]) {
      const expected = names.map((name) => figures[name] ?? UNDEFINED);
      const got = names.map((name) => inside?.[name] ?? UNDEFINED);
      const known = expected.filter((value) => value !== UNDEFINED);
      names.forEach((name, i) => {
        const tolerance = hostValues[dtypeOfNumbers(known)];
        out.add(`${at}/${name}`, "host", got.slice(i, i + 1), expected.slice(i, i + 1), tolerance);
      });
    }
    for (const key of Object.keys(figures)) {
      if (!(overlaps as readonly string[]).includes(key) && !(distances as readonly string[]).includes(key))
        out.notCovered.push(`${at}/${key}`);
    }
  }
}

/** Outside of every figure's range, so that undefined figures equal each other and nothing else. */
const UNDEFINED = -1e9;
