import type { Estimate, OperatingPoint } from "../metrics/index.ts";
import { decimal, type Html, html, nothing, percent, table } from "./html.ts";
import type { ClinicalFigures } from "./types.ts";

/** A figure's value with its 95 % interval, as `shown` writes numbers. */
export function withInterval({ value, low, high }: Estimate, shown: (value: number | null) => string): string {
  return low === null || high === null ? shown(value) : `${shown(value)} (${shown(low)} to ${shown(high)})`;
}

/** A share in percent, without the sign that its column's title has. */
const percentage = (value: number | null): string => (value === null ? "–" : (100 * value).toFixed(1));

/** What a clinical reader asks beside the figures: each class with intervals, a threshold chosen elsewhere, calibration. */
export function clinicalParts({
  intervalsPerClass,
  resampling,
  calibrationLines,
  operatingPoint,
}: ClinicalFigures): Html[] {
  return [
    html`<h3>With 95 % intervals</h3>`,
    perClassIntervals(intervalsPerClass),
    html`<p class="note">Intervals are percentiles of ${resampling.resamples} bootstrap resamples of ${resampling.groups} patients, lesions or files, as many of each class as there are.</p>`,
    operatingPoint === undefined ? nothing : html`<h3>At a threshold chosen on validation images</h3>`,
    operatingPoint === undefined ? nothing : operatingTable(operatingPoint.points, operatingPoint.chosenOn),
    html`<h3>Calibration</h3>`,
    calibrationTable(calibrationLines),
  ];
}

function perClassIntervals(classes: ClinicalFigures["intervalsPerClass"]): Html {
  const columns = ["Prevalence", "Sensitivity, %", "Specificity, %", "PPV, %", "NPV, %", "AUC"];
  const rows = classes.map(({ class: name, prevalence, figures }) => [
    name,
    percent(prevalence),
    ...(["sensitivity", "specificity", "ppv", "npv"] as const).map((figure) =>
      withInterval(figures[figure], percentage),
    ),
    withInterval(figures.auc, decimal),
  ]);
  const caption = "Each class against all others, the most probable class counting";
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}

function operatingTable(points: readonly OperatingPoint[], chosenOn: number): Html {
  const columns = ["Threshold", "Sensitivity, %", "Specificity, %", "PPV, %", "NPV, %"];
  const rows = points.map(({ class: name, chosen, applied, reason }) => [
    name,
    chosen?.threshold === null || chosen === null ? (reason ?? "never") : decimal(chosen.threshold),
    ...(["sensitivity", "specificity", "ppv", "npv"] as const).map((figure) =>
      applied === null ? "–" : withInterval(applied.figures[figure], percentage),
    ),
  ]);
  const [first] = points;
  const caption = `Chosen by ${first?.rule.kind ?? "no rule"} on ${chosenOn} validation images, measured on these`;
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}

function calibrationTable(lines: ClinicalFigures["calibrationLines"]): Html {
  const rows = lines.map(({ class: name, inTheLarge, intercept, slope }) => [
    name,
    withInterval(inTheLarge, decimal),
    withInterval(intercept, decimal),
    withInterval(slope, decimal),
  ]);
  const columns = ["In the large (0 is best)", "Intercept (0 is best)", "Slope (1 is best)"];
  const caption = "Slopes below 1: probabilities are too extreme";
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}
