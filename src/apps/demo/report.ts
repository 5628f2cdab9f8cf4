import { normalize } from "node:path";
import type { DemoOptions, FinetuneOptions, PretrainOptions, SegmentOptions } from "../../config/index.ts";
import { toYaml, verbs } from "../../config/index.ts";
import { namedFrom } from "../../data/splits/split-table.ts";
import type { ClassificationMetrics } from "../../results/metrics/index.ts";
import type {
  AttentionExample,
  CurveChart,
  ReconstructionExample,
  ReportFact,
  ReportInput,
} from "../../results/report/index.ts";
import { type Environment, environmentFacts } from "../../training/records/index.ts";
import { mapNames } from "./examples.ts";
import type { Looking } from "./looking.ts";
import type { History } from "./narration.ts";
import type { AssessedOutlines } from "./outlining.ts";
import { imageSize, imagesPerClass } from "./recipe.ts";

/** Everything a demo's report tells. */
export interface DemoRecord {
  options: DemoOptions;
  pretrain: { options: PretrainOptions; history: History; seconds: number };
  finetune: { options: FinetuneOptions; history: History; seconds: number };
  segment: { options: SegmentOptions; history: History; seconds: number };
  metrics: ClassificationMetrics;
  outlines: AssessedOutlines;
  looking: Looking & {
    attention: readonly AttentionExample[];
    reconstructions: readonly ReconstructionExample[];
  };
  environment: Environment;
  /** So far, the writing of the report not included. */
  seconds: number;
}

/** The demo's report. */
export function demoReport(record: DemoRecord): ReportInput {
  const { options, metrics, outlines, looking, environment } = record;
  return {
    title: "msmae demo: finding lesions in drawn images",
    lead: `A small vision transformer was trained on drawn slices of a body. All look alike but for one small lesion, whose kind (${metrics.classNames.join(", ")}) is the class. Pre-training and fine-tuning were given the class names alone, never the place of a lesion; a last training, on true masks, outlines it.`,
    summary: summaryOf(record),
    evaluation: { split: "test", metrics },
    ...outlines.section,
    attention: { examples: looking.attention },
    pointingGame: {
      results: [
        { name: mapNames.random, result: looking.game.random },
        { name: mapNames.supervised, result: looking.game.supervised },
      ],
    },
    reconstructions: looking.reconstructions,
    curves: curvesOf(record),
    provenance: {
      seed: options.seed,
      command: `npx msmae demo --seed ${options.seed}`,
      notes: notesOn(record),
      environment: environmentFacts(environment),
      configYaml: configurationOf(record),
    },
  };
}

function summaryOf({ pretrain, finetune, segment, metrics, seconds }: DemoRecord): ReportFact[] {
  const { train, val, test } = imagesPerClass;
  const { attentionStartEpoch, epochs, model } = pretrain.options;
  const masked = finetune.options.epochs - finetune.options.fullTokenEpochs;
  const classes = metrics.classNames.length;
  return [
    {
      label: "Images",
      value: `${classes * train} to train on, ${classes * val} for validation, ${classes * test} to test, each ${imageSize} × ${imageSize} pixels`,
    },
    {
      label: "Model",
      value: `${model}: patches of ${pretrain.options.patchSize} × ${pretrain.options.patchSize} pixels`,
    },
    {
      label: "1. Supervised pre-training",
      value: `${epochs} epochs in ${duration(pretrain.seconds)}: fill in hidden patches and name the lesion; hidden at random until epoch ${attentionStartEpoch}, then all but what the network attends most`,
    },
    {
      label: "2. Fine-tuning",
      value: `${finetune.options.epochs} epochs in ${duration(finetune.seconds)}: name the lesion; ${masked} epochs on the quarter of the patches attended most, ${finetune.options.fullTokenEpochs} on all`,
    },
    {
      label: "3. Outlining",
      value: `${segment.options.epochs} epochs in ${duration(segment.seconds)}: from the pre-trained encoder again, learn the lesion's place from true masks`,
    },
    { label: "4. Test", value: `${classes * test} images that no training saw` },
    { label: "Time", value: duration(seconds) },
  ];
}

function curvesOf({ pretrain, finetune, segment }: DemoRecord): CurveChart[] {
  const points = (history: History, name: string) =>
    history.map((metrics, epoch) => [epoch, metrics[name] ?? Number.NaN] as const);
  return [
    {
      title: "Pre-training: reconstruction",
      yTitle: "mean squared error",
      series: [{ name: "train", points: points(pretrain.history, "reconstructionLoss") }],
    },
    {
      title: "Pre-training: classification (falls when attention shows the lesion)",
      yTitle: "cross-entropy",
      series: [{ name: "train", points: points(pretrain.history, "classificationLoss") }],
    },
    {
      title: "Fine-tuning: loss",
      yTitle: "cross-entropy",
      series: [
        { name: "train", points: points(finetune.history, "loss") },
        { name: "validation", points: points(finetune.history, "logLoss") },
      ],
    },
    {
      title: "Fine-tuning: validation accuracy",
      yTitle: "accuracy",
      yFormat: ".0%",
      series: [{ name: "validation", points: points(finetune.history, "accuracy") }],
    },
    {
      title: "Outlining: validation Dice",
      yTitle: "Dice",
      series: [{ name: "validation", points: points(segment.history, "dice") }],
    },
  ];
}

function notesOn({ pretrain, finetune, outlines }: DemoRecord): string[] {
  const { clsLossWeight, randomMaskRatio, cropMinScale, attentionStartEpoch } = pretrain.options;
  return [
    "Maps, pointing game and reconstructions are of the encoder after pre-training, whose attention drives the masking. Random weights are those of the same encoder before its first step.",
    "The images shown are drawn from the seed, not picked; of the outlines they are the best, the median and the worst.",
    `A disc of a lesion's size in the middle of every image would have a mean Dice of ${outlines.figures.chance.toFixed(3)}.`,
    `Where this short run departs from the paper, by the small recipe (docs/comparators.md): plain cross-entropy with weight ${clsLossWeight} names the lesion in pre-training (paper: cross-entropy of softmaxed outputs, weight 0.1); what is attended most is shown to the encoder (paper: hidden from it), by the mean attention of both blocks' heads (paper: of the last block, each head scaled before); random epochs hide ${100 * randomMaskRatio} % of the patches (paper: 75 %) and end at epoch ${attentionStartEpoch} (paper: 41 of 300); the last ${finetune.options.fullTokenEpochs} epochs of fine-tuning see all patches (paper: none), and the classifier reads the cls token (paper: the mean of the patches). Crops keep at least ${100 * cropMinScale} % of the image (paper: 20 %), so that they rarely cut the lesion away.`,
  ];
}

/** With paths from the demo's folder: where that lies is not for those who are shown the report. */
function configurationOf({ options, pretrain, finetune, segment }: DemoRecord): string {
  const yaml = [
    `# pre-training\n${toYaml(verbs.pretrain, pretrain.options)}`,
    `# fine-tuning\n${toYaml(verbs.finetune, finetune.options)}`,
    `# outlining\n${toYaml(verbs.segment, segment.options)}`,
  ];
  return namedFrom(normalize(options.outputDir), yaml.join("\n"));
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
