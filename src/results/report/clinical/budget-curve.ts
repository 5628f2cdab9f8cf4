import { figure, svg } from "../charts.ts";
import { decimal, type Html, html, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { BudgetPoint, ClinicalFigures } from "./types.ts";

const SIDE = 270;

/** How well and how fast the classifier is on part of the patches; nothing where nobody asked. */
export async function budgetPart({ budgetCurve }: ClinicalFigures): Promise<Html[]> {
  const all = budgetCurve?.at(-1);
  if (budgetCurve === undefined || all === undefined) return [];
  const { batch, runs } = all.timing;
  return [
    html`<h3>On part of the patches</h3>`,
    budgetTable(budgetCurve, all),
    html`<div class="charts">${await budgetChart(budgetCurve)}</div>`,
    html`<p class="note">The first quarter of the blocks runs on all patches, the others on those that the class token attends most
there. Times are of the model alone, from pixels that were read and normalised to its outputs, on the machine that made this
report: medians of ${runs} runs of a batch of ${batch} images, in turn, with nothing being read meanwhile. Multiply-adds are
without and with the products of attention (the conventions of thop and of fvcore).</p>`,
  ];
}

function budgetTable(curve: readonly BudgetPoint[], all: BudgetPoint): Html {
  const rows = curve.map(({ keepRatio, tokens, accuracy, aucMacro, difference, secondsPerImage, flops }) => [
    share(keepRatio),
    String(tokens),
    withInterval(accuracy, percentage),
    difference ? withInterval(difference.accuracy, percentage) : "–",
    withInterval(aucMacro, decimal),
    milliseconds(secondsPerImage),
    `${(all.secondsPerImage / secondsPerImage).toFixed(2)}×`,
    `${share(flops.thop)}, ${share(flops.fvcore)}`,
  ]);
  const columns = [
    ...["Tokens", "Accuracy, %", "Less that on all, points", "Macro AUC"],
    ...["ms an image", "Speed", "Multiply-adds"],
  ];
  const caption = "Accuracy and time by the share of patches that run, with 95 % intervals";
  return table(caption, [{ title: "Patches" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}

const share = (part: number): string => `${Number((100 * part).toFixed(1))} %`;

const milliseconds = (seconds: number): string => (1000 * seconds).toPrecision(3);

/** Accuracy with its interval over time. */
async function budgetChart(curve: readonly BudgetPoint[]): Promise<Html> {
  const values = curve.map(({ keepRatio, accuracy: { value, low, high }, secondsPerImage }) => ({
    ...{ label: share(keepRatio), ms: 1000 * secondsPerImage, value, low, high },
  }));
  const x = { field: "ms", type: "quantitative" as const, title: "ms an image", scale: { zero: true } };
  const y = { type: "quantitative" as const, title: "accuracy", axis: { format: ".0%", tickCount: 5 } };
  const [ink, line] = ["var(--ink-soft)", "var(--series-1)"];
  const chart = await svg("Accuracy with its 95 % interval over the time of an image, for each share of patches", {
    width: SIDE,
    height: SIDE,
    data: { values },
    layer: [
      {
        mark: { type: "rule", color: ink, strokeWidth: 1.5 },
        encoding: { x, y: { ...y, field: "low", scale: { zero: false } }, y2: { field: "high" } },
      },
      {
        mark: { type: "line", color: line, strokeWidth: 2, interpolate: "linear" },
        encoding: { x, y: { ...y, field: "value" }, order: { field: "ms", type: "quantitative" } },
      },
      { mark: { type: "point", color: line, filled: true, size: 50 }, encoding: { x, y: { ...y, field: "value" } } },
      {
        mark: { type: "text", color: "var(--ink)", align: "left", dx: 7, dy: 10 },
        encoding: { x, y: { ...y, field: "value" }, text: { field: "label" } },
      },
    ],
  });
  return figure("Accuracy over time, for each share of the patches that run", chart);
}
