import { HashIndex } from "./hash-index.ts";
import { perceptualHashes } from "./perceptual-hash.ts";
import { type Alignment, align, correlation, type Layers, layersOf, overlay } from "./registration.ts";
import { SYMMETRIES, THUMB_AREA, turned } from "./symmetry.ts";

/** Two pictures that show the same, the second turned or mirrored onto the first. */
export interface NearPair {
  /** Positions in the list of pictures; `first` is smaller. */
  first: number;
  second: number;
  /** What the second one must go through to lie over the first; index into SYMMETRY_NAMES. */
  symmetry: number;
  alignment: Alignment;
}

/** What is asked of a pair. Measured on BTMD, HAM10000 and Kvasir-SEG: see docs/data/check.md. */
export const NEAR_CORRELATION = 0.96;
export const NEAR_DETAIL = 0.94;

/** Pairs that do not come this close as they lie are not laid over each other: no small crop drives them so far apart. */
const HOPELESS: Alignment = { correlation: 0.6, detail: 0.3 };
/** Candidates examined for one picture, the closest first: of other splits, where every pair matters, and of its own. */
const EXAMINED = { across: 64, within: 12 };
/** Pairs within a split that are enough for one picture. */
const ENOUGH_WITHIN = 2;
/** A thumbnail that varies less (standard deviation, grey levels) is empty and resembles every other empty one. */
const EMPTY_DEVIATION = 3;
const LAYERS_KEPT = 8192;

export interface NearSearch {
  /** uint8 [count, 32, 32]. */
  thumbs: Uint8Array;
  /** Of each picture: a bit for each split that it stands in. */
  splits: Uint8Array;
  /** Hears how many pictures are done, now and then, and may wait. */
  onProgress?: (done: number) => Promise<void> | void;
}

interface Candidate {
  other: number;
  symmetry: number;
  distance: number;
}

/** Finds the near-identical pairs among pictures that are all different. */
export async function findNearPairs({ thumbs, splits, onProgress }: NearSearch): Promise<NearPair[]> {
  const count = splits.length;
  const thumbOf = (at: number) => thumbs.subarray(at * THUMB_AREA, (at + 1) * THUMB_AREA);
  const low = new Uint32Array(count);
  const high = new Uint32Array(count);
  const usable = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    const [hash] = perceptualHashes(thumbOf(at));
    low[at] = hash?.low ?? 0;
    high[at] = hash?.high ?? 0;
    usable[at] = Number(deviation(thumbOf(at)) >= EMPTY_DEVIATION);
  }
  const index = new HashIndex(low, high);
  const layers = new LayerCache(thumbOf);
  const pairs: NearPair[] = [];
  for (let second = 0; second < count; second++) {
    if (second % 64 === 0) await onProgress?.(second);
    if (!usable[second]) continue;
    const thumb = thumbOf(second);
    const candidates = candidatesOf(index, thumb, (other) => other < second && usable[other] === 1);
    const within = (other: number) => isOneSplit((splits[other] as number) | (splits[second] as number));
    const views = new Map<number, { thumb: Uint8Array; layers: Layers | undefined }>();
    const left = { ...EXAMINED };
    let foundWithin = 0;
    for (const { other: first, symmetry } of candidates) {
      const kind = within(first) ? "within" : "across";
      if (left[kind]-- <= 0 || (kind === "within" && foundWithin >= ENOUGH_WITHIN)) continue;
      const view = views.get(symmetry) ?? { thumb: turned(thumb, symmetry), layers: undefined };
      views.set(symmetry, view);
      if (correlation(thumbOf(first), view.thumb) < HOPELESS.correlation) continue;
      view.layers ??= layersOf(view.thumb);
      const alignment = compare(layers.get(first), view.layers);
      if (!isNear(alignment)) continue;
      pairs.push({ first, second, symmetry, alignment });
      if (kind === "within") foundWithin++;
    }
  }
  await onProgress?.(count);
  return pairs;
}

function isOneSplit(mask: number): boolean {
  return (mask & (mask - 1)) === 0;
}

/** The layers of the thumbnails asked for last. */
class LayerCache {
  readonly #thumbOf: (at: number) => Uint8Array;
  readonly #held = new Map<number, Layers>();

  constructor(thumbOf: (at: number) => Uint8Array) {
    this.#thumbOf = thumbOf;
  }

  get(at: number): Layers {
    const layers = this.#held.get(at) ?? layersOf(this.#thumbOf(at));
    this.#held.delete(at);
    this.#held.set(at, layers);
    if (this.#held.size > LAYERS_KEPT) {
      const [oldest] = this.#held.keys();
      if (oldest !== undefined) this.#held.delete(oldest);
    }
    return layers;
  }
}

/** For each picture like this one the symmetry that brings it closest; the closest first. */
function candidatesOf(index: HashIndex, thumb: Uint8Array, allowed: (other: number) => boolean): Candidate[] {
  const best = new Map<number, Candidate>();
  const hashes = perceptualHashes(thumb);
  for (let symmetry = 0; symmetry < SYMMETRIES; symmetry++) {
    const { low, high } = hashes[symmetry] as { low: number; high: number };
    index.within(low, high, (other, distance) => {
      if (!allowed(other)) return;
      const known = best.get(other);
      if (!known || known.distance > distance) best.set(other, { other, symmetry, distance });
    });
  }
  return [...best.values()].sort((a, b) => a.distance - b.distance || a.other - b.other);
}

/** How alike two thumbnails are, small crops made good. */
function compare(a: Layers, b: Layers): Alignment {
  const asTheyLie = overlay(a, b);
  if (isNear(asTheyLie)) return asTheyLie;
  if (asTheyLie.correlation < HOPELESS.correlation || asTheyLie.detail < HOPELESS.detail) return asTheyLie;
  return align(a, b);
}

function isNear({ correlation, detail }: Alignment): boolean {
  return correlation >= NEAR_CORRELATION && detail >= NEAR_DETAIL;
}

function deviation(thumb: Uint8Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of thumb) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / thumb.length;
  return Math.sqrt(Math.max(0, squares / thumb.length - mean * mean));
}
