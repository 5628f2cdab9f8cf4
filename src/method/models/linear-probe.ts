import { input, reshape } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import { type BatchNormOptions, batchNorm, batchNormSpecs } from "../../engine/layers/convolution.ts";
import {
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
  type Parameters,
  parameterInputs,
} from "../../engine/parameters/specs.ts";
import { trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { linear } from "../nn/layers.ts";
import { crossEntropy } from "../nn/losses.ts";
import { normOf, pooledFeatures } from "./classifier.ts";
import { type ClassifierConfig, checkConfig, type GlobalPool } from "./config.ts";
import { encoderSpecs } from "./encoder.ts";

/** How a classifier pools whose head reads these features. */
export function poolOf(features: "cls" | "mean"): GlobalPool {
  return features === "cls" ? "cls" : "avg";
}

/** Source: method.md section 5. */
const normalisation: Required<BatchNormOptions> = { epsilon: 1e-6, affine: false };

/** The keys of MAE's head, a sequence of a normalisation and a linear layer. */
const [NORM, LINEAR] = ["head.0", "head.1"] as const;

/** The tensors of what is told of features: running statistics, and the linear layer, the only one that is trained. */
export function probeHeadSpecs(features: number, classes: number): ParameterSpec[] {
  return [
    ...batchNormSpecs(NORM, features, normalisation),
    ...linearSpecs(LINEAR, features, classes, { kind: "truncated-normal", std: 0.01 }),
  ];
}

/** The tensors whose features a probe reads, all of them fixed. */
export function frozenEncoderSpecs(config: ClassifierConfig): ParameterSpec[] {
  checkConfig(config);
  const specs = [...encoderSpecs(config, "fixed"), ...layerNormSpecs(normOf(config.globalPool), config.embedDim)];
  return specs.map((spec) => ({ ...spec, role: "fixed" as const }));
}

/** The tensors of a linear probe: a classifier's encoder, which stays as it is, and MAE's head. */
export function linearProbeSpecs(config: ClassifierConfig): ParameterSpec[] {
  return [...frozenEncoderSpecs(config), ...probeHeadSpecs(config.embedDim, config.numClasses)];
}

/** What a frozen encoder makes of whole images, `features` [batch, D], as {@link pooledFeatures}. Input: `patches`. */
export function featuresGraph(config: ClassifierConfig, batch: number): Graph {
  const p = parameterInputs(frozenEncoderSpecs(config));
  return graph("features", { features: pooledFeatures(p, config, { batch, kept: "all" }) });
}

/** The forward pass over whole images for evaluation: `logits` [batch, classes]. Input: `patches`. */
export function linearProbeGraph(config: ClassifierConfig, batch: number): Graph {
  const p = parameterInputs(linearProbeSpecs(config));
  const features = pooledFeatures(p, config, { batch, kept: "all" });
  return graph("linear-probe", { logits: probe(features, p, "evaluation") });
}

/** What the graphs over features are made for. */
export interface ProbeShape {
  features: number;
  classes: number;
  batch: number;
}

/** `logits` [batch, classes] of `features` [batch, D] by the running statistics. */
export function probeHeadGraph({ features, classes, batch }: ProbeShape): Graph {
  const p = parameterInputs(probeHeadSpecs(features, classes));
  return graph("probe-head", { logits: probe(input("features", [batch, features]), p, "evaluation") });
}

/**
 * One training step over features: `loss`, the gradients of the linear layer and the next running statistics. Inputs:
 * `features` [batch, D] and `classTargets` [batch, classes] float32.
 * Source: method.md section 5, linear probe; He et al. 2022, appendix A.1.
 */
export function probeTrainingGraph({ features, classes, batch }: ProbeShape): Graph {
  const p = parameterInputs(probeHeadSpecs(features, classes));
  const logits = probe(input("features", [batch, features]), p, "training");
  const loss = crossEntropy(logits, input("classTargets", [batch, classes]));
  return graph("train-probe", { loss, ...trainingOutputs(loss, p) });
}

function probe(features: Value, p: Parameters, mode: "training" | "evaluation"): Value {
  const { shape } = features;
  const normalised = batchNorm(reshape(features, [...shape, 1, 1]), p, NORM, mode, normalisation);
  return linear(reshape(normalised, shape), p, LINEAR);
}

/** A linear layer: weight [classes, D] row by row, and bias [classes]. */
export interface LinearLayer {
  weight: Float32Array;
  bias: Float32Array;
}

/**
 * The linear layer that tells of features what the head of a probe tells of them, the normalisation within it: a weight
 * divided by the deviation, and a bias without what the mean adds. Computed in float64.
 *
 * @param tensor the head's tensors by key.
 */
export function foldedHead(tensor: (key: string) => Float32Array): LinearLayer {
  const [mean, variance] = [tensor(`${NORM}.running_mean`), tensor(`${NORM}.running_var`)];
  const [weight, bias] = [tensor(`${LINEAR}.weight`), tensor(`${LINEAR}.bias`)];
  const features = mean.length;
  const folded = Float64Array.from(weight, (value, at) => {
    return value / Math.sqrt((variance[at % features] as number) + normalisation.epsilon);
  });
  const shifts = Float64Array.from(bias);
  for (const [at, value] of folded.entries()) {
    const row = Math.floor(at / features);
    shifts[row] = (shifts[row] as number) - value * (mean[at % features] as number);
  }
  return { weight: Float32Array.from(folded), bias: Float32Array.from(shifts) };
}
