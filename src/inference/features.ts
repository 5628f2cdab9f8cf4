import { targetOf } from "../data/targets/target.ts";
import type { Gathered, Gatherer } from "./outcomes/outcome.ts";

/** What a frozen encoder makes of a set of images, in the order of its batches. */
export interface FeatureSet extends Gathered {
  /** [n, D] row by row. */
  features: Float32Array;
  /** D */
  width: number;
  /** [n] class indices. */
  labels: Int32Array;
}

/** What features are compared with: the classes of the samples. */
export const featureTarget = { kind: "class" } as const;

/** Gathers the output `features` of a graph. @param width values of one image. */
export function featureGatherer(width: number): Gatherer<FeatureSet> {
  const rows: Float32Array[] = [];
  const labels: number[] = [];
  const indices: number[] = [];
  const paths: string[] = [];
  return {
    add(batch, told) {
      for (const { values } of told) rows.push((values.features as Float32Array).slice());
      labels.push(...targetOf(batch, "class").labels);
      indices.push(...batch.indices);
      paths.push(...batch.paths);
    },
    finish() {
      const features = new Float32Array(rows.length * width);
      for (const [i, row] of rows.entries()) features.set(row, i * width);
      return { features, width, labels: Int32Array.from(labels), indices: Uint32Array.from(indices), paths };
    },
  };
}

/** The features of one image: a view, no copy. */
export function featuresOf({ features, width }: Pick<FeatureSet, "features" | "width">, i: number): Float32Array {
  return features.subarray(i * width, (i + 1) * width);
}
