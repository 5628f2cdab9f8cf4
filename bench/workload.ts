import type { Graph } from "../src/engine/graph/graph.ts";
import { parameterGroups } from "../src/engine/optim/parameter-groups.ts";
import type { ParameterSpec } from "../src/engine/parameters/specs.ts";
import type { Remembering } from "../src/engine/parameters/training-outputs.ts";
import type { Feeds } from "../src/engine/runtime/program.ts";
import type { AdamWRule, OptimizerOptions } from "../src/engine/thread/engine.ts";
import type { NetworkKind } from "../src/method/kinds/network.ts";
import { resnetKind } from "../src/method/kinds/resnet.ts";
import { swinKind } from "../src/method/kinds/swin.ts";
import { attentionCounts, randomCounts } from "../src/method/masking/selection.ts";
import { attentionMapGraph } from "../src/method/models/attention-maps.ts";
import { classifierGraph, classifierSpecs, dropPathRates, finetuneGraph } from "../src/method/models/classifier.ts";
import {
  type ClassifierConfig,
  type ImageModelConfig,
  type MaeConfig,
  patchCount,
} from "../src/method/models/config.ts";
import { maeSpecs, pretrainGraph } from "../src/method/models/mae.ts";
import { networkTrainingGraph } from "../src/method/models/network.ts";
import { finetuneGroups, pretrainGroups, segmentGroups } from "../src/method/models/parameter-groups.ts";
import { pretrainPresets } from "../src/method/models/presets.ts";
import { type ResNetPreset, resnetPresets } from "../src/method/models/resnet.ts";
import {
  defaultTaps,
  type SegmenterConfig,
  segmenterGraph,
  segmenterSpecs,
  segmentTrainingGraph,
} from "../src/method/models/segmenter.ts";
import { type SwinPreset, swinPresets } from "../src/method/models/swin.ts";
import { MsmaeError } from "../src/support/errors.ts";
import { FeedMaker } from "./feed-maker.ts";
import type { Phase } from "./phases.ts";

/** What every phase is made from; the width is that of a segmenter's head, the networks are those trained beside. */
export type ModelConfig = MaeConfig &
  ClassifierConfig &
  Pick<SegmenterConfig, "headWidth"> & { networks: { resnet: ResNetPreset; swin: SwinPreset } };

/** Everything one step needs: what runs, over which tensors, and what it is fed. */
export interface Workload {
  graph: Graph;
  specs: ParameterSpec[];
  /** Absent where nothing is trained. */
  optimizer: (Required<Omit<AdamWRule, "rule">> & Required<Pick<OptimizerOptions, "groups">>) | undefined;
  /** Where training does not scale the rate with the batch. */
  learningRate?: number;
  /** Feeds of one step, made anew at each call; the same number gives the same values. */
  feeds(step: number): Feeds;
}

/** Sizes of models by the name given to `--model`; the PyTorch peer has the same. */
export const modelNames = Object.keys(pretrainPresets).map((name) => name.split("_")[2] as string);

const largestDropPath = 0.1;
const smoothing = 0.1;
const weightDecay = 0.05;
const layerDecay = 0.75;

const networksOf = (resnetName: string, swinName: string): ModelConfig["networks"] => ({
  resnet: resnetPresets[resnetName] as ResNetPreset,
  swin: swinPresets[swinName] as SwinPreset,
});
/** Those that the method is compared with. */
const comparators = networksOf("resnet18", "swin_tiny_patch4_window7");

/** A preset at the size of image it is used with. @throws MsmaeError Config for an unknown name. */
export function configOf(model: string): ModelConfig {
  const entry = Object.entries(pretrainPresets).find(([name]) => name.split("_")[2] === model);
  if (!entry) {
    const expected = `one of ${modelNames.join(", ")}`;
    throw new MsmaeError("Config", { where: "--model", expected, got: model, todo: "choose one of them" });
  }
  const size = model === "micro" ? 64 : 224;
  return {
    inputHeight: size,
    inputWidth: size,
    inChans: 3,
    numClasses: 4,
    globalPool: "avg",
    headWidth: 256,
    networks: model === "micro" ? networksOf("resnet_micro", "swin_micro_patch4_window7") : comparators,
    ...entry[1],
  };
}

/** The learning rate of the timed steps, scaled with the batch as in training. */
export const learningRate = (batch: number): number => (1e-3 * batch) / 256;

