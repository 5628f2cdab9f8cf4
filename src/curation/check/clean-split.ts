import { SPLITS } from "../../data/dataset.ts";
import type { SplitRow } from "../../data/splits/split-table.ts";
import { type Copies, isOneSplit, splitMask } from "./copies.ts";
import type { Pictures } from "./pictures.ts";

/** Which of two copies stays: that of the later split (`test`, so that it can be compared with what others report) or of the earlier one. */
export type FixKeep = "test" | "train";

/** What was left out of a cleaned split, and why. A picture counts under the first reason that holds. */
export interface Dropped {
  unreadable: number;
  /** Equal pixels under several classes: nobody knows which is right. */
  labelConflict: number;
  /** A copy, or nearly, of a picture in the split that is kept. */
  copyAcrossSplits: number;
  /** Of a patient, lesion or file of the split that is kept. */
  groupAcrossSplits: number;
  /** Second and further copies within a split. */
  copyWithinSplit: number;
}

/** The pictures that remain when nothing is left twice, on two sides, or under two classes. */
export function cleanedRows(
  pictures: Pictures,
  { distinct, near, sharedGroups }: Copies,
  keep: FixKeep,
): { rows: SplitRow[]; dropped: Dropped } {
  const reasons = new Array<keyof Dropped | undefined>(pictures.count).fill(undefined);
  const drop = (at: number, reason: keyof Dropped) => {
    reasons[at] ??= reason;
  };
  for (const { at } of pictures.unreadable) drop(at, "unreadable");
  for (const members of distinct) {
    if (new Set(members.map((at) => pictures.sample(at).label)).size > 1) {
      for (const at of members) drop(at, "labelConflict");
    }
  }
  const splitOf = (at: number) => pictures.splits[at] as number;
  const prefer = keep === "test" ? Math.max : Math.min;
  /** Of pictures that belong together, drops those outside the split that keeps them. */
  const separate = (members: readonly number[], reason: keyof Dropped) => {
    const left = members.filter((at) => reasons[at] === undefined);
    const kept = prefer(...left.map(splitOf));
    for (const at of left) if (splitOf(at) !== kept) drop(at, reason);
  };
  for (const members of distinct) separate(members, "copyAcrossSplits");
  for (const members of sharedGroups) separate(members, "groupAcrossSplits");
  // Last, pair by pair from the split that is kept: a picture dropped already drags no other one with it.
  const pairs = near
    .map(({ first, second }) => [...(distinct[first] ?? []), ...(distinct[second] ?? [])])
    .filter((members) => !isOneSplit(splitMask(pictures, members)));
  const order = (members: readonly number[]) => prefer(...members.map(splitOf)) * (keep === "test" ? -1 : 1);
  for (const members of pairs.sort((a, b) => order(a) - order(b))) separate(members, "copyAcrossSplits");
  for (const members of distinct) {
    const left = members.filter((at) => reasons[at] === undefined);
    for (const at of left.slice(1)) drop(at, "copyWithinSplit");
  }
  const dropped: Dropped = {
    unreadable: 0,
    labelConflict: 0,
    copyAcrossSplits: 0,
    groupAcrossSplits: 0,
    copyWithinSplit: 0,
  };
  const rows: SplitRow[] = [];
  for (const [at, reason] of reasons.entries()) {
    if (reason) dropped[reason]++;
    else rows.push({ sample: pictures.sample(at), split: SPLITS[splitOf(at)] as SplitRow["split"] });
  }
  return { rows, dropped };
}
