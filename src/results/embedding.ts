import { RandomStream } from "../support/random.ts";
import type { Rows } from "./neighbours.ts";
import { normalisedRows, rowCount } from "./neighbours.ts";

/** Rows that a picture needs at least: each has neighbours then. */
export const FEWEST_ROWS = 4;
/** Neighbours of a row that its place is to keep. */
const NEIGHBOURS = 15;

/** A picture of rows on its way. */
export interface Embedding {
  /** Steps in all. */
  steps: number;
  /** Makes the next step. */
  step(): void;
  /** [n] the places so far. */
  places(): [x: number, y: number][];
}

/**
 * Begins a picture of rows in the plane in which those of similar direction stand together (UMAP). The same rows and the
 * same seed give the same picture.
 *
 * Source: McInnes, Healy and Melville 2018.
 */
export async function beginEmbedding(rows: Rows, seed: number): Promise<Embedding> {
  const { UMAP } = await import("./generated/umap.js");
  const stream = RandomStream.for(seed, "embedding");
  const count = rowCount(rows);
  const { values, width } = normalisedRows(rows);
  const vectors = Array.from({ length: count }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
  const umap = new UMAP({ nNeighbors: Math.min(NEIGHBOURS, count - 1), random: () => stream.uniform() });
  const steps = umap.initializeFit(vectors);
  return {
    steps,
    step: () => void umap.step(),
    places: () => umap.getEmbedding().map(([x = 0, y = 0]) => [x, y]),
  };
}
