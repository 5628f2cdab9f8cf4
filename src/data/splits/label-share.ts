import { RandomStream } from "../../support/random.ts";
import type { Sample } from "../sample.ts";
import type { ValueColumns } from "../tables/value-columns.ts";
import type { Findings } from "./iterative.ts";
import { GROUPS, type Group, gather, SPLIT_KEYS } from "./split.ts";

/** Stands for what a sample without any finding has. */
const NO_FINDING = -1;

/**
 * Which samples' labels are used where only a share of them is: that share of each class or finding, at random by the
 * seed, as near as whole groups allow, and at least one sample of each. What a share takes, every larger share of the
 * same seed takes too.
 *
 * A group belongs to the rarest of its classes. Within each class the groups have one order for all shares, those first
 * that some class is to have in any case, and the first of them are taken as long as that brings the count nearer to the
 * share.
 *
 * @param what whether samples are told apart by their label, or by the findings that their values say are there.
 * @returns [n] whether the label of each is used.
 */
export function labelledShare(
  samples: readonly Findings[],
  share: number,
  seed: number,
  what: "labels" | "findings",
): boolean[] {
  const groups = gather(samples, what === "labels" ? undefined : findingsOf);
  const order = RandomStream.for(seed, "split", SPLIT_KEYS.labels, GROUPS).permutation(groups.length);
  const shuffled = Array.from(order, (at) => groups[at] as Group);
  const firsts = firstOfEach(shuffled);
  const totals = new Map<number, number>();
  for (const { counts } of groups) {
    for (const [label, count] of counts) totals.set(label, (totals.get(label) ?? 0) + count);
  }
  const rarest = ({ counts }: Group) =>
    [...counts.keys()].reduce((a, b) => ((totals.get(b) as number) < (totals.get(a) as number) ? b : a));
  const used = new Array<boolean>(samples.length).fill(false);
  const ordered = [...firsts, ...shuffled.filter((group) => !firsts.has(group))];
  for (const stratum of Map.groupBy(ordered, rarest).values()) {
    const wanted = share * stratum.reduce((sum, { indices }) => sum + indices.length, 0);
    let taken = 0;
    for (const group of stratum) {
      const { length } = group.indices;
      if (!firsts.has(group) && taken + length / 2 > wanted) break;
      for (const index of group.indices) used[index] = true;
      taken += length;
    }
  }
  return used;
}

/** Samples of which those beyond a share of labels are marked as unlabelled; all of them as they are where it is 1. */
export function markBeyondShare(
  samples: Sample[],
  { labelShare = 1, seed, values }: { labelShare?: number; seed: number; values?: ValueColumns | undefined },
): Sample[] {
  if (labelShare === 1) return samples;
  const used = labelledShare(samples, labelShare, seed, values?.kind === "findings" ? "findings" : "labels");
  return samples.map((sample, at) => (used[at] ? sample : { ...sample, unlabelled: true }));
}

/** The first group of each class. */
function firstOfEach(groups: readonly Group[]): Set<Group> {
  const met = new Set<number>();
  return new Set(
    groups.filter(({ counts }) => {
      const before = met.size;
      for (const label of counts.keys()) met.add(label);
      return met.size > before;
    }),
  );
}

function findingsOf({ values = [] }: Findings): number[] {
  const there = values.flatMap((value, k) => (value === 1 ? [k] : []));
  return there.length > 0 ? there : [NO_FINDING];
}
