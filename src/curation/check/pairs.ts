import type { Dataset } from "../../data/dataset.ts";
import { relativeName } from "../../data/splits/split-table.ts";
import { type Copies, isOneSplit, splitMask } from "./copies.ts";
import type { Pictures } from "./pictures.ts";
import type { CopyPair, NamedPicture } from "./result.ts";
import { SYMMETRY_NAMES } from "./symmetry.ts";

/** A pair with the positions of its pictures, for who wants to show them. */
export interface LocatedPair {
  pair: CopyPair;
  a: number;
  b: number;
  symmetry: number;
}

/**
 * Copies as pairs: across splits before within one, identical before near-identical, different classes first; then the
 * most alike first.
 */
export function pairsOf(dataset: Dataset, pictures: Pictures, { distinct, near }: Copies): LocatedPair[] {
  const located: LocatedPair[] = [];
  const add = (a: number, b: number, found: Pick<CopyPair, "kind" | "correlation" | "detail">, symmetry: number) => {
    const pair: CopyPair = {
      kind: found.kind,
      acrossSplits: pictures.splits[a] !== pictures.splits[b],
      a: namePicture(dataset, pictures, a),
      b: namePicture(dataset, pictures, b),
      turn: SYMMETRY_NAMES[symmetry] as string,
      correlation: found.correlation,
      detail: found.detail,
    };
    located.push({ pair, a, b, symmetry });
  };
  for (const [first, ...others] of distinct) {
    for (const other of others) add(first as number, other, { kind: "identical", correlation: 1, detail: 1 }, 0);
  }
  for (const { first, second, symmetry, alignment } of near) {
    const [a, b] = farthestApart(pictures, distinct[first] ?? [], distinct[second] ?? []);
    add(a, b, { kind: "near-identical", ...alignment }, symmetry);
  }
  const conflict = ({ pair }: LocatedPair) => Number(pair.a.class !== pair.b.class);
  return located.sort(
    (x, y) =>
      Number(y.pair.acrossSplits) - Number(x.pair.acrossSplits) ||
      x.pair.kind.localeCompare(y.pair.kind) ||
      conflict(y) - conflict(x) ||
      y.pair.detail - x.pair.detail,
  );
}

/** Of two sets of equal pictures one each, of two splits where there are such, the earlier split first. */
function farthestApart(pictures: Pictures, first: readonly number[], second: readonly number[]): [number, number] {
  const a = first[0] as number;
  const b = second[0] as number;
  if (isOneSplit(splitMask(pictures, [...first, ...second]))) return [a, b];
  for (const x of first) {
    for (const y of second) if (pictures.splits[x] !== pictures.splits[y]) return [x, y];
  }
  return [a, b];
}

export function namePicture({ root, classNames }: Dataset, pictures: Pictures, at: number): NamedPicture {
  const { path, item, label } = pictures.sample(at);
  return {
    path: relativeName(root, path),
    ...(item === undefined ? {} : { item }),
    split: pictures.splitOf(at),
    class: classNames[label] as string,
  };
}
