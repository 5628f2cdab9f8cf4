import { input } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { BatchNormMode } from "../../engine/layers/convolution.ts";
import { type ParameterSpec, type Parameters, parameterInputs } from "../../engine/parameters/specs.ts";
import { trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { crossEntropy } from "../nn/losses.ts";
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

/** The forward pass, for evaluation unless told otherwise: `logits` [batch, classes]. */
export function networkGraph<C extends ImageModelConfig>(
  network: Network<C>,
  config: C,
  batch: number,
  mode: BatchNormMode = "evaluation",
): Graph {
  const p = parameterInputs(network.specs(config));
  return graph("classify", { logits: network.logits(p, config, { batch, mode }) });
}

/**
 * One training step: `loss`, `logits`, the gradient of every tensor and the next running statistics. Inputs: those of the
 * network, and `classTargets` [batch, classes] float32, soft or smoothed. `loss` makes another loss of the logits, with
 * inputs of its own in place of `classTargets`; by default it is the cross-entropy.
 */
export function networkTrainingGraph<C extends ImageModelConfig>(
  network: Network<C>,
  config: C,
  { loss: lossOf, ...run }: Omit<NetworkRun, "mode"> & { loss?: (logits: Value) => Value },
): Graph {
  const p = parameterInputs(network.specs(config));
  const logits = network.logits(p, config, { ...run, mode: "training" });
  const loss = lossOf?.(logits) ?? crossEntropy(logits, input("classTargets", [run.batch, config.numClasses]));
  return graph("train-network", { loss, logits, ...trainingOutputs(loss, p) });
}
