import type { ClassCurves, ClassDecisionCurve, CurveBand, Estimate } from "../../metrics/index.ts";
import { type ChartSize, DECISION_LINES, decisionChart, precisionBandChart, rocBandChart } from "../charts-clinical.ts";
import { decimal, type Html, html, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { ClinicalFigures } from "./types.ts";

/** Up to so many classes have charts of full size. */
const MOST_LARGE = 3;

/**
 * ROC, precision-recall and decision curves of each class, of two classes those of the second, each drawn, and as a table
 * of a few of its points.
 */
export async function curvesPart({ curves, decisionCurves, intervalsPerClass }: ClinicalFigures): Promise<Html[]> {
  const shown = curves.flatMap((curve, k) => {
    const defined = curve.roc.value.some((value) => value !== null);
    return defined && (curves.length > 2 || k === 1) ? [{ curve, k }] : [];
  });
  if (shown.length === 0) return [];
  const size: ChartSize = shown.length > MOST_LARGE ? "small" : "large";
  const figureOf = (k: number, figure: "auc" | "averagePrecision") => intervalsPerClass[k]?.figures[figure];
  const parts: CurveKind[] = [
    [
      "ROC curves",
      "The dashed line is chance.",
      await drawn(shown, ({ curve, k }) =>
        rocBandChart(curve, captionOf(curve.class, "AUC", figureOf(k, "auc")), size),
      ),
      rocTable(shown.map(({ curve }) => curve)),
    ],
    [
      "Precision and recall",
      "The dashed line is the share of the class among these images, which guessing gives.",
      await drawn(shown, ({ curve, k }) =>
        precisionBandChart(curve, captionOf(curve.class, "average precision", figureOf(k, "averagePrecision")), size),
      ),
      precisionTable(shown.map(({ curve }) => curve)),
    ],
    [
      "Decision curves",
      `Net benefit of treating whom the model gives at least the threshold probability (${DECISION_LINES}): true positives per image, less the false positives at the odds of the threshold. The model is of use where its curve lies above both others.`,
      await drawn(shown, ({ curve, k }) =>
        decisionChart(decisionCurves[k] as ClassDecisionCurve, `${curve.class}: net benefit`, size),
      ),
      decisionTable(shown.map(({ k }) => decisionCurves[k] as ClassDecisionCurve)),
    ],
  ];
  const [only, second] = shown;
  return [
    ...(only && !second ? inOneRow(only.curve.class, parts) : parts.flatMap((part) => byKind(part, size))),
    html`<p class="note">Bands hold point by point, by the same resamples as the intervals.</p>`,
  ];
}

/** Curves of one kind: what they are, a chart for each class, and a table of points. */
type CurveKind = [title: string, note: string, charts: Html[], points: Html];

function byKind([title, note, charts, points]: CurveKind, size: ChartSize): Html[] {
  return [
    html`<h3>${title}, each class against the others</h3><p class="note">${note}</p>`,
    html`<div class="${size === "small" ? "multiples" : "charts"}">${charts}</div>`,
    points,
  ];
}

/** The curves of the only class of which there are some. */
function inOneRow(name: string, kinds: readonly CurveKind[]): Html[] {
  return [
    html`<h3>Curves of ${name}</h3>`,
    html`<div class="charts">${kinds.flatMap(([, , charts]) => charts)}</div>`,
    ...kinds.flatMap(([title, note, , points]) => [html`<p class="note"><b>${title}.</b> ${note}</p>`, points]),
  ];
}

interface Shown {
  curve: ClassCurves;
  k: number;
}

async function drawn(shown: readonly Shown[], draw: (one: Shown) => Promise<Html>): Promise<Html[]> {
  const charts: Html[] = [];
  for (const one of shown) charts.push(await draw(one));
  return charts;
}

function captionOf(name: string, figure: string, estimate: Estimate | undefined): string {
  if (!estimate || estimate.value === null) return name;
  const { value, low, high } = estimate;
  const interval = low === null || high === null ? "" : ` (${decimal(low)} to ${decimal(high)})`;
  return `${name}: ${figure} ${decimal(value)}${interval}`;
}

/** The point of a band nearest to `at`. */
function pointOf({ at: grid, value, low, high }: CurveBand, at: number): Estimate {
  const index = Math.round(at * (grid.length - 1));
  const of = (values: readonly (number | null)[]) => values[index] ?? null;
  return { value: of(value), low: of(low), high: of(high), method: "bootstrap-percentile" };
}

function pointsTable(caption: string, columns: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}

function rocTable(curves: readonly ClassCurves[]): Html {
  const rates = [0.02, 0.05, 0.1, 0.2, 0.4];
  const rows = curves.map(({ class: name, roc }) => [
    name,
    ...rates.map((rate) => withInterval(pointOf(roc, rate), percentage)),
  ]);
  const columns = rates.map((rate) => `at ${Math.round(100 * (1 - rate))} %`);
  return pointsTable("Sensitivity in percent at some specificities", columns, rows);
}

function precisionTable(curves: readonly ClassCurves[]): Html {
  const recalls = [0.5, 0.7, 0.8, 0.9, 0.95];
  const rows = curves.map(({ class: name, precisionRecall }) => [
    name,
    ...recalls.map((recall) => withInterval(pointOf(precisionRecall, recall), percentage)),
  ]);
  const columns = recalls.map((recall) => `at ${Math.round(100 * recall)} %`);
  return pointsTable("Precision in percent at some recalls", columns, rows);
}

function decisionTable(curves: readonly ClassDecisionCurve[]): Html {
  const chosen = [0.05, 0.1, 0.2, 0.3, 0.5];
  const rows = curves.map(({ class: name, thresholds, model, treatAll }) => [
    name,
    ...chosen.map((threshold) => {
      const at = thresholds.findIndex((value) => Math.abs(value - threshold) < 1e-9);
      return html`${decimal(model[at] ?? null)}<br><small class="spread">(all: ${decimal(treatAll[at] ?? null)})</small>`;
    }),
  ]);
  const columns = chosen.map((threshold) => `at ${Math.round(100 * threshold)} %`);
  return pointsTable("Net benefit at some threshold probabilities, beside that of treating everybody", columns, rows);
}
