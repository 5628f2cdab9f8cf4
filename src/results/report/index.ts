import { curveChart } from "./charts.ts";
import { comparisonSection, comparisonTiles } from "./comparison/section.ts";
import { decimal, facts, type Html, html, nothing, percent, section } from "./html.ts";
import { type PageSection, renderPage, tileRow } from "./page.ts";
import { embeddingSection } from "./section-embedding.ts";
import { experimentSection } from "./section-experiment.ts";
import {
  attentionSection,
  errorsSection,
  pointingGameSection,
  reconstructionSection,
  retrievalSection,
} from "./section-images.ts";
import { lookingSection } from "./section-looking.ts";
import { evaluationSection, figuresSection } from "./section-metrics.ts";
import { segmentationSection } from "./section-segmentation.ts";
import type { ProvenanceSection, ReportInput } from "./types.ts";
import { agreementSection } from "./values/section-agreement.ts";
import { findingsSection } from "./values/section-findings.ts";

export type {
  BudgetPoint,
  ClinicalFigures,
  LocalisationSummary,
  PatientFigures,
  TemperatureTold,
} from "./clinical/types.ts";
export type { ComparisonSection } from "./comparison/types.ts";
export { encodeGreyPng, encodePng } from "./png.ts";
export type {
  AttentionExample,
  AttentionSection,
  CurveChart,
  CurveSeries,
  EmbeddingSection,
  EvaluationSection,
  FiguresSection,
  LookingFigure,
  LookingRow,
  LookingSection,
  LossRow,
  NamedMap,
  PointingGameSection,
  ProvenanceSection,
  ReconstructionExample,
  ReportFact,
  ReportInput,
  RetrievalExample,
  RetrievalSection,
  SeedsFigure,
  SegmentationCase,
  SegmentationSection,
} from "./types.ts";
export type { AgreementSection, FindingsSection, FindingsWithIntervals, NumberWithIntervals } from "./values/types.ts";

/**
 * One HTML page that shows a run: a document of its own, with every picture and style inside, that opens from disk
 * without a network and runs no script.
 *
 * @throws MsmaeError "Shape" or "Data" when a picture, mask or map does not fit its size or holds non-finite values.
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const sections = await reportSections(input);
  return renderPage({ ...input, tiles: tiles(input), sections });
}

async function reportSections(input: ReportInput): Promise<PageSection[]> {
  const {
    summary = [],
    curves = [],
    reconstructions = [],
    evaluation,
    segmentation,
    figures,
    findings,
    agreement,
    comparison,
    experiment,
    looking,
    attention,
    errors,
    retrieval,
    embedding,
    pointingGame,
    provenance,
  } = input;
  const sections: PageSection[] = [];
  const add = (id: string, short: string, content: Html): number => sections.push({ id, short, content });
  if (summary.length > 0) add("summary", "Run", section("summary", "The run", facts(summary)));
  if (evaluation !== undefined) add("evaluation", "Classification", await evaluationSection(evaluation));
  if (segmentation !== undefined) add("segmentation", "Segmentation", await segmentationSection(segmentation));
  if (figures !== undefined) add("figures", "Figures", figuresSection(figures));
  if (findings !== undefined) add("findings", "Findings", await findingsSection(findings));
  if (agreement !== undefined) add("agreement", "Agreement", await agreementSection(agreement));
  if (comparison !== undefined) add("comparison", "Comparison", await comparisonSection(comparison));
  if (experiment !== undefined) add("experiment", "Methods", await experimentSection(experiment));
  if (looking !== undefined) add("looking", "Where they look", await lookingSection(looking));
  if (attention !== undefined && attention.examples.length > 0) {
    add("attention", "Attention", await attentionSection(attention));
  }
  if (errors !== undefined) add("errors", "Errors", await errorsSection(errors));
  if (retrieval !== undefined && retrieval.examples.length > 0) {
    add("retrieval", "Nearest images", await retrievalSection(retrieval));
  }
  if (embedding !== undefined) add("embedding", "Pictures", await embeddingSection(embedding));
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
function tiles({ evaluation, segmentation, comparison, pointingGame }: ReportInput): Html {
  const shown: { value: string; label: string }[] = [];
  const tile = (value: string, label: string): number => shown.push({ value, label });
  if (evaluation !== undefined) {
    const { accuracy, classNames, f1Macro, aucMacro } = evaluation.metrics;
    tile(percent(accuracy), `accuracy (guessing: ${percent(1 / classNames.length)})`);
    tile(f1Macro.toFixed(3), "macro F1");
    if (aucMacro !== null) tile(aucMacro.toFixed(3), "macro AUC");
  }
  if (segmentation !== undefined) {
    const { dice, iou } = segmentation.metrics.mean;
    if (dice !== null) tile(decimal(dice), "mean Dice of outlines");
    if (iou !== null) tile(decimal(iou), "mean intersection over union");
  }
  if (comparison !== undefined) shown.push(...comparisonTiles(comparison));
  const last = pointingGame?.results.at(-1);
  if (last !== undefined && last.result.hitRate !== null) {
    tile(percent(last.result.hitRate), `of maps peak in the lesion (chance: ${percent(last.result.chance)})`);
  }
  return tileRow(shown);
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
