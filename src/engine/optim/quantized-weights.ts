import type { ParameterStore } from "../parameters/parameter-store.ts";
import type { QuantizedPlace, TensorPlace } from "../parameters/store-layout.ts";

// Weights in int8 have 129 levels, from -64 to 64, and not 255: without VNNI a processor adds two products of a uint8 and
// an int8 in 16 bits that saturate, and 2 · 255 · 64 is the largest that fits (decision 0020).

/** Rows of a weight that one piece of work covers, and where they stand in int8: bytes from the start of the memory. */
export interface QuantizedRows extends QuantizedPlace {
  rows: number;
  columns: number;
  /** Rows of the whole weight, which are the bytes between columns of its transpose. */
  stride: number;
  /** Whether these rows are the weight's first. */
  first: boolean;
}

/** Elements of a piece of a weight kept in int8: whole rows, sixteen or a multiple, of about so many elements. */
export function elementsPerPiece({ shape }: TensorPlace, about: number): number {
  const columns = shape[1] as number;
  return Math.max(1, Math.floor(about / columns / 16)) * 16 * columns;
}

/** Where `count` elements, `start` bytes into an arena, of a tensor stand in int8; undefined where they do not. */
export function quantizedRows(place: TensorPlace, start: number, count: number): QuantizedRows | undefined {
  const { quantized } = place;
  if (quantized === undefined) return undefined;
  const [stride, columns] = place.shape as [number, number];
  const firstRow = (start - place.start) / 4 / columns;
  return {
    ...quantized,
    transposed: quantized.transposed + firstRow,
    rowScales: quantized.rowScales + 4 * firstRow,
    plain: quantized.plain + firstRow * columns,
    rows: count / columns,
    columns,
    stride,
    first: firstRow === 0,
  };
}

/** Zeros the largest magnitudes of columns: the next pass over the weights raises them again. */
export function resetColumnMaxima(store: ParameterStore): void {
  for (const name of store.quantizedNames) store.quantized(name, "columnMaxima").fill(0);
}
