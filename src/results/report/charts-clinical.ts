import type { ClassCurves, ClassDecisionCurve, CurveBand } from "../metrics/index.ts";
import { diagonal, figure, svg, UNIT_AXIS } from "./charts.ts";
import type { Html } from "./html.ts";

/** Sides in pixels: of charts that stand alone, and of those among many. */
const SIDES = { large: 270, small: 150 };
export type ChartSize = keyof typeof SIDES;

/** The ROC curve of one class with its band. */
export function rocBandChart({ class: name, roc }: ClassCurves, caption: string, size: ChartSize): Promise<Html> {
  return bandChart(roc, {
    ...{ caption, size },
    description: `ROC curve of ${name} against the others, with its 95 % band`,
    titles: { x: "1 − specificity", y: "sensitivity" },
    reference: diagonal(),
  });
}

/** The precision-recall curve of one class with its band, and the precision of guessing. */
export function precisionBandChart(
  { class: name, precisionRecall, prevalence }: ClassCurves,
  caption: string,
  size: ChartSize,
): Promise<Html> {
  return bandChart(precisionRecall, {
    ...{ caption, size },
    description: `Precision-recall curve of ${name} against the others, with its 95 % band`,
    titles: { x: "recall (sensitivity)", y: "precision (PPV)" },
    reference: {
      data: { values: [{ prevalence }] },
      mark: { ...REFERENCE, type: "rule" as const },
      encoding: { y: { field: "prevalence", type: "quantitative" as const } },
    },
  });
}

const REFERENCE = { color: "var(--ink-soft)", strokeDash: [4, 4], strokeWidth: 1 };

interface BandChart {
  caption: string;
  size: ChartSize;
  /** What it is, for those who do not see it. */
  description: string;
  titles: { x: string; y: string };
  /** What the curve is to be compared with, dashed. */
  reference: object;
}

async function bandChart({ at, value, low, high }: CurveBand, chart: BandChart): Promise<Html> {
  const values = at.map((x, i) => ({ x, y: value[i] ?? null, low: low[i] ?? null, high: high[i] ?? null }));
  const { caption, size, description, titles, reference } = chart;
  const x = { field: "x", type: "quantitative" as const, title: titles.x, ...UNIT_AXIS };
  const drawn = await svg(description, {
    width: SIDES[size],
    height: SIDES[size],
    layer: [
      {
        data: { values: values.filter((point) => point.low !== null && point.high !== null) },
        mark: { type: "area", color: "var(--series-1)", opacity: 0.2 },
        encoding: {
          x,
          y: { field: "low", type: "quantitative", title: titles.y, ...UNIT_AXIS },
          y2: { field: "high" },
        },
      },
      reference,
      {
        data: { values: values.filter(({ y }) => y !== null) },
        mark: { type: "line", color: "var(--series-1)", strokeWidth: 2, interpolate: "linear" },
        encoding: { x, y: { field: "y", type: "quantitative", title: titles.y, ...UNIT_AXIS } },
      },
    ],
  } as Parameters<typeof svg>[1]);
  return figure(caption, drawn);
}

/** How the curves of a decision chart are told apart without colours. */
export const DECISION_LINES = "solid: by the model; dashed: everybody; dotted: nobody";

/** Net benefit of treating by the model, dashed everybody, dotted nobody. */
export async function decisionChart(curve: ClassDecisionCurve, caption: string, size: ChartSize): Promise<Html> {
  const { class: name, thresholds, model, treatAll, prevalence } = curve;
  const most = Math.max(prevalence, ...model);
  const line = (ys: readonly number[], mark: object) => ({
    data: { values: thresholds.map((x, i) => ({ x, y: ys[i] as number })) },
    mark: { type: "line" as const, interpolate: "linear" as const, clip: true, ...mark },
    encoding: {
      x: { field: "x", type: "quantitative" as const, title: "threshold probability", ...UNIT_AXIS },
      y: {
        field: "y",
        type: "quantitative" as const,
        title: "net benefit",
        // Treating everybody falls without end: below 0 it says only that it harms.
        scale: { domain: [-0.25 * most, 1.05 * most], nice: false },
        axis: { tickCount: 5, format: most < 0.05 ? ".3~f" : ".2~f" },
      },
    },
  });
  const drawn = await svg(`Decision curve of ${name} against the others, ${DECISION_LINES}`, {
    width: SIDES[size],
    height: SIDES[size],
    layer: [
      line(treatAll, { color: "var(--ink-soft)", strokeDash: [6, 4], strokeWidth: 1.5 }),
      line(
        thresholds.map(() => 0),
        { color: "var(--ink-soft)", strokeDash: [2, 3], strokeWidth: 1.5 },
      ),
      line(model, { color: "var(--series-1)", strokeWidth: 2 }),
    ],
  });
  return figure(caption, drawn);
}
