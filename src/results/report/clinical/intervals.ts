import { decimal, type Html, html, percent, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { ClinicalFigures } from "./types.ts";

/** The figures of each class with intervals. */
export function intervalsPart({ intervalsPerClass, resampling }: ClinicalFigures): Html[] {
  return [
    html`<h3>With 95 % intervals</h3>`,
    perClassIntervals(intervalsPerClass),
    html`<p class="note">Intervals are percentiles of ${resampling.resamples} bootstrap resamples of ${resampling.groups} patients, lesions or files, as many of each class as there are.</p>`,
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
