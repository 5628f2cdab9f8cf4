import type { Arena, ParameterStore } from "../../engine/parameters/parameter-store.ts";

/** Gradients that are computed, and then exchanged, together. */
export interface GradientPart {
  /** Of which tensors. */
  names: ReadonlySet<string>;
  /** Where they stand: one array for each memory that has any. */
  gradients: Float32Array[];
  /** Where their sums do. */
  sums: Float32Array[];
}

/**
 * Cuts the trained tensors of a store into parts of about one size, the last ones first, as the backward pass comes to them.
 *
 * @param count how many; there are fewer where single tensors are larger than a part.
 */
export function gradientParts(store: ParameterStore, count = 1): GradientPart[] {
  const names = store.trainableNames;
  const total = names.reduce((sum, name) => sum + store.gradient(name).length, 0);
  const size = total / count;
  const groups: string[][] = [];
  let before = 0;
  for (const name of names.reverse()) {
    // A tensor belongs where its middle lies: what was cut there has nearly the size of the others.
    const middle = before + store.gradient(name).length / 2;
    const group = Math.min(Math.floor(middle / size), groups.length);
    groups[group] = [name, ...(groups[group] ?? [])];
    before += store.gradient(name).length;
  }
  return groups.map((group) => ({
    names: new Set(group),
    gradients: spansOf(store, "gradient", group),
    sums: spansOf(store, "accumulator", group),
  }));
}

/** Tensors that follow each other, as one array for each memory. */
function spansOf(store: ParameterStore, arena: Arena, names: readonly string[]): Float32Array[] {
  const bySegment = Map.groupBy(names, (name) => store.place(name).segment);
  return [...bySegment.values()].map((group) => {
    const views = group.map((name) => store.quantity(arena, name));
    const [first, last] = [views[0], views.at(-1)] as [Float32Array, Float32Array];
    return new Float32Array(first.buffer, first.byteOffset, (last.byteOffset - first.byteOffset) / 4 + last.length);
  });
}
