import { basename } from "node:path";
import { z } from "zod";
import { augmentationFields } from "../../src/config/augmentation.ts";
import {
  dataFields,
  epochsField,
  imageFields,
  loadingFields,
  optimiserFields,
  outputFields,
  readingFields,
  runtimeFields,
  startFields,
} from "../../src/config/common.ts";
import { completeMoments, completeSizes } from "../../src/config/completion.ts";
import { field } from "../../src/config/fields.ts";
import { type InputOf, verbOptions } from "../../src/config/index.ts";
import type { Sample } from "../../src/data/dataset.ts";
import { targetOf } from "../../src/data/targets/target.ts";
import { input, mul, reduceMean, sub } from "../../src/engine/graph/builders.ts";
import { graph } from "../../src/engine/graph/graph.ts";
import { parameterGroups } from "../../src/engine/optim/parameter-groups.ts";
import { parameterInputs } from "../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../src/engine/parameters/training-outputs.ts";
import { Normalizer } from "../../src/images/transforms/normalize.ts";
import type { Gathered, Outcome } from "../../src/inference/outcomes/outcome.ts";
import type { RunHooks } from "../../src/support/events.ts";
import type { TrainingDefinition } from "../../src/training/definition.ts";
import { measureRun, measureSplit, openValidation } from "../../src/training/measure.ts";
import { cardOf } from "../../src/training/model-card.ts";
import { runTraining } from "../../src/training/run-training.ts";
import { describeTraining, openData, peakLr } from "../../src/training/setup.ts";
import { TrainingImages } from "../../src/training/training-images.ts";
import { type ColourConfig, colourKind, colourOf } from "./colour-model.ts";

/** The value that a file's name tells: `0007-0.62.png` is red by 0.62. */
const withValue = (sample: Sample): Sample => ({
  ...sample,
  values: [Number(/-([\d.]+)\.png$/.exec(basename(sample.path))?.[1])],
});

interface Told extends Gathered {
  told: number[];
  truth: number[];
}

interface ColourMetrics {
  n: number;
  /** Mean absolute error. */
  mae: number;
}

/** How red an image is, as a number. */
export const colours: Outcome<Told, ColourMetrics, object> = {
  target: { kind: "values" },
  samplesFor: (_data, samples) => samples.map(withValue),
  line({ values }) {
    const red = values.value?.[0] as number;
    return Number.isFinite(red) ? { red } : undefined;
  },
  gather() {
    const result = { told: [] as number[], truth: [] as number[], indices: [] as number[], paths: [] as string[] };
    return {
      add(batch, told) {
        for (const { values } of told) result.told.push(...(values.value ?? []));
        result.truth.push(...targetOf(batch, "values").values);
        result.indices.push(...batch.indices);
        result.paths.push(...batch.paths);
      },
      finish: () => ({ ...result, indices: Uint32Array.from(result.indices) }),
    };
  },
  measure({ told, truth }) {
    const errors = told.map((value, i) => Math.abs(value - (truth[i] as number)));
    return { n: told.length, mae: errors.reduce((a, b) => a + b, 0) / told.length };
  },
  figures: (metrics) => metrics,
  validation: ({ mae }) => ({ metrics: { mae }, score: -mae, loss: mae }),
  columns: () => ["red", "predicted"],
  row: ({ told, truth }, i) => [(truth[i] as number).toFixed(2), String(told[i])],
  report: ({ n, mae }, split) => ({
    figures: {
      title: `How well it tells the colour: ${n} ${split} images`,
      rows: [
        { name: "Mean absolute error", value: mae.toFixed(3), meaning: "0 is best, guessing one half gives 0.25" },
      ],
    },
  }),
  caption: ({ told, truth }, i) => `red by ${truth[i]?.toFixed(2)}, predicted ${told[i]?.toFixed(2)}`,
  examples: ({ told }, count) => told.map((_, i) => i).slice(0, count),
};

const options = verbOptions({
  name: "colour",
  schema: z.strictObject({
    ...dataFields,
    model: field(z.string().default("colour_small"), "Name of the model to train."),
    ...outputFields,
    epochs: epochsField(5),
    batchSize: field(z.int().min(1).default(8), "Images per batch."),
    ...optimiserFields,
    minLr: field(z.number().min(0).default(0), "Learning rate at which the cosine schedule ends."),
    warmupEpochs: field(z.number().min(0).optional(), "Epochs over which the learning rate rises."),
    ...startFields,
    ...imageFields,
    ...augmentationFields,
    ...readingFields,
    ...loadingFields,
    ...runtimeFields,
  }),
  derived: ["inputSize", "patchSize", "mean", "std", "init"],
  settled: ["epochs", "warmupEpochs"],
  complete(given, whole) {
    completeSizes(colourKind.presets, given);
    completeMoments(given);
    given.init ??= "scratch";
    if (!whole && given.resume !== undefined) return;
    given.epochs ??= 5;
    given.warmupEpochs ??= 0;
  },
});

const definition: TrainingDefinition<typeof options, ColourConfig, ColourMetrics & { checkpoint: string }> = {
  verb: options,
  async open(given, hooks) {
    const data = await openData(given, hooks);
    const { train, val, test } = data.folder.splits;
    const splits = { train: train.map(withValue), val: val.map(withValue), test: test.map(withValue) };
    return { ...data, folder: { ...data.folder, splits } };
  },
  plan: ({ model, inputSize, inChans, weightDecay, ...options }, { folder }) => ({
    kind: colourKind,
    config: {
      inputHeight: inputSize.height,
      inputWidth: inputSize.width,
      inChans,
      numClasses: folder.classNames.length,
      hidden: colourKind.presets[model]?.hidden ?? 8,
    },
    groups: (trainable) => parameterGroups(trainable, { weightDecay }),
    lr: peakLr(options),
    optimizer: { beta1: 0.9, beta2: 0.99 },
    mapping: () => undefined,
    loading: { target: colours.target },
  }),
  task(context) {
    const { options: given, plan, data, loader } = context;
    const { config, kind } = plan;
    const { batchSize } = given;
    const p = parameterInputs(kind.specs(config));
    const error = sub(colourOf(p, config, batchSize), input("truth", [batchSize, 1]));
    const loss = reduceMean(mul(error, error), [0, 1]);
    const training = graph("train-colour", { loss, ...trainingOutputs(loss, p) });
    const feeder = kind.feeder(config, new Normalizer(config.inChans as 1 | 3, given));
    const images = new TrainingImages(loader, given);
    const phase = images.phase(training, (batch) => ({
      ...feeder.whole(batch.images, batchSize),
      truth: targetOf(batch, "values").values,
    }));
    const validation = openValidation(context, colours);
    return {
      batchesPerEpoch: images.batchesPerEpoch,
      phase: () => phase,
      ...(validation && {
        async validate() {
          const { metrics } = await measureSplit(context, { outcome: colours, model: {} }, validation);
          return colours.validation(metrics);
        },
      }),
      describe: (epoch, step) => ({
        kind: kind.name,
        config,
        ...describeTraining(given, { classNames: data.folder.classNames, split: data.split }, epoch, step),
      }),
    };
  },
  async finish(context, trained) {
    const { metrics, checkpoint } = await measureRun(context, { outcome: colours, model: {} }, trained);
    await context.run.writeModelCard(
      cardOf(context, { summary: ["Trained to tell colours."], told: ["epochs", "seed"] }),
    );
    return { ...metrics, checkpoint };
  },
};

/** Trains a model that tells how red phantoms are. */
export function trainColours(given: InputOf<typeof options>, hooks: RunHooks = {}) {
  return runTraining(definition, given, hooks);
}
