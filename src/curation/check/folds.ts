import { RandomStream } from "../../support/random.ts";

/** Parts of a cross-validation. */
export const FOLDS = 5;
/** A class of fewer independent pictures tells nothing. */
const LEAST_PER_CLASS = 10;

/** Pictures of which something is to be predicted, and how to cross-validate it. */
export interface Trial {
  /** Positions of the pictures. */
  members: Int32Array;
  /** Of each member: what is to be predicted, 0 to `classes` − 1. */
  targets: Int32Array;
  /** Of each member: its fold. Relatives share one. */
  folds: Uint8Array;
  /** Which target values take part, in order. */
  values: number[];
  /** Independent pictures (sets of relatives) of each. */
  independent: number[];
}

/**
 * Plans a cross-validation in which relatives are never in two folds.
 *
 * @param most so many pictures of each target at most, drawn from the seed.
 * @returns undefined where fewer than two targets have enough independent pictures.
 */
export function planTrial(
  candidates: readonly number[],
  targetOf: (at: number) => number,
  related: Int32Array,
  { seed, most }: { seed: number; most: number },
): Trial | undefined {
  const byTarget = new Map<number, number[]>();
  for (const at of candidates) {
    const held = byTarget.get(targetOf(at));
    if (held) held.push(at);
    else byTarget.set(targetOf(at), [at]);
  }
  const sizes = [...byTarget].map(([value, ats]) => [value, new Set(ats.map((at) => related[at])).size] as const);
  const enough = sizes.filter(([, size]) => size >= LEAST_PER_CLASS).sort(([a], [b]) => a - b);
  if (enough.length < 2) return undefined;
  const stream = RandomStream.for(seed, "data-check");
  const members: number[] = [];
  const targets: number[] = [];
  for (const [target, [value]] of enough.entries()) {
    const ats = byTarget.get(value) ?? [];
    const chosen = Array.from(stream.permutation(ats.length)).slice(0, most);
    members.push(...chosen.map((k) => ats[k] as number));
    targets.push(...chosen.map(() => target));
  }
  return {
    members: Int32Array.from(members),
    targets: Int32Array.from(targets),
    folds: foldsOf(members, related, stream),
    values: enough.map(([value]) => value),
    independent: enough.map(([, size]) => Math.min(size, most)),
  };
}

/** Sets of relatives in random order, the largest first, each to the fold that holds least. */
function foldsOf(members: readonly number[], related: Int32Array, stream: RandomStream): Uint8Array {
  const sets = new Map<number, number[]>();
  for (const [k, at] of members.entries()) {
    const held = sets.get(related[at] as number);
    if (held) held.push(k);
    else sets.set(related[at] as number, [k]);
  }
  const all = [...sets.values()];
  const shuffled = Array.from(stream.permutation(all.length), (k) => all[k] as number[]);
  const folds = new Uint8Array(members.length);
  const held = new Array<number>(FOLDS).fill(0);
  for (const set of shuffled.sort((a, b) => b.length - a.length)) {
    const least = held.indexOf(Math.min(...held));
    held[least] = (held[least] as number) + set.length;
    for (const k of set) folds[k] = least;
  }
  return folds;
}

/** How well something was predicted. */
export interface Prediction {
  /** Mean share predicted right of each target, 0..1. */
  balancedAccuracy: number;
  /** What guessing gives. */
  chance: number;
  /** How likely guessing would do as well, by the normal distribution, counting relatives as one picture. */
  pValue: number;
  n: number;
}

export function judge({ targets, values, independent }: Trial, predicted: ArrayLike<number>): Prediction {
  const classes = values.length;
  const right = new Array<number>(classes).fill(0);
  const all = new Array<number>(classes).fill(0);
  for (const [k, target] of targets.entries()) {
    all[target] = (all[target] as number) + 1;
    if (predicted[k] === target) right[target] = (right[target] as number) + 1;
  }
  const balancedAccuracy = right.reduce((sum, count, k) => sum + count / (all[k] as number), 0) / classes;
  const chance = 1 / classes;
  const variance = independent.reduce((sum, size) => sum + (chance * (1 - chance)) / size, 0) / classes ** 2;
  return {
    balancedAccuracy,
    chance,
    pValue: normalTail((balancedAccuracy - chance) / Math.sqrt(variance)),
    n: targets.length,
  };
}

/** Share of a normal distribution above z. Source: Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = series.reduceRight((inner, coefficient) => t * (coefficient + inner), 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
