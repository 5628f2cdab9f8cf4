import type { ModelDifference } from "../../metrics/index.ts";
import { rocCurvesChart } from "../charts.ts";
import { withInterval } from "../clinical/estimate.ts";
import { type Column, type Html, html, nothing, section, table } from "../html.ts";
import { differencesChart, drawable } from "./charts.ts";
import { type FigureName, figureName, signed } from "./figure-names.ts";
import type { ComparisonSection } from "./types.ts";
import { probability, TESTS, verdict } from "./words.ts";

/** Classes of which curves are drawn, the first ones. */
const MOST_CURVES = 12;

/** Several models on the same cases: each by itself, and every pair of them. */
export async function comparisonSection(compared: ComparisonSection): Promise<Html> {
  const { n, split, models } = compared;
  const pairs: Html[] = [];
  for (const pair of pairsOf(compared)) pairs.push(await pairPart(compared, pair));
  return section(
    "comparison",
    `How ${models.length} models differ on ${n} ${split} images`,
    verdicts(compared),
    modelsTable(compared),
    ...pairs,
    await curves(compared),
    notes(compared),
  );
}

/** The main figure of each model. */
export function comparisonTiles({ models, main, figures }: ComparisonSection): { value: string; label: string }[] {
  const { title, shown } = figureName(main);
  const [name, unit = ""] = title.split(",");
  const estimates = figures.find(({ metric }) => metric === main)?.estimates ?? [];
  return estimates.map(({ value, low, high }, k) => ({
    value: `${shown(value)}${unit}`,
    label: `${models[k]}: ${name?.toLowerCase()}${low === null ? "" : `, ${shown(low)} to ${shown(high)}`}`,
  }));
}

/** The differences of each pair of models. */
function pairsOf({ differences }: ComparisonSection): ModelDifference[][] {
  return [...Map.groupBy(differences, ({ first, second }) => `${first}\n${second}`).values()];
}

function verdicts(compared: ComparisonSection): Html {
  const { main, discordant, models } = compared;
  const items = pairsOf(compared).map((rows, pair) => {
    const row = rows.find(({ metric, class: name }) => metric === main && name === undefined);
    if (row === undefined) return nothing;
    const counts = discordant?.[pair];
    const alone = counts
      ? ` ${row.first} alone is right on ${counts.firstOnly} images, ${row.second} alone on ${counts.secondOnly}.`
      : "";
    return html`<li>${verdict(row, models.length > 2)}${alone}</li>`;
  });
  return html`<ul>${items}</ul>`;
}

function modelsTable({ models, figures }: ComparisonSection): Html {
  const columns: Column[] = [{ title: "Figure" }, ...models.map((title) => ({ title, numeric: true }))];
  const rows = figures.map(({ metric, estimates }) => {
    const name = figureName(metric);
    return [titleOf(name), ...estimates.map((estimate) => withInterval(estimate, name.shown))];
  });
  return html`<h3>Each model by itself</h3>${table("Values with their 95 % intervals", columns, rows)}`;
}

/** Which values are best, where a reader could doubt it. */
function titleOf({ title, best }: FigureName): string {
  return best === "low" ? `${title} (low is best)` : title;
}

async function pairPart(compared: ComparisonSection, rows: readonly ModelDifference[]): Promise<Html> {
  const [{ first, second }] = rows as [ModelDifference];
  const overall = rows.filter(({ class: name }) => name === undefined);
  const title = `${first} less ${second}`;
  const chart = await differencesChart(`${title}: right of 0 ${first} is better`, drawable(overall));
  return html`<h3>${title}</h3>
${chart === undefined ? nothing : html`<div class="charts">${[chart]}</div>`}
${overallTable(compared, overall, title)}
${classesTable(compared, rows, title)}`;
}

