import { RandomStream } from "../../support/random.ts";
import { groupKey, SPLIT_KEYS, type Splittable } from "./split.ts";

/** Key of the streams of these draws; labels and groups have others. */
const FINDINGS = -2;

/** A sample of which several findings are there (1), not there (0) or not known (NaN). */
export interface Findings extends Splittable {
  values?: readonly number[];
}

/**
 * Moves a share of samples into a second set, so that both have each finding in like shares. Samples of one group, and
 * pictures of one file, move together; both sets keep the order they had.
 *
 * @returns [kept, moved].
 */
export function iterativeSplit<S extends Findings>(
  samples: readonly S[],
  share: number,
  seed: number,
  name: "val" | "test",
): [S[], S[]] {
  if (share === 0) return [[...samples], []];
  const set = assign(samples, [1 - share, share], RandomStream.for(seed, "split", SPLIT_KEYS[name], FINDINGS));
  return [samples.filter((_, at) => set[at] === 0), samples.filter((_, at) => set[at] === 1)];
}

/** The fold of each sample, 0…folds−1, with each finding in like shares; samples of one group share a fold. */
export function iterativeFolds(samples: readonly Findings[], folds: number, seed: number): Uint32Array {
  const shares = new Array<number>(folds).fill(1 / folds);
  return assign(samples, shares, RandomStream.for(seed, "split", SPLIT_KEYS.fold, FINDINGS));
}

/** Samples that must stay together, and how often each finding is there among them. */
interface Unit {
  indices: number[];
  counts: number[];
}

/**
 * Iterative stratification: the finding that is rarest among what is left is dealt first, each unit to the set that still
 * wants most of it, then to the one that wants most samples, then by lot. What has no finding comes last.
 *
 * Source: Sechidis et al. 2011, "On the stratification of multi-label data", algorithm 1, with units of several samples.
 *
 * @returns [n] the set of each sample.
 */
function assign(samples: readonly Findings[], shares: readonly number[], stream: RandomStream): Uint32Array {
  const units = unitsOf(samples);
  const left = new Set(Array.from(stream.permutation(units.length), (at) => units[at] as Unit));
  const findings = units[0]?.counts.length ?? 0;
  const totals = Array.from({ length: findings }, (_, k) => sum(units.map(({ counts }) => counts[k] as number)));
  const sets = shares.map((share) => ({
    wanted: share * samples.length,
    of: totals.map((total) => share * total),
  }));
  const set = new Uint32Array(samples.length);
  const deal = (unit: Unit, finding: number | undefined) => {
    const wants = sets.map(({ wanted, of }) => (finding === undefined ? wanted : (of[finding] as number)));
    let best = largest(wants, [...sets.keys()]);
    if (best.length > 1)
      best = largest(
        sets.map(({ wanted }) => wanted),
        best,
      );
    const chosen = best[best.length === 1 ? 0 : Math.floor(stream.uniform() * best.length)] as number;
    const { of } = sets[chosen] as (typeof sets)[number];
    (sets[chosen] as (typeof sets)[number]).wanted -= unit.indices.length;
    for (const [k, count] of unit.counts.entries()) {
      of[k] = (of[k] as number) - count;
      totals[k] = (totals[k] as number) - count;
    }
    for (const index of unit.indices) set[index] = chosen;
    left.delete(unit);
  };
  for (;;) {
    const open = totals.flatMap((total, k) => (total > 0 ? [k] : []));
    if (open.length === 0) break;
    const rarest = open.reduce((a, b) => ((totals[b] as number) < (totals[a] as number) ? b : a));
    for (const unit of [...left]) if ((unit.counts[rarest] as number) > 0) deal(unit, rarest);
  }
  for (const unit of [...left]) deal(unit, undefined);
  return set;
}

function unitsOf(samples: readonly Findings[]): Unit[] {
  const units = new Map<string, Unit>();
  for (const [index, sample] of samples.entries()) {
    const there = (sample.values ?? []).map((value) => (value === 1 ? 1 : 0));
    const key = groupKey(sample);
    const unit = units.get(key);
    if (unit === undefined) {
      units.set(key, { indices: [index], counts: there });
      continue;
    }
    unit.indices.push(index);
    unit.counts = unit.counts.map((count, k) => count + (there[k] as number));
  }
  return [...units.values()];
}

/** Those of `places` whose wants are largest; what rounding parts counts as equal. */
function largest(wants: readonly number[], places: readonly number[]): number[] {
  const most = places.reduce((a, place) => Math.max(a, wants[place] as number), -Infinity);
  return places.filter((place) => (wants[place] as number) >= most - 1e-9);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
