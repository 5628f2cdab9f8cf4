import { input } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { BatchNormMode } from "../../engine/layers/convolution.ts";
import { type ParameterSpec, type Parameters, parameterInputs } from "../../engine/parameters/specs.ts";
import { trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { crossEntropy, focalLoss } from "../nn/losses.ts";
import type { ImageModelConfig } from "./config.ts";

/** What a network is run on. */
export interface NetworkRun {
  batch: number;
  mode: BatchNormMode;
  /** Of each block that may be skipped, how often it is; the input `dropPath` then says of which images. Default: never. */
  dropPathRates?: readonly number[];
}

/** A network that sees images whole and gives a logit per class: no tokens that could be left out. */
export interface Network<C extends ImageModelConfig> {
  /** The tensors, under the keys of other programs' checkpoints. @throws MsmaeError Config for sizes that do not fit. */
  specs(config: C): ParameterSpec[];
  /** Logits [batch, classes] of what the kind's feeder gives. */
  logits(p: Parameters, config: C, run: NetworkRun): Value;
}

/** The forward pass for evaluation: `logits` [batch, classes]. */
export function networkGraph<C extends ImageModelConfig>(network: Network<C>, config: C, batch: number): Graph {
  const p = parameterInputs(network.specs(config));
  return graph("classify", { logits: network.logits(p, config, { batch, mode: "evaluation" }) });
}

/**
 * One training step: `loss`, `logits`, the gradient of every tensor and the next running statistics. Inputs: those of the
 * network, and `classTargets` [batch, classes] float32, soft or smoothed. The loss is the cross-entropy, or the focal loss
 * where `focalGamma` is given.
 */
export function networkTrainingGraph<C extends ImageModelConfig>(
  network: Network<C>,
  config: C,
  { focalGamma, ...run }: Omit<NetworkRun, "mode"> & { focalGamma?: number | undefined },
): Graph {
  const p = parameterInputs(network.specs(config));
  const logits = network.logits(p, config, { ...run, mode: "training" });
  const targets = input("classTargets", [run.batch, config.numClasses]);
  const loss = focalGamma === undefined ? crossEntropy(logits, targets) : focalLoss(logits, targets, focalGamma);
  return graph("train-network", { loss, logits, ...trainingOutputs(loss, p) });
}
