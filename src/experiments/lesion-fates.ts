import {
  attentionOrder,
  drawSelection,
  type MaskingPolicy,
  type Selection,
  type SelectionCounts,
} from "../method/masking/index.ts";
import { mean } from "../results/metrics/mean.ts";
import type { Grid } from "../results/visual/index.ts";
import { RandomStream } from "../support/random.ts";

/** What masking does to a lesion's patches, in shares of 1. */
export interface LesionFates {
  /** Of the lesion's patches: hidden and to be painted. */
  masked: number;
  /** Neither seen nor painted. */
  thrown: number;
  /** Seen by the encoder. */
  kept: number;
  /** Of the draws: those in which the encoder sees none of the lesion's patches. */
  hidden: number;
}

/** A patch is the lesion's from this share of its area on. */
const COVERED = 1 / 4;

/**
 * The patches of a lesion: those of which it covers a quarter at least, and where there is none, the one of which it covers
 * most. Empty where nothing is outlined.
 *
 * @param mask [height, width], non-zero inside; it and the grid of patches cover the same image.
 */
export function lesionPatches(mask: Grid, { height, width }: { height: number; width: number }): number[] {
  const [inside, all] = [new Float64Array(height * width), new Float64Array(height * width)];
  const cellOf = (at: number, pixels: number, cells: number): number => Math.floor(((at + 0.5) * cells) / pixels);
  for (let pixel = 0; pixel < mask.data.length; pixel++) {
    const row = cellOf(Math.floor(pixel / mask.width), mask.height, height);
    const patch = row * width + cellOf(pixel % mask.width, mask.width, width);
    all[patch] = (all[patch] as number) + 1;
    if (mask.data[pixel] !== 0) inside[patch] = (inside[patch] as number) + 1;
  }
  // A mask of fewer pixels than there are patches leaves some without any.
  const shares = inside.map((count, patch) => count / Math.max(1, all[patch] as number));
  const most = Math.max(...shares);
  if (most === 0) return [];
  const least = Math.min(COVERED, most);
  const own = [...shares.keys()].filter((patch) => (shares[patch] as number) >= least);
  return most < COVERED ? own.slice(0, 1) : own;
}

/** What one selection does to the patches of a lesion, of which there is one at least. */
export function fatesIn({ masked, thrown, kept }: Selection, lesion: readonly number[]): LesionFates {
  const own = new Set(lesion);
  const share = (patches: Uint32Array): number => patches.filter((patch) => own.has(patch)).length / own.size;
  const seen = share(kept);
  return { masked: share(masked), thrown: share(thrown), kept: seen, hidden: Number(seen === 0) };
}

/** What is to be expected where every patch is as likely to be drawn as any other; exact, nothing is drawn. */
export function uniformFates({ masked, thrown, kept }: SelectionCounts, lesionSize: number): LesionFates {
  const patches = masked + thrown + kept;
  let hidden = 1;
  for (let at = 0; at < lesionSize; at++) hidden *= Math.max(0, patches - kept - at) / (patches - at);
  return { masked: masked / patches, thrown: thrown / patches, kept: kept / patches, hidden };
}

/** How selections are drawn from a map. */
export interface FateDraws {
  counts: SelectionCounts;
  policy: MaskingPolicy;
  seed: number;
  /** Per image. */
  draws: number;
}

/**
 * What masking by the weights of an image's patches does to those of the lesion: the mean over draws, as a training draws them.
 *
 * @param weights [patches], of at least 0.
 * @param image its number, which keys the draws.
 */
export function drawnFates(
  weights: ArrayLike<number>,
  lesion: readonly number[],
  image: number,
  how: FateDraws,
): LesionFates {
  const { counts, policy, seed, draws } = how;
  return meanFates(
    Array.from({ length: draws }, (_, draw) => {
      const roles = () => RandomStream.for(seed, "roles", draw, image);
      const byMap = () => attentionOrder(weights, RandomStream.for(seed, "evaluation", draw, image));
      return fatesIn(drawSelection(policy, weights.length, counts, roles, byMap).selection, lesion);
    }),
  );
}

/** The mean of several, of which there is one at least. */
export function meanFates(fates: readonly LesionFates[]): LesionFates {
  const of = (name: keyof LesionFates): number => mean(fates.map((one) => one[name]));
  return { masked: of("masked"), thrown: of("thrown"), kept: of("kept"), hidden: of("hidden") };
}
