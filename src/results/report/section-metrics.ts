import { type ClassificationMetrics, type OverallFigure, wilsonInterval } from "../metrics/index.ts";
import { reliabilityChart, rocChart } from "./charts.ts";
import { withInterval } from "./clinical/estimate.ts";
import { clinicalParts } from "./clinical/parts.ts";
import type { ClinicalFigures } from "./clinical/types.ts";
import { decimal, Html, html, nothing, percent, scrollingTable, section, table } from "./html.ts";
import type { EvaluationSection, FiguresSection } from "./types.ts";

const figureColumns = [{ title: "Figure" }, { title: "Value", numeric: true }, { title: "What it means" }];

/** Figures of a model that is no classifier. */
export function figuresSection({ title, rows }: FiguresSection): Html {
  const cells = rows.map(({ name, value, meaning }) => [name, value, meaning]);
  return section("figures", title, table("Figures", figureColumns, cells, "stacked"));
}

/** Figures, tables and charts of a classifier on one split. */
export async function evaluationSection({ split, metrics }: EvaluationSection): Promise<Html> {
  const clinical = isClinical(metrics);
  // The curves of a clinical report have bands, and stand by themselves.
  const roc = clinical ? nothing : ((await rocChart(metrics)) ?? nothing);
  const reliability = await reliabilityChart(clinical ? metrics.reliability : metrics.calibration);
  return section(
    "evaluation",
    `How well it classifies: ${metrics.n} ${split} images`,
    overallTable({ split, metrics }),
    perClassTable({ split, metrics }),
    undefinedNote({ split, metrics }),
    html`<h3>Where it errs</h3>`,
    confusionTable({ split, metrics }),
    ...(clinical ? await clinicalParts(metrics) : []),
    html`<h3>Thresholds and confidence</h3><div class="charts">${[roc, reliability]}</div>`,
  );
}

function isClinical(metrics: EvaluationSection["metrics"]): metrics is ClassificationMetrics & ClinicalFigures {
  return metrics.intervals !== undefined;
}

function overallTable({ metrics: m }: EvaluationSection): Html {
  const [low, high] = wilsonInterval(m.accuracy, m.n);
  const told = (name: OverallFigure, shown: (value: number | null) => string): string | Html => {
    const estimate = m.intervals?.[name];
    return estimate ? withInterval(estimate, shown) : shown(m[name]);
  };
  const shares = (value: number | null): string => (value === null ? "–" : percent(value));
  const largest = Math.max(...m.perClass.map(({ support }) => support)) / m.n;
  const rows: [string, string | Html, string][] = [
    [
      "Accuracy",
      percent(m.accuracy),
      `share predicted right; 95 % interval ${percent(low)} to ${percent(high)}. Always answering the most frequent class gives ${percent(largest)}`,
    ],
    [
      "Balanced accuracy",
      told("balancedAccuracy", shares),
      `mean sensitivity of the classes; guessing gives ${percent(1 / m.classNames.length)}`,
    ],
    [
      "Macro F1",
      told("f1Macro", decimal),
      "mean over classes of the harmonic mean of precision and sensitivity; 1 is best",
    ],
    [
      "Macro AUC",
      told("aucMacro", decimal),
      "mean area under the ROC curves, each class against the rest; 0.5 is chance, 1 is best",
    ],
    [
      "Quadratic kappa",
      told("kappaQuadratic", decimal),
      "agreement beyond chance for graded classes, far errors weigh more; 0 is chance, 1 is best",
    ],
    ["Matthews correlation", told("mcc", decimal), "correlation of truth and prediction; 0 is chance, 1 is best"],
    [
      "Log-loss",
      told("logLoss", decimal),
      `penalty for confident errors; 0 is best, even guessing gives ${decimal(Math.log(m.classNames.length))}`,
    ],
    ["Brier score", told("brier", decimal), "squared error of the probabilities, 0 to 2; 0 is best"],
    [
      "Calibration error",
      told("ece", decimal),
      "mean gap between stated confidence and share right (15 bins); 0 is best",
    ],
  ];
  return table("Overall figures", figureColumns, rows, "stacked");
}

function perClassTable({ metrics }: EvaluationSection): Html {
  const numeric = [
    "Images",
    "Sensitivity (recall)",
    "Specificity",
    "Precision (PPV)",
    "F1",
    "AUC",
    "Average precision",
  ];
  const rows = metrics.perClass.map((row, k) => [
    row.class,
    String(row.support),
    row.support === 0 ? "–" : percent(row.recall),
    percent(specificity(metrics.confusion, k)),
    columnSum(metrics.confusion, k) === 0 ? "–" : percent(row.precision),
    decimal(row.f1),
    decimal(row.auc),
    decimal(row.averagePrecision),
  ]);
  const columns = [{ title: "Class" }, ...numeric.map((title) => ({ title, numeric: true }))];
  return table("Per class, against all others", columns, rows);
}

/** Share of the images of other classes that are not called this class; null where there are none. */
function specificity(confusion: readonly (readonly number[])[], k: number): number | null {
  const others = confusion.filter((_, truth) => truth !== k).flat();
  const total = others.reduce((sum, count) => sum + count, 0);
  const falsePositives = columnSum(confusion, k) - (confusion[k]?.[k] ?? 0);
  return total === 0 ? null : 1 - falsePositives / total;
}

function columnSum(confusion: readonly (readonly number[])[], k: number): number {
  return confusion.reduce((sum, row) => sum + (row[k] ?? 0), 0);
}

function undefinedNote({ metrics }: EvaluationSection): Html {
  if (metrics.undefinedMetrics.length === 0) return nothing;
  const items = metrics.undefinedMetrics.map(
    (entry) => html`<li>${entry.metric}${entry.class === undefined ? "" : ` of ${entry.class}`}: ${entry.reason}</li>`,
  );
  return html`<p class="note">Not defined on these images (–):</p><ul class="note">${items}</ul>`;
}

function confusionTable({ metrics: { confusion, classNames } }: EvaluationSection): Html {
  const caption = "Confusion matrix: rows are the truth, columns the prediction; count and share of the row";
  const head = classNames.map((name) => html`<th scope="col">${name}</th>`);
  const rows = confusion.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) => {
      const share = total === 0 ? 0 : count / total;
      // Right answers in the first colour, errors in the second, so that the diagonal needs no explanation.
      const colour = truth === predicted ? "--series-1" : "--series-2";
      const tint = new Html(`background:color-mix(in srgb, var(${colour}) ${Math.round(share * 45)}%, transparent)`);
      return html`<td style="${tint}"><b>${count}</b><span>${total === 0 ? "–" : percent(share)}</span></td>`;
    });
    return html`<tr><th scope="row">${classNames[truth] ?? ""}</th>${cells}</tr>`;
  });
  return scrollingTable(caption, "confusion", [html`<th scope="col">truth ↓ predicted →</th>`, ...head], rows);
}
