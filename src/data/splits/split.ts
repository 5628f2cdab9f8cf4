import { RandomStream } from "../../support/random.ts";

/** Keys of the streams of draws. */
export const SPLIT_KEYS = { val: 0, test: 1, fold: 2, labels: 3 } as const;
/** Key of the streams that order groups; labels, which key the draws within a class, are never negative. */
export const GROUPS = -1;

/** What a split needs to know of a sample. */
export interface Splittable {
  label: number;
  path: string;
  group?: string;
}

/** What must stay on one side: the sample's group, or its file where it has none. */
export function groupKey({ group, path }: Splittable): string {
  return group === undefined ? `file ${path}` : `group ${group}`;
}

/** Whether any two samples must stay together. */
export function hasGroups(samples: readonly Splittable[]): boolean {
  return new Set(samples.map(groupKey)).size < samples.length;
}

/**
 * Moves a share of each class's samples into a second set, at random by the seed. A class of at least two samples keeps
 * at least one on each side; both sets keep the order they had.
 *
 * @returns [kept, moved].
 */
export function stratifiedSplit<S extends { label: number }>(
  samples: readonly S[],
  share: number,
  seed: number,
  name: "val" | "test",
): [S[], S[]] {
  const moved = new Set<number>();
  for (const [label, indices] of indicesByLabel(samples)) {
    const order = RandomStream.for(seed, "split", SPLIT_KEYS[name], label).permutation(indices.length);
    for (const at of order.subarray(0, wantedOf(indices.length, share))) moved.add(indices[at] as number);
  }
  return parted(samples, moved);
}

/**
 * Like {@link stratifiedSplit}, but samples of one group always move together. Groups are tried in an order drawn by the
 * seed: first those that fit into what is still wanted of each of their classes, then those that bring the counts nearer
 * to it although they overshoot. A class of at least two groups gets one on each side, where that empties no other class.
 *
 * @returns [kept, moved].
 */
export function groupedStratifiedSplit<S extends Splittable>(
  samples: readonly S[],
  share: number,
  seed: number,
  name: "val" | "test",
): [S[], S[]] {
  const groups = gather(samples);
  const order = RandomStream.for(seed, "split", SPLIT_KEYS[name], GROUPS).permutation(groups.length);
  const shuffled = [...order].map((at) => groups[at] as Group);
  const tally = new Tally(samples, share);
  for (const group of shuffled) if (tally.fits(group)) tally.move(group);
  for (const group of shuffled) if (tally.improves(group)) tally.move(group);
  for (const [label, wanted] of tally.wanted) {
    if (wanted === 0 || tally.movedOf(label) > 0) continue;
    const holders = shuffled.filter((group) => group.counts.has(label) && tally.canMove(group));
    const smallest = holders.reduce<Group | undefined>(
      (a, b) => (a && a.indices.length <= b.indices.length ? a : b),
      undefined,
    );
    if (smallest) tally.move(smallest);
  }
  return parted(samples, new Set([...tally.moved].flatMap((group) => group.indices)));
}

/**
 * The fold of each sample, 0…folds−1, at random by the seed. Within each class the folds' counts differ by at most one,
 * and so do the folds' sizes.
 */
export function stratifiedFolds(samples: readonly { label: number }[], folds: number, seed: number): Uint32Array {
  const fold = new Uint32Array(samples.length);
  let next = 0;
  for (const [label, indices] of indicesByLabel(samples)) {
    const order = RandomStream.for(seed, "split", SPLIT_KEYS.fold, label).permutation(indices.length);
    for (const at of order) fold[indices[at] as number] = next++ % folds;
  }
  return fold;
}

/**
 * Like {@link stratifiedFolds}, but samples of one group always share a fold. Groups are dealt by falling size, those of
 * one size in an order drawn by the seed, each to the fold where it leaves the class shares most even.
 */
