import { RandomStream } from "../random.ts";

const SPLIT_KEYS = { val: 0, test: 1 } as const;

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
  name: keyof typeof SPLIT_KEYS,
): [S[], S[]] {
  const byLabel = new Map<number, number[]>();
  samples.forEach(({ label }, index) => {
    const indices = byLabel.get(label);
    if (indices) indices.push(index);
    else byLabel.set(label, [index]);
  });
  const moved = new Set<number>();
  for (const [label, indices] of byLabel) {
    const count = indices.length;
    const wanted = share === 0 || count < 2 ? 0 : Math.min(Math.max(1, Math.round(count * share)), count - 1);
    const order = RandomStream.for(seed, "split", SPLIT_KEYS[name], label).permutation(count);
    for (const at of order.subarray(0, wanted)) moved.add(indices[at] as number);
  }
  return [samples.filter((_, index) => !moved.has(index)), samples.filter((_, index) => moved.has(index))];
}
