import { curveChart } from "./charts.ts";
import { facts, type Html, html, nothing, percent, section } from "./html.ts";
import { attentionSection, pointingGameSection, reconstructionSection } from "./section-images.ts";
import { evaluationSection } from "./section-metrics.ts";
import { STYLE } from "./style.ts";
import type { ProvenanceSection, ReportInput } from "./types.ts";

export { encodePng } from "./png.ts";
export type {
  AttentionExample,
  AttentionSection,
  CurveChart,
  CurveSeries,
  EvaluationSection,
  NamedMap,
  PointingGameSection,
  ProvenanceSection,
  ReconstructionExample,
  ReportFact,
  ReportInput,
} from "./types.ts";

/**
 * One HTML page that shows a run: a document of its own, with every picture and style inside, that opens from disk
 * without a network and runs no script.
 *
 * @throws MsmaeError "Shape" or "Data" when a picture, mask or map does not fit its size or holds non-finite values.
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const sections = await reportSections(input);
  const body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="msmae">
<title>${input.title}</title>
<style>`;
  const page = html`</style>
</head>
<body>
<header>
<h1>${input.title}</h1>
${input.lead === undefined ? nothing : html`<p class="lead">${input.lead}</p>`}
<p class="warning"><strong>Not a medical device.</strong> For research only: nothing here may guide the care of a patient.</p>
${tiles(input)}
${sections.length < 2 ? nothing : html`<nav aria-label="Contents"><ul>${sections.map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`)}</ul></nav>`}
</header>
<main>
${sections.map(({ content }) => content)}
</main>
<footer><p class="note">Made by msmae, supervised masked autoencoders for medical images (method: arXiv 2305.05871). Not a medical device.</p></footer>
</body>
</html>
`;
  return body.markup + STYLE + page.markup;
}

interface NamedSection {
  id: string;
  /** Name in the contents. */
  short: string;
  content: Html;
}

async function reportSections(input: ReportInput): Promise<NamedSection[]> {
  const { summary = [], curves = [], reconstructions = [], evaluation, attention, pointingGame, provenance } = input;
  const sections: NamedSection[] = [];
  const add = (id: string, short: string, content: Html): number => sections.push({ id, short, content });
  if (summary.length > 0) add("summary", "Run", section("summary", "The run", facts(summary)));
  if (evaluation !== undefined) add("evaluation", "Classification", await evaluationSection(evaluation));
  if (attention !== undefined && attention.examples.length > 0) {
    add("attention", "Attention", await attentionSection(attention));
  }
  if (pointingGame !== undefined && pointingGame.results.length > 0) {
    add("pointing-game", "Pointing game", pointingGameSection(pointingGame));
  }
  if (reconstructions.length > 0) {
    add("reconstructions", "Reconstructions", await reconstructionSection(reconstructions));
  }
  if (curves.length > 0) {
    const charts: Html[] = [];
    for (const curve of curves) charts.push(await curveChart(curve));
    add("training", "Training", section("training", "How training went", html`<div class="charts">${charts}</div>`));
  }
  if (provenance !== undefined) add("provenance", "How it was made", provenanceSection(provenance));
  return sections;
}

/** The headline figures, where the report has them. */
function tiles({ evaluation, pointingGame }: ReportInput): Html {
  const shown: Html[] = [];
  const tile = (value: string, label: string): number =>
    shown.push(html`<div class="tile"><b>${value}</b><span>${label}</span></div>`);
  if (evaluation !== undefined) {
    const { accuracy, classNames, f1Macro, aucMacro } = evaluation.metrics;
    tile(percent(accuracy), `accuracy (guessing: ${percent(1 / classNames.length)})`);
    tile(f1Macro.toFixed(3), "macro F1");
    if (aucMacro !== null) tile(aucMacro.toFixed(3), "macro AUC");
  }
  const last = pointingGame?.results.at(-1);
  if (last !== undefined && last.result.hitRate !== null) {
    tile(percent(last.result.hitRate), `of maps peak in the lesion (chance: ${percent(last.result.chance)})`);
  }
  return shown.length === 0 ? nothing : html`<div class="tiles">${shown}</div>`;
}

function provenanceSection({ seed, command, notes = [], environment, configYaml }: ProvenanceSection): Html {
  const config =
    configYaml === undefined
      ? nothing
      : html`<details><summary>Configuration</summary><pre>${configYaml}</pre></details>`;
  return section(
    "provenance",
    "How it was made",
    command === undefined ? nothing : html`<pre>${command}</pre>`,
    notes.length === 0 ? nothing : html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
    facts([{ label: "Seed", value: String(seed) }, ...environment]),
    config,
  );
}
