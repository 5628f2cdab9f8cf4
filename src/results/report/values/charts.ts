import { figure, svg } from "../charts.ts";
import type { Html } from "../html.ts";
import type { AgreementSection } from "./types.ts";

const SIDE = 300;
/** Points that are drawn; of more every so manieth one. */
export const MOST_POINTS = 3000;
const REFERENCE = { color: "var(--ink-soft)", strokeDash: [4, 4], strokeWidth: 1 };

interface Point {
  truth: number;
  predicted: number;
}

/** The images of which the number is known, evenly thinned where there are very many. */
export function knownPoints({ truth, predicted }: Pick<AgreementSection, "truth" | "predicted">): Point[] {
  const known = Array.from(truth, (value, i) => ({ truth: value, predicted: predicted[i] as number })).filter(
    (point) => !Number.isNaN(point.truth),
  );
  const step = Math.ceil(known.length / MOST_POINTS);
  return known.filter((_, i) => i % step === 0);
}

/** What was told against what is true; on the line both are the same. */
export async function predictionChart({ name, ...section }: AgreementSection): Promise<Html> {
  const values = knownPoints(section);
  const all = values.flatMap(({ truth, predicted }) => [truth, predicted]);
  const ends = [Math.min(...all), Math.max(...all)];
  const chart = await svg(`Predicted against true ${name} of ${values.length} images`, {
    width: SIDE,
    height: SIDE,
    layer: [
      {
        data: { values: ends.map((at) => ({ at })) },
        mark: { ...REFERENCE, type: "line" },
        encoding: {
          x: { field: "at", ...measured(`true ${name}`) },
          y: { field: "at", ...measured(`predicted ${name}`) },
        },
      },
      {
        data: { values },
        mark: { ...POINT, size: sizeOf(values.length) },
        encoding: {
          x: { field: "truth", ...measured(`true ${name}`) },
          y: { field: "predicted", ...measured(`predicted ${name}`) },
        },
      },
    ],
  });
  return figure(`Predicted against true ${name}: on the dashed line both are the same`, chart);
}

/**
 * Differences against means, with bias and limits of agreement, these with their intervals as bands where they are known.
 * Source: Bland & Altman 1986, "Statistical methods for assessing agreement between two methods of clinical measurement".
 */
export async function agreementChart({ name, metrics, ...section }: AgreementSection): Promise<Html> {
  const values = knownPoints(section).map(({ truth, predicted }) => ({
    mean: (truth + predicted) / 2,
    difference: predicted - truth,
  }));
  const { bias, limitLow, limitHigh, intervals } = metrics;
  const lines = [
    { at: bias, dash: "bias" },
    ...[limitLow, limitHigh].flatMap((at) => (at === null ? [] : [{ at, dash: "limit" }])),
  ];
  const bands = (["bias", "limitLow", "limitHigh"] as const).flatMap((figureName) => {
    const { low = null, high = null } = intervals?.[figureName] ?? {};
    return low === null || high === null ? [] : [{ low, high }];
  });
  const y = measured("predicted − true");
  const chart = await svg(`Bland-Altman chart of ${name}: difference of predicted and true against their mean`, {
    width: SIDE,
    height: SIDE,
    layer: [
      {
        data: { values: bands },
        mark: { type: "rect", color: "var(--series-1)", opacity: 0.2 },
        encoding: { y: { field: "low", ...y }, y2: { field: "high" } },
      },
      {
        data: { values: [{ at: 0 }] },
        mark: { type: "rule", color: "var(--line)", strokeWidth: 1 },
        encoding: { y: { field: "at", ...y } },
      },
      {
        data: { values },
        mark: { ...POINT, size: sizeOf(values.length) },
        encoding: {
          x: { field: "mean", ...measured(`mean of predicted and true ${name}`) },
          y: { field: "difference", ...y },
        },
      },
      {
        data: { values: lines.filter(({ dash }) => dash === "bias") },
        mark: { type: "rule", color: "var(--series-1)", strokeWidth: 2 },
        encoding: { y: { field: "at", ...y } },
      },
      {
        data: { values: lines.filter(({ dash }) => dash === "limit") },
        mark: { type: "rule", color: "var(--series-1)", strokeWidth: 2, strokeDash: [6, 4] },
        encoding: { y: { field: "at", ...y } },
      },
    ],
  });
  return figure("Bland and Altman: the bias in full, the limits of agreement dashed", chart);
}

const POINT = { type: "point" as const, filled: true, color: "var(--series-2)", opacity: 0.55, strokeWidth: 0 };

/** An axis of the number's own unit, which need not hold 0. */
function measured(title: string) {
  return { type: "quantitative" as const, title, scale: { zero: false }, axis: { tickCount: 5 } };
}

function sizeOf(count: number): number {
  return Math.max(8, Math.min(40, 12_000 / Math.max(1, count)));
}
