import { stringify } from "yaml";
import type { ModelKind } from "../../method/kinds/kind.ts";
import { printable } from "../../support/printable.ts";

/** One data set's part in a model card. */
export interface ModelCardData {
  /** Name of the data set. */
  name: string;
  /** Images per class: class name → count. */
  classCounts: Readonly<Record<string, number>>;
  /** Images beside them whose labels were not used. */
  unlabelled?: number;
  /** Terms of the data, where known. */
  licence?: string;
  /** Where the data can be had. */
  url?: string;
}

/** One row of the results table. */
export interface ModelCardResult {
  /** Human name, such as "Accuracy". */
  name: string;
  /** Identifier of the metric in the Hugging Face hub's spelling: accuracy, f1, roc_auc… */
  type: string;
  value: number;
  /** Split the value was measured on, such as "test". */
  split: string;
}

/** Facts for a model card. */
export interface ModelCardInput {
  /** Name of the model, such as "msmae_vit_tiny_patch16". */
  modelName: string;
  kind: Pick<ModelKind, "card">;
  /** SPDX identifier for the weights. Without it the card says "other": the data's terms decide. */
  licence?: string;
  classNames: readonly string[];
  /** Height × width in pixels. */
  inputSize: readonly [number, number];
  inChans: number;
  trainingData: ModelCardData;
  /** What was done, in sentences. */
  trainingSummary: readonly string[];
  /** Options worth repeating, as they stand in config.yaml. */
  hyperparameters: Readonly<Record<string, string | number | boolean>>;
  /** The command that repeats the run. */
  command?: string;
  results: readonly ModelCardResult[];
  /** Limits known for this model in particular, in sentences. */
  limitations?: readonly string[];
  /** Version of this package. */
  msmaeVersion: string;
}

/** Title and BibTeX of the paper the method comes from. */
const CITATION = `@article{msmae2023,
  title   = {Medical supervised masked autoencoders: Crafting a better masking strategy and efficient fine-tuning schedule for medical image classification},
  journal = {arXiv preprint arXiv:2305.05871},
  year    = {2023}
}`;

/** A model card in Markdown with the front matter that the Hugging Face hub reads: the README.md of a run. */
export function modelCard(input: ModelCardInput): string {
  const sections = [
    `# ${text(input.modelName)}`,
    "> **Not a medical device.** This model has not been assessed or cleared for diagnosis, treatment or any other clinical use.",
    section(
      "Intended use",
      input.kind.card.use,
      "Out of scope: decisions about patients, with or without a clinician in between.",
    ),
    section("Input and output", inputAndOutput(input)),
    section("Training data", trainingData(input.trainingData)),
    section("How it was trained", input.trainingSummary.map(text).join(" "), hyperparameters(input), command(input)),
    section("Results", results(input.results)),
    section("Limitations", limitations(input)),
    section("Citation", `\`\`\`bibtex\n${input.kind.card.citation ?? CITATION}\n\`\`\``),
  ];
  return `---\n${stringify(frontMatter(input))}---\n\n${sections.join("\n\n")}\n`;
}

function frontMatter(input: ModelCardInput): Record<string, unknown> {
  const task = input.kind.card.pipelineTag;
  const card: Record<string, unknown> = {
    license: input.licence ?? "other",
    library_name: "msmae",
    pipeline_tag: task,
    tags: ["msmae", ...(input.kind.card.tags ?? ["masked-autoencoder", "vision-transformer"]), "medical-imaging"],
  };
  if (input.results.length === 0) return card;
  card.metrics = [...new Set(input.results.map(({ type }) => type))];
  card["model-index"] = [
    {
      name: input.modelName,
      results: [...new Set(input.results.map(({ split }) => split))].map((split) => ({
        task: { type: task },
        dataset: { name: printable(input.trainingData.name), type: "imagefolder", split },
        metrics: input.results
          .filter((result) => result.split === split)
          .map(({ name, type, value }) => ({ name, type, value })),
      })),
    },
  ];
  return card;
}

function inputAndOutput({ inputSize: [height, width], inChans, kind, classNames }: ModelCardInput): string {
  const image = `${inChans === 1 ? "Grey" : inChans === 3 ? "RGB" : `${inChans}-channel`} images of ${height} × ${width} pixels`;
  return `${image}; ${kind.card.output(classNames.map(text))}.`;
}

function trainingData({ name, classCounts, unlabelled, licence, url }: ModelCardData): string {
  const total = Object.values(classCounts).reduce((sum, count) => sum + count, unlabelled ?? 0);
  const rows = Object.entries(classCounts).map(([label, count]) => [text(label), String(count)]);
  if (unlabelled !== undefined) rows.push(["(no label used)", String(unlabelled)]);
  const facts = [`${text(name)}, ${total} images.`];
  if (url !== undefined) facts.push(`Source: <${url}>.`);
  facts.push(licence === undefined ? "Terms of the data: not stated." : `Terms of the data: ${text(licence)}.`);
  return `${facts.join(" ")}\n\n${table(["Class", "Images"], rows)}`;
}

function hyperparameters({ hyperparameters: values }: ModelCardInput): string {
  const rows = Object.entries(values).map(([name, value]) => [`\`${name}\``, text(String(value))]);
  return rows.length === 0 ? "" : table(["Option", "Value"], rows);
}

function command({ command: line, msmaeVersion }: ModelCardInput): string {
  const made = `Made with msmae ${text(msmaeVersion)}; versions and machine stand in \`env.json\`, all options in \`config.yaml\`.`;
  return line === undefined ? made : `\`\`\`sh\n${line}\n\`\`\`\n\n${made}`;
}

function results(rows: readonly ModelCardResult[]): string {
  if (rows.length === 0) return "Not evaluated.";
  return table(
    ["Metric", "Split", "Value"],
    rows.map(({ name, split, value }) => [text(name), text(split), value.toFixed(4)]),
  );
}

function limitations({ limitations: known = [], trainingData: { name } }: ModelCardInput): string {
  const general = [
    `Trained and measured on ${text(name)} alone: other scanners, sites, populations and image preparations will give other results.`,
    "Probabilities may be badly calibrated outside that data; an image of none of the classes still gets one.",
    "Attention maps show where the network takes information from. They do not prove that it reasons as a clinician would.",
  ];
  return [...known.map(text), ...general].map((line) => `- ${line}`).join("\n");
}

function section(title: string, ...paragraphs: string[]): string {
  return [`## ${title}`, ...paragraphs.filter((paragraph) => paragraph !== "")].join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Class and file names may hold anything; here they must not become Markdown or HTML, nor steer a terminal. */
function text(value: string): string {
  return printable(value.replace(/\s+/g, " ")).replace(/[\\`*_{}[\]<>#|]/g, "\\$&");
}
