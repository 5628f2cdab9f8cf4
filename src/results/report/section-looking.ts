import { curveChart } from "./charts.ts";
import { percentage } from "./clinical/estimate.ts";
import { decimal, type Html, html, nothing, section, table } from "./html.ts";
import type { LookingFigure, LookingSection, SeedsFigure } from "./types.ts";

/** What the columns are called, in their order. */
const COLUMNS: Readonly<Record<LookingFigure, string>> = {
  pointing: "Peak in the lesion, %",
  auc: "AUC",
  masked: "Masked, %",
  thrown: "Thrown, %",
  kept: "Kept, %",
  hidden: "Lesion wholly hidden, %",
};

/** Where pre-trainings look, and what their masking does to lesions. */
export async function lookingSection({ rows, images, patches, curves }: LookingSection): Promise<Html> {
  const charts: Html[] = [];
  for (const curve of curves) charts.push(await curveChart(curve));
  const figures = Object.keys(COLUMNS) as LookingFigure[];
  const cells = rows.map(({ name, epoch, seeds, figures: own }) => [
    name,
    epoch === null ? "–" : String(epoch),
    String(seeds),
    ...figures.map((figure) => overSeeds(own[figure], figure === "auc" ? decimal : percentage)),
  ]);
  const titles = ["Epochs", "Seeds", ...Object.values(COLUMNS)].map((title) => ({ title, numeric: true }));
  return section(
    "looking",
    "Where pre-trainings look",
    html`<p>Attention on the test images with a lesion, ${Math.round(images)} in each seed, and what masking does to the
patches of lesions, ${patches.toFixed(1)} in each on average: how many of them are masked, thrown away and kept, and in how many
draws the encoder sees none of them.</p>`,
    table("After the last epoch, mean over seeds ± deviation", [{ title: "Pre-training" }, ...titles], cells),
    html`<p class="note">A patch is the lesion's where the lesion covers a quarter of it at least, or more of it than of any other
where there is none such. Masks are drawn as each pre-training draws them, by the model's attention, by other maps or at random; beside
those that follow maps stands what as many patches drawn uniformly would do.</p>`,
    charts.length === 0
      ? nothing
      : html`<h3>Over epochs of pre-training</h3><p class="note">Thin lines are single seeds.</p><div class="charts">${charts}</div>`,
  );
}

function overSeeds(figure: SeedsFigure | null, shown: (value: number) => string): string {
  if (figure === null) return "–";
  const { mean, std } = figure;
  return std === null ? shown(mean) : `${shown(mean)} ± ${shown(std)}`;
}
