import type { FindingsFigure } from "../../metrics/index.ts";
import { rocCurvesChart } from "../charts.ts";
import { percentage, withInterval } from "../clinical/estimate.ts";
import { decimal, type Html, html, nothing, percent, section, table } from "../html.ts";
import type { FindingsSection } from "./types.ts";

const OVERALL: Record<FindingsFigure, string> = {
  aucMean: "Mean AUC",
  averagePrecisionMean: "Mean average precision",
  f1Mean: "Mean F1",
  logLoss: "Log-loss (low is best)",
};

/** Several findings with their intervals, a row each, and their curves. */
export async function findingsSection({ title, metrics }: FindingsSection): Promise<Html> {
  const { roc, perFinding, resampling, n } = metrics;
  const curves = roc.map(({ finding, curve }, k) => ({ name: finding, curve, auc: perFinding[k]?.auc ?? null }));
  const chart = await rocCurvesChart("ROC of each finding (area under the curve)", curves);
  const { groups, resamples } = resampling;
  const drawn = groups < n ? `the ${groups} patients, lesions or files` : `the ${n} images`;
  return section(
    "findings",
    title,
    overall(metrics),
    eachFinding(metrics),
    html`<p class="note">Prevalence, and PPV wherever it is worked out from these figures, hold for images like these. Intervals
are percentiles of ${resamples} bootstrap resamples of ${drawn}; a sensitivity or specificity of 0 or 100 % has Wilson's. A
finding so rare that resamples lack it has none for its AUC (–), and a mean over findings then has none either.</p>`,
    chart === undefined ? nothing : html`<div class="charts">${[chart]}</div>`,
  );
}

function overall({ intervals }: FindingsSection["metrics"]): Html {
  const rows = Object.entries(OVERALL).map(([figure, title]) => {
    const { value, low, high, reason } = intervals[figure as FindingsFigure];
    return [title, decimal(value), low === null ? `– (${reason})` : `${decimal(low)} to ${decimal(high)}`];
  });
  const columns = [{ title: "Figure" }, { title: "Value", numeric: true }, { title: "95 % interval" }];
  return table("Over all findings", columns, rows);
}

function eachFinding({ perFinding, intervalsPerFinding }: FindingsSection["metrics"]): Html {
  const numeric = ["Known", "Prevalence", "AUC", "Average precision", "From", "F1", "Sensitivity, %", "Specificity, %"];
  const rows = intervalsPerFinding.map(({ finding, prevalence, figures }, k) => [
    finding,
    String(perFinding[k]?.known),
    percent(prevalence),
    withInterval(figures.auc, decimal),
    withInterval(figures.averagePrecision, decimal),
    decimal(perFinding[k]?.threshold ?? null),
    withInterval(figures.f1, decimal),
    withInterval(figures.sensitivity, percentage),
    withInterval(figures.specificity, percentage),
  ]);
  const columns = [{ title: "Finding" }, ...numeric.map((title) => ({ title, numeric: true }))];
  return table(
    "Each on the images of which it is known, with 95 % intervals; F1 and what follows from the threshold on",
    columns,
    rows,
  );
}
