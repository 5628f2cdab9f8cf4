import { groupKey } from "../../data/splits/split.ts";
import { findNearPairs, type NearPair } from "./near-duplicates.ts";
import type { Pictures } from "./pictures.ts";
import { THUMB_AREA } from "./symmetry.ts";

/** Pictures of one data set that show the same. All numbers of pictures are positions in {@link Pictures}. */
export interface Copies {
  /** Positions of every picture, equal pixels together; the earliest split comes first. */
  distinct: readonly (readonly number[])[];
  /** Pairs of positions in `distinct`. */
  near: readonly NearPair[];
  /** Groups (patients, lesions, or files of several pictures) of more than one split. */
  sharedGroups: readonly (readonly number[])[];
}

/** Finds pictures of equal pixels, near-identical ones, and groups that stand in two splits. */
export async function findCopies(
  pictures: Pictures,
  onProgress: (done: number, total: number) => Promise<void> | void,
): Promise<Copies> {
  const byHash = new Map<string, number[]>();
  for (let at = 0; at < pictures.count; at++) {
    if (!pictures.readable[at] || pictures.isEmptySlice(at)) continue;
    const hash = pictures.hashes[at] as string;
    const known = byHash.get(hash);
    if (known) known.push(at);
    else byHash.set(hash, [at]);
  }
  const distinct = [...byHash.values()];
  const thumbs = new Uint8Array(distinct.length * THUMB_AREA);
  for (const [at, [first]] of distinct.entries()) thumbs.set(pictures.thumb(first as number), at * THUMB_AREA);
  const splits = Uint8Array.from(distinct, (members) => splitMask(pictures, members));
  const near = await findNearPairs({ thumbs, splits, onProgress: (done) => onProgress(done, distinct.length) });
  return { distinct, near, sharedGroups: sharedGroups(pictures) };
}

function sharedGroups(pictures: Pictures): number[][] {
  const groups = new Map<string, number[]>();
  for (const [at, sample] of pictures.samples.entries()) {
    if (sample.group === undefined && sample.item === undefined) continue;
    const key = groupKey(sample);
    const known = groups.get(key);
    if (known) known.push(at);
    else groups.set(key, [at]);
  }
  return [...groups.values()].filter((members) => !isOneSplit(splitMask(pictures, members)));
}

/** A bit for each split. */
export function splitMask(pictures: Pictures, members: readonly number[]): number {
  return members.reduce((mask, at) => mask | (1 << (pictures.splits[at] as number)), 0);
}

export function isOneSplit(mask: number): boolean {
  return (mask & (mask - 1)) === 0;
}

/** What the copies come to. */
export interface CopyCounts {
  /** Distinct pictures of a later split whose pixels stand in an earlier one as well. */
  identicalAcrossSplits: number;
  /** The files of later splits that those pictures fill. */
  identicalFilesInLaterSplits: number;
  /** Distinct pictures of a later split that are no exact copy, but nearly one, of a picture in an earlier split. */
  nearIdenticalAcrossSplits: number;
  /** Pictures of later splits whose patient, lesion or file stands in an earlier one. */
  groupsAcrossSplits: number;
  /** Superfluous exact copies within a split. */
  identicalWithinSplits: number;
  /** Distinct pictures with a near-identical one in their own split. */
  nearIdenticalWithinSplits: number;
  /** Distinct pictures that stand under more than one class. */
  labelConflicts: number;
  /** Near-identical pairs of different classes. */
  nearLabelConflicts: number;
}

export function countCopies(pictures: Pictures, { distinct, near, sharedGroups }: Copies): CopyCounts {
  const masks = distinct.map((members) => splitMask(pictures, members));
  const labels = distinct.map((members) => new Set(members.map((at) => pictures.sample(at).label)));
  const laterNear = new Set<number>();
  const withinNear = new Set<number>();
  for (const pair of near) {
    for (const [own, other] of bothWays(pair)) {
      const mask = masks[own] as number;
      if ((mask & (masks[other] as number)) !== 0) withinNear.add(own);
      // Exact copies across splits have been counted as such.
      if (isOneSplit(mask) && earliest(masks[other] as number) < earliest(mask)) laterNear.add(own);
    }
  }
  return {
    identicalAcrossSplits: masks.filter((mask) => !isOneSplit(mask)).length,
    identicalFilesInLaterSplits: sum(distinct, (members) => laterMembers(pictures, members)),
    nearIdenticalAcrossSplits: laterNear.size,
    groupsAcrossSplits: sum(sharedGroups, (members) => laterMembers(pictures, members)),
    identicalWithinSplits: sum(
      distinct,
      (members) => members.length - new Set(members.map((at) => pictures.splits[at])).size,
    ),
    nearIdenticalWithinSplits: withinNear.size,
    labelConflicts: labels.filter(({ size }) => size > 1).length,
    nearLabelConflicts: near.filter(({ first, second }) => differ(labels[first], labels[second])).length,
  };
}

function bothWays({ first, second }: NearPair): [number, number][] {
  return [
    [first, second],
    [second, first],
  ];
}

function differ(a: Set<number> | undefined, b: Set<number> | undefined): boolean {
  return a !== undefined && b !== undefined && (a.size !== b.size || [...a].some((label) => !b.has(label)));
}

function earliest(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

function laterMembers(pictures: Pictures, members: readonly number[]): number {
  const first = earliest(splitMask(pictures, members));
  return members.filter((at) => (pictures.splits[at] as number) > first).length;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}

/**
 * For each picture a number shared by all that are not independent of it: copies, near-copies, and pictures of one
 * patient, lesion or file.
 */
export function relatives(pictures: Pictures, { distinct, near }: Copies): Int32Array {
  const parents = Int32Array.from({ length: pictures.count }, (_, at) => at);
  const rootOf = (at: number): number => {
    let root = at;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root] as number] as number;
      root = parents[root] as number;
    }
    return root;
  };
  const join = (a: number, b: number) => {
    parents[rootOf(a)] = rootOf(b);
  };
  for (const members of distinct) for (const at of members) join(at, members[0] as number);
  for (const { first, second } of near) join(distinct[first]?.[0] as number, distinct[second]?.[0] as number);
  const firstOfGroup = new Map<string, number>();
  for (const [at, sample] of pictures.samples.entries()) {
    const key = groupKey(sample);
    const known = firstOfGroup.get(key);
    if (known === undefined) firstOfGroup.set(key, at);
    else join(at, known);
  }
  return parents.map((_, at) => rootOf(at));
}