/** One step of a phase as training and inference run it. */
export function workload(phase: Phase, config: ModelConfig, batch: number, { recompute }: Remembering = {}): Workload {
  const patches = patchCount(config);
  const driven = attentionCounts(patches, { maskRatio: 0.45, throwRatio: 0.3 });
  const random = randomCounts(patches, 0.75);
  const make = new FeedMaker(config, batch);
  switch (phase) {
    case "finetune":
    case "finetune-full": {
      const rates = dropPathRates(config.depth, largestDropPath);
      const kept = phase === "finetune" ? driven.kept : "all";
      const pixels = (step: number) => (phase === "finetune" ? make.kept(step) : make.whole());
      return finetuning(config, {
        graph: finetuneGraph(config, { batch, kept, dropPathRates: rates, recompute }),
        feeds: (step) => ({ ...pixels(step), ...make.classes(smoothing), ...make.dropPath(rates, step) }),
      });
    }
    case "pretrain-attention":
    case "pretrain-random": {
      const counts = phase === "pretrain-attention" ? driven : random;
      return pretraining(config, {
        graph: pretrainGraph(config, { batch, ...counts, ...pretrainingLoss, recompute }),
        feeds: (step) => ({ ...make.reconstruction(step, phase), ...make.classes(0) }),
      });
    }
    case "maps":
      return {
        graph: attentionMapGraph(config, batch),
        specs: maeSpecs(config),
        optimizer: undefined,
        feeds: () => make.whole(),
      };
    case "infer-full":
      return inference(config, { graph: classifierGraph(config, { batch, kept: "all" }), feeds: () => make.whole() });
    case "infer-masked":
      return inference(config, {
        graph: classifierGraph(config, { batch, kept: driven.kept }),
        feeds: (step) => make.kept(step),
      });
    case "segment":
      return segmentation(config, {
        graph: segmentTrainingGraph(segmenterOf(config), { batch, size: sizeOf(config), loss: "bce-dice", recompute }),
        feeds: () => ({ ...make.whole(), ...make.masks() }),
      });
    case "infer-segment":
      return {
        graph: segmenterGraph(segmenterOf(config), { batch, size: sizeOf(config) }),
        specs: segmenterSpecs(segmenterOf(config)),
        optimizer: undefined,
        feeds: () => make.whole(),
      };
    case "train-resnet":
      return network(resnetKind, { ...imageOf(config), ...config.networks.resnet }, make);
    case "train-swin":
      return network(swinKind, { ...imageOf(config), ...config.networks.swin }, make);
  }
}

const imageOf = ({ inputHeight, inputWidth, inChans, numClasses }: ModelConfig): ImageModelConfig => ({
  inputHeight,
  inputWidth,
  inChans,
  numClasses,
});

/** A step of another network's training, as fine-tuning trains it. */
function network<C extends ImageModelConfig>(kind: NetworkKind<C>, config: C, make: FeedMaker): Workload {
  const { batch } = make;
  const dropPath = dropPathRates(kind.blocks(config), kind.skips ? largestDropPath : 0);
  const specs = kind.specs(config);
  const groups = parameterGroups(trainable(specs), { weightDecay, decays: kind.decays });
  return {
    graph: networkTrainingGraph(kind.network, config, { batch, dropPathRates: dropPath }),
    specs,
    optimizer: { groups, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    feeds: (step) => ({
      ...make.by(kind.feeder(config, make.normalizer)),
      ...make.classes(smoothing),
      ...(kind.skips ? make.dropPath(dropPath, step) : {}),
    }),
  };
}

const sizeOf = ({ inputHeight: height, inputWidth: width }: ModelConfig) => ({ height, width });

/** The paper's segmenter of two classes upon an encoder. */
export function segmenterOf(config: ModelConfig): SegmenterConfig {
  const taps = defaultTaps(config.depth);
  return { ...config, numClasses: 2, head: "setr-pup", taps, deepSupervision: false };
}

/** A step of a segmenter's training around a graph, with the paper's Adam. Source: method.md section 6. */
export function segmentation(config: ModelConfig, part: Part): Workload {
  const specs = segmenterSpecs(segmenterOf(config));
  const settings = { depth: config.depth, weightDecay: 1e-4, layerDecay: 1, optimizer: "adam" } as const;
  const groups = segmentGroups(trainable(specs), settings);
  return { ...part, specs, optimizer: { groups, beta1: 0.9, beta2: 0.999, eps: 1e-8 }, learningRate: 1e-4 };
}

/** The loss of pre-training as the paper's recipe has it. */
export const pretrainingLoss = { clsLoss: "softmax-ce", clsLossWeight: 0.1 } as const;

type Part = Pick<Workload, "graph" | "feeds">;

/** A fine-tuning step around a graph, with the optimiser of fine-tuning. */
export function finetuning(config: ModelConfig, part: Part): Workload {
  const specs = classifierSpecs(config);
  const groups = finetuneGroups(trainable(specs), { depth: config.depth, weightDecay, layerDecay });
  return { ...part, specs, optimizer: { groups, beta1: 0.9, beta2: 0.999, eps: 1e-8 } };
}

/** A pre-training step around a graph, with the optimiser of pre-training. */
export function pretraining(config: ModelConfig, part: Part): Workload {
  const specs = maeSpecs(config);
  const groups = pretrainGroups(trainable(specs), weightDecay);
  return { ...part, specs, optimizer: { groups, beta1: 0.9, beta2: 0.95, eps: 1e-8 } };
}

/** A forward pass of the classifier around a graph. */
export function inference(config: ModelConfig, part: Part): Workload {
  return { ...part, specs: classifierSpecs(config), optimizer: undefined };
}

const trainable = (specs: readonly ParameterSpec[]): ParameterSpec[] =>
  specs.filter((spec) => spec.role === "trainable");
