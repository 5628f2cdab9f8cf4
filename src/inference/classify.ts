import { type Target, targetOf } from "../data/targets/target.ts";
import type { Graph } from "../engine/graph/graph.ts";
import type { Engine } from "../engine/thread/engine.ts";
import type { FeedBuilder } from "../method/feeds.ts";
import { classifierGraph } from "../method/models/classifier.ts";
import type { ClassifierConfig } from "../method/models/config.ts";
import { forBatchSize, type ImageBatch, runBatches } from "./run-batches.ts";

/** Images with their true classes. */
export interface LabelledBatch extends ImageBatch {
  target: Target;
  /** [B] */
  paths: readonly string[];
}

export interface ClassifySplitInput {
  engine: Engine;
  config: ClassifierConfig;
  feeds: FeedBuilder;
  batches: AsyncIterable<LabelledBatch>;
  /** Images per run; a smaller last batch is filled up. */
  batchSize: number;
  /** Hears how many images are done, after each batch. */
  onProgress?: ((done: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What a classifier says of a set of images, in the order of its batches. */
export interface Classification {
  /** [n, classes], each row summing to 1. */
  probabilities: Float64Array;
  /** [n, classes] */
  logits: Float32Array;
  /** [n] true class indices. */
  labels: Int32Array;
  /** [n] the batches' indices. */
  indices: Uint32Array;
  /** [n] */
  paths: string[];
}

/** The graph that {@link classifySplit} loads, for unloading it by its name. */
export function classificationGraph(config: ClassifierConfig, batchSize: number): Graph {
  return forBatchSize(classifierGraph(config, { batch: batchSize, kept: "all" }), batchSize);
}

/**
 * Runs a classifier over images with all their patches, nothing masked. The graph stays loaded in the engine.
 *
 * @throws the signal's reason when it fires; what the batches or the engine throw.
 * Source: method.md section 5, evaluation.
 */
export async function classifySplit(input: ClassifySplitInput): Promise<Classification> {
  const { config, batchSize, onProgress } = input;
  const logits: number[] = [];
  const labels: number[] = [];
  const indices: number[] = [];
  const paths: string[] = [];
  const graph = classificationGraph(config, batchSize);
  for await (const { batch, outputs } of runBatches({ ...input, graph })) {
    const rows = outputs.logits?.subarray(0, batch.indices.length * config.numClasses) ?? [];
    for (const value of rows) logits.push(value);
    labels.push(...targetOf(batch, "class").labels);
    indices.push(...batch.indices);
    paths.push(...batch.paths);
    onProgress?.(paths.length);
  }
  return {
    probabilities: softmaxRows(logits, config.numClasses),
    logits: Float32Array.from(logits),
    labels: Int32Array.from(labels),
    indices: Uint32Array.from(indices),
    paths,
  };
}

/** Softmax of each row of `logits` [n, classes], in float64. */
export function softmaxRows(logits: ArrayLike<number>, classes: number): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    let largest = -Infinity;
    for (let k = start; k < start + classes; k++) largest = Math.max(largest, logits[k] as number);
    let sum = 0;
    for (let k = start; k < start + classes; k++) {
      const power = Math.exp((logits[k] as number) - largest);
      probabilities[k] = power;
      sum += power;
    }
    for (let k = start; k < start + classes; k++) probabilities[k] = (probabilities[k] as number) / sum;
  }
  return probabilities;
}

/** The class of the largest value of a row, the first of equals. */
export function likeliest(row: Float64Array): number {
  return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
}