function overallTable({ models, figures }: ComparisonSection, rows: readonly ModelDifference[], title: string): Html {
  const corrected = models.length > 2;
  const [{ first, second }] = rows as [ModelDifference];
  const valueIn = (metric: string, name: string): string => {
    const estimate = figures.find((one) => one.metric === metric)?.estimates[models.indexOf(name)];
    return figureName(metric).shown(estimate?.value ?? null);
  };
  const numeric = [first, second, "Difference (95 % interval)", "p", ...(corrected ? ["p corrected"] : [])];
  const cells = rows.map((row) => [
    titleOf(figureName(row.metric)),
    valueIn(row.metric, first),
    valueIn(row.metric, second),
    difference(row),
    probability(row.p),
    ...(corrected ? [probability(row.pHolm)] : []),
    TESTS[row.test],
  ]);
  const columns = [{ title: "Figure" }, ...numeric.map((name) => ({ title: name, numeric: true })), { title: "Test" }];
  return table(`${title}, over all`, columns, cells);
}

/** A difference above its interval. */
function difference({ metric, delta, low, high }: ModelDifference): Html {
  const { shown } = figureName(metric);
  return withInterval({ value: delta, low, high }, (value) => signed(shown(value)));
}

function classesTable(
  { each, ofClasses, models }: ComparisonSection,
  rows: readonly ModelDifference[],
  title: string,
): Html {
  const byClass = Map.groupBy(
    rows.filter(({ class: name }) => name !== undefined),
    ({ class: name }) => name as string,
  );
  if (byClass.size === 0) return nothing;
  const corrected = models.length > 2;
  const [main = ""] = ofClasses;
  const cells = [...byClass].map(([name, own]) => {
    const found = ofClasses.map((metric) => own.find((row) => row.metric === metric));
    const p = corrected ? found[0]?.pHolm : found[0]?.p;
    const differences = found.map((row) => (row === undefined ? "–" : difference(row)));
    return [name, ...differences, probability(p ?? null)];
  });
  const titles = ofClasses.map((metric) => titleOf(figureName(metric)));
  const last = `p of ${figureName(main).title}${corrected ? ", corrected" : ""}`;
  const columns = [{ title: each }, ...[...titles, last].map((name) => ({ title: name, numeric: true }))];
  return table(`${title}, by ${each.toLowerCase()}, with 95 % intervals`, columns, cells);
}

async function curves({ roc = [], models }: ComparisonSection): Promise<Html> {
  // Of two classes one curve is the other's mirror image.
  const shown = roc.length === 2 ? roc.slice(1) : roc.slice(0, MOST_CURVES);
  const charts: Html[] = [];
  for (const { class: name, curves: own } of shown) {
    const named = own.map((curve, k) => ({ ...curve, name: models[k] as string }));
    const chart = await rocCurvesChart(`ROC of ${name} (area under the curve)`, named);
    if (chart !== undefined) charts.push(chart);
  }
  if (charts.length === 0) return nothing;
  const more =
    roc.length > shown.length && roc.length > 2
      ? html`<p class="note">The first ${MOST_CURVES} of ${roc.length}.</p>`
      : nothing;
  return html`<h3>Curves</h3><div class="charts">${charts}</div>${more}`;
}

/** How the figures came about, for those who check. */
function notes({ n, models, resampling, differences, rules = [] }: ComparisonSection): Html {
  const { groups, resamples } = resampling;
  const used = new Set(differences.map(({ test }) => test));
  const together = groups < n;
  const reasons = new Set(differences.flatMap(({ reason }) => reason ?? []));
  const sentences = [
    ...rules,
    `Intervals are percentiles of ${resamples} bootstrap resamples of ${together ? `the ${groups} patients, lesions or files` : `the ${n} images`}; each resample measures all models, so that what is hard for all of them does not widen the interval of a difference.`,
    ...(used.has("delong")
      ? ["Areas under ROC curves of one class are compared by DeLong's test, with its interval."]
      : []),
    ...(used.has("mcnemar-exact") || used.has("mcnemar-chi-squared")
      ? [
          "Accuracies are compared by McNemar's test: exact where fewer than 25 images are right for one model alone, else chi-squared with continuity correction.",
        ]
      : []),
    ...(together && used.size === 1
      ? [
          "Images of one patient resemble each other: all tests are by the bootstrap that draws patients, for others take images for independent.",
        ]
      : []),
    ...(models.length > 2
      ? ["“p corrected” is Holm's, over the pairs of models for each figure by itself."]
      : ["p holds for one figure looked at alone: of many figures some differ by chance."]),
    ...[...reasons].map((reason) => `No value or interval (–): ${reason}.`),
  ];
  return html`<ul class="note">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}