export function groupedStratifiedFolds(samples: readonly Splittable[], folds: number, seed: number): Uint32Array {
  const groups = gather(samples);
  const order = RandomStream.for(seed, "split", SPLIT_KEYS.fold, GROUPS).permutation(groups.length);
  const dealt = [...order].map((at) => groups[at] as Group).sort((a, b) => b.indices.length - a.indices.length);
  const totals = countsOf(samples);
  const held = Array.from({ length: folds }, () => ({ size: 0, counts: new Map<number, number>() }));
  const fold = new Uint32Array(samples.length);
  for (const group of dealt) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [at, { size, counts }] of held.entries()) {
      // How much the sum of squared class shares grows, in halves; ties go to the smaller fold, then to the first.
      let growth = size / (samples.length * samples.length);
      for (const [label, count] of group.counts) {
        const total = totals.get(label) as number;
        growth += ((counts.get(label) ?? 0) / total) * (count / total);
      }
      if (growth < least) [best, least] = [at, growth];
    }
    const chosen = held[best] as (typeof held)[number];
    chosen.size += group.indices.length;
    for (const [label, count] of group.counts) chosen.counts.set(label, (chosen.counts.get(label) ?? 0) + count);
    for (const index of group.indices) fold[index] = best;
  }
  return fold;
}

/** Samples that must stay together. */
export interface Group {
  indices: number[];
  /** Samples of each class. */
  counts: Map<number, number>;
}

/** How many samples of each class have moved, and how many should. */
class Tally {
  readonly wanted: Map<number, number>;
  readonly moved = new Set<Group>();
  readonly #moved = new Map<number, number>();
  readonly #total: Map<number, number>;

  constructor(samples: readonly Splittable[], share: number) {
    this.#total = countsOf(samples);
    this.wanted = new Map([...this.#total].map(([label, count]) => [label, wantedOf(count, share)]));
  }

  movedOf(label: number): number {
    return this.#moved.get(label) ?? 0;
  }

  /** Whether no class of the group would get more than is wanted. */
  fits(group: Group): boolean {
    return [...group.counts].every(([label, count]) => this.movedOf(label) + count <= this.#wantedOf(label));
  }

  /** Whether the counts would come nearer to what is wanted, and every class keep a sample. */
  improves(group: Group): boolean {
    if (!this.canMove(group)) return false;
    let change = 0;
    for (const [label, count] of group.counts) {
      const missing = this.#wantedOf(label) - this.movedOf(label);
      change += Math.abs(missing - count) - Math.abs(missing);
    }
    return change < 0;
  }

  /** Whether every class of the group would keep a sample. */
  canMove(group: Group): boolean {
    if (this.moved.has(group)) return false;
    return [...group.counts].every(
      ([label, count]) => this.movedOf(label) + count < (this.#total.get(label) as number),
    );
  }

  move(group: Group): void {
    this.moved.add(group);
    for (const [label, count] of group.counts) this.#moved.set(label, this.movedOf(label) + count);
  }

  #wantedOf(label: number): number {
    return this.wanted.get(label) as number;
  }
}

function wantedOf(count: number, share: number): number {
  return share === 0 || count < 2 ? 0 : Math.min(Math.max(1, Math.round(count * share)), count - 1);
}

/**
 * The groups of samples, in the order of their first ones.
 *
 * @param classesOf the classes of one sample; its label unless told otherwise.
 */
export function gather<S extends Splittable>(
  samples: readonly S[],
  classesOf: (sample: S) => readonly number[] = ({ label }) => [label],
): Group[] {
  const groups = new Map<string, Group>();
  for (const [index, sample] of samples.entries()) {
    const key = groupKey(sample);
    const group = groups.get(key) ?? { indices: [], counts: new Map<number, number>() };
    if (group.indices.length === 0) groups.set(key, group);
    group.indices.push(index);
    for (const label of classesOf(sample)) group.counts.set(label, (group.counts.get(label) ?? 0) + 1);
  }
  return [...groups.values()];
}

function countsOf(samples: readonly { label: number }[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { label } of samples) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function indicesByLabel(samples: readonly { label: number }[]): Map<number, number[]> {
  const byLabel = new Map<number, number[]>();
  samples.forEach(({ label }, index) => {
    const indices = byLabel.get(label);
    if (indices) indices.push(index);
    else byLabel.set(label, [index]);
  });
  return byLabel;
}

function parted<S>(samples: readonly S[], moved: ReadonlySet<number>): [S[], S[]] {
  return [samples.filter((_, index) => !moved.has(index)), samples.filter((_, index) => moved.has(index))];
}
