import type { InputOf, verbs } from "../config/index.ts";
import { imagenetNormalization } from "../images/transforms/normalize.ts";
import { type Checkpoint, forChannels, readCheckpoint } from "../interop/checkpoint.ts";
import { foreignModel } from "../interop/foreign-model.ts";
import { loadLine } from "../interop/load-line.ts";
import { featuresFromEncoder, loadWeights } from "../interop/load-weights.ts";
import { kindOf, type ModelDescription } from "../interop/model-file.ts";
import { fitted, requireEncoder } from "../interop/starting-weights.ts";
import { encoderKind } from "../method/kinds/encoder.ts";
import { modelShape } from "../method/kinds/shape.ts";
import type { ClassifierConfig, EncoderConfig } from "../method/models/config.ts";
import { poolOf } from "../method/models/linear-probe.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { packageVersion } from "../support/version.ts";
import {
  checkDescription,
  createWeights,
  type EngineOptions,
  type LoadedModel,
  type ModelSession,
  normalizerOf,
  startEngine,
} from "./session.ts";

/** Which checkpoint is read as an encoder, and how. */
export type FeatureModelOptions = EngineOptions & FeatureEncoderOptions;

type FeatureEncoderOptions = EncoderOptions & {
  checkpoint: string;
  features: "cls" | "mean";
};

/** What the checkpoint of another program does not say of its encoder. */
type EncoderOptions = Pick<
  InputOf<typeof verbs.knn>,
  "from" | "model" | "numHeads" | "patchSize" | "inChans" | "mean" | "std"
> & {
  inputSize?: { height: number; width: number };
};

/**
 * Opens any checkpoint with a vision transformer as a frozen encoder, ours or another program's.
 *
 * @throws MsmaeError Checkpoint when the file is damaged or has no encoder; Config where another program's needs to be told
 * of, or one of ours does not; Device when the engine cannot start.
 */
export async function openFeatureModel(
  options: FeatureModelOptions,
  hooks: RunHooks = {},
): Promise<ModelSession<ModelDescription<ClassifierConfig>>> {
  const { description, kind, store } = await loadFeatureModel(options, hooks);
  const engine = await startEngine(store, options);
  const feeds = kind.feeder(description.config, normalizerOf(description));
  return { description, kind, engine, feeds, close: () => engine.close() };
}

/** The first part of {@link openFeatureModel}, which needs no engine. */
export async function loadFeatureModel(
  options: FeatureEncoderOptions,
  hooks: RunHooks = {},
): Promise<LoadedModel<ModelDescription<ClassifierConfig>>> {
  const { checkpoint, from, inputSize } = options;
  const globalPool = poolOf(options.features);
  const stored = await readCheckpoint(checkpoint, { from, inputSize });
  requireEncoder(checkpoint, stored);
  const said = stored.description ? ownDescription(stored.description, options) : foreignDescription(options, stored);
  const description = { ...said, config: { ...said.config, globalPool } };
  checkDescription(checkpoint, description, encoderKind);
  const { config } = description;
  const start = fitted(checkpoint, stored, config);
  // With first values: a norm that the checkpoint lacks neither scales nor shifts.
  const store = createWeights(encoderKind.specs(config), 0);
  const report = loadWeights(store, start.tensors, { where: checkpoint, mapping: featuresFromEncoder(globalPool) });
  hooks.onEvent?.({ type: "note", message: loadLine(checkpoint, start, report, description) });
  return { description, kind: encoderKind, store };
}

const FOREIGN = ["from", "model", "numHeads", "inputSize", "patchSize", "inChans", "mean", "std"] as const;

function ownDescription(description: ModelDescription, options: EncoderOptions): ModelDescription<EncoderConfig> {
  const given = FOREIGN.find((name) => options[name] !== undefined);
  if (given === undefined) {
    // The kind has one, as has been made sure of.
    return { ...description, config: kindOf(description).encoder(description.config) as EncoderConfig };
  }
  throw new MsmaeError("Config", {
    where: given,
    expected: "a checkpoint of another program, which does not say it",
    got: "one that says it",
    todo: "leave it out",
  });
}

function foreignDescription(options: FeatureEncoderOptions, checkpoint: Checkpoint): ModelDescription<EncoderConfig> {
  const { model, config } = options.model === undefined ? byTensors(options, checkpoint) : byName(options);
  const usual = checkpoint.source?.normalization ?? imagenetNormalization(config.inChans as 1 | 3);
  const { mean, std } = forChannels(usual, config.inChans);
  return {
    kind: encoderKind.name,
    ...{ model, config, classNames: [] },
    ...{ mean: [...(options.mean ?? mean)], std: [...(options.std ?? std)] },
    reading: { window: "auto", axis: "axial", alpha: "drop" },
    ...{
      epoch: 0,
      step: 0,
      seed: 0,
      licence: checkpoint.source?.facts.licence ?? "other",
      msmaeVersion: packageVersion,
    },
  };
}

interface NamedEncoder {
  model: string;
  config: EncoderConfig;
}

/** The encoder of the size that was named. */
function byName(options: FeatureEncoderOptions): NamedEncoder {
  const { model = "", patchSize, inChans = 3, inputSize = { height: 224, width: 224 } } = options;
  const size = patchSize ?? encoderKind.presets[model]?.patchSize ?? 16;
  const config = modelShape(encoderKind, { model, inputSize, patchSize: size, inChans, numClasses: 1 });
  return { model, config: { ...config, numHeads: options.numHeads ?? config.numHeads } };
}

/** The encoder that the tensors are of, for images of the size that was asked for. */
function byTensors(options: FeatureEncoderOptions, { source, tensors }: Checkpoint): NamedEncoder {
  const { checkpoint, inputSize, patchSize, inChans, numHeads = source?.facts.numHeads } = options;
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const { model, config } = foreignModel(checkpoint, shapes, { ...source?.facts, numHeads, otherwise: inputSize });
  const asked = {
    ...(inputSize && { inputHeight: inputSize.height, inputWidth: inputSize.width }),
    ...(patchSize !== undefined && { patchSize }),
    ...(inChans !== undefined && { inChans }),
  };
  // What belongs to a head or a decoder is left out; a pre-trained model's has no word on what is read of it.
  const globalPool = poolOf(options.features);
  return { model, config: encoderKind.config.parse({ ...config, ...asked, globalPool, numClasses: 1 }) };
}
