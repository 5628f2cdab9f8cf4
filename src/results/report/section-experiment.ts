import { curveChart } from "./charts.ts";
import { percentage } from "./clinical/estimate.ts";
import { decimal, type Html, html, nothing, section, table } from "./html.ts";
import type { ExperimentSection, LossRow } from "./types.ts";

const numeric = (title: string) => ({ title, numeric: true });

/** The table, what lies between the arms, and how they went. */
export async function experimentSection(input: ExperimentSection): Promise<Html> {
  const { rows, differences, losses, seeds, scale, curves } = input;
  const charts: Html[] = [];
  for (const curve of curves) charts.push(await curveChart(curve));
  const cells = rows.map(({ method, metric, mean, std, low, high, paper }) => [
    method,
    NAMES[metric] ?? metric,
    percentage(mean),
    percentage(std),
    `${percentage(low)} to ${percentage(high)}`,
    paper === null ? "–" : percentage(paper),
  ]);
  const columns = ["Mean, %", "Deviation over seeds", "95 % interval", "Published, %"].map(numeric);
  const between = differences.flatMap(({ first, second, figures, mcnemar = [] }) =>
    Object.entries(figures).map(([metric, { delta, low, high, p, seedsAbove }]) => [
      `${first} less ${second}`,
      NAMES[metric] ?? metric,
      percentage(delta),
      `${percentage(low)} to ${percentage(high)}`,
      decimal(p),
      `${seedsAbove} of ${seeds}`,
      metric === "accuracy" ? mcnemar.map(({ p }) => decimal(p)).join(", ") : "",
    ]),
  );
  const titles = ["Points", "95 % interval", "p", "Seeds above", "McNemar's p of each seed"].map(numeric);
  return section(
    "experiment",
    `The methods beside each other: ${seeds} ${seeds === 1 ? "seed" : "seeds"}`,
    html`<p>${scale}</p>`,
    table("Test images, all patches shown", [{ title: "Method" }, { title: "Figure" }, ...columns], cells),
    between.length === 0
      ? nothing
      : table(
          "Differences on the same images and seeds",
          [{ title: "Methods" }, { title: "Figure" }, ...titles],
          between,
        ),
    losses.length === 0 ? nothing : lossTable(losses),
    html`<p class="note">Intervals are percentiles of bootstrap resamples of seeds and images, the same for all methods. With few
seeds they are too narrow. Nothing is corrected for the number of comparisons.</p>`,
    charts.length === 0 ? nothing : html`<h3>How it went</h3><div class="charts">${charts}</div>`,
  );
}

function lossTable(losses: readonly LossRow[]): Html {
  const titles = ["Difference", "90 % interval", "Margin", "Epochs equal", "Of the others higher"].map(numeric);
  const cells = losses.map(({ first, second, stage, difference, low, high, margin, equal, ...counts }) => [
    `${first} less ${second}`,
    stage,
    equal ? "equal" : "not shown to be",
    decimal(difference, 4),
    `${decimal(low, 4)} to ${decimal(high, 4)}`,
    decimal(margin, 4),
    `${counts.equalEpochs} of ${counts.epochs}`,
    `${counts.higherEpochs}`,
  ]);
  return html`${table(
    "Training losses, mean over the epochs: whether they are equal",
    [{ title: "Methods" }, { title: "Stage" }, { title: "Equal" }, ...titles],
    cells,
  )}<p class="note">Equal: the 90 % interval of the difference (Student's t, pairs of one seed) lies within one standard deviation of the
second's seeds on either side of 0.</p>`;
}

const NAMES: Readonly<Record<string, string>> = {
  accuracy: "accuracy",
  balancedAccuracy: "balanced accuracy",
  f1Macro: "macro F1",
  dice: "Dice",
  iou: "IoU",
  pointing: "attention peaks in the lesion",
};
