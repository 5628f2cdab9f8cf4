import { quantizedInputName } from "../../src/engine/graph/quantized-names.ts";

/** The copies in int8 of a weight [rows, columns] and their scales, as numbers. */
export interface QuantizedReference {
  transposed: Float64Array;
  rowScales: Float64Array;
  plain: Float64Array;
  columnScales: Float64Array;
}

/**
 * What the optimiser's kernels are to write of a weight [rows, columns], element by element and in their float32: the
 * largest magnitude of a row, or column, becomes 64, and values are rounded to the nearest, halves to even.
 */
export function quantizedReference(weight: ArrayLike<number>, [rows, columns]: readonly number[]): QuantizedReference {
  const [height, width] = [rows as number, columns as number];
  const at = (row: number, column: number) => Math.fround(weight[row * width + column] as number);
  const largest = (count: number, magnitude: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => Math.abs(magnitude(i))).reduce((a, b) => Math.max(a, b), 0);
  const ofRows = Array.from({ length: height }, (_, row) => largest(width, (column) => at(row, column)));
  const ofColumns = Array.from({ length: width }, (_, column) => largest(height, (row) => at(row, column)));
  const level = (value: number, most: number) =>
    most < 1e-30 ? 0 : nearestEven(Math.fround(value * Math.fround(64 / most)));
  const transposed = new Float64Array(height * width);
  const plain = new Float64Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      transposed[column * height + row] = level(at(row, column), ofRows[row] as number);
      plain[row * width + column] = level(at(row, column), ofColumns[column] as number);
    }
  }
  const scales = (of: number[]) => Float64Array.from(of, (most) => Math.fround(most / 64));
  return { transposed, rowScales: scales(ofRows), plain, columnScales: scales(ofColumns) };
}

/** What a graph in int8 reads of the weights, made by the reference from their values. */
export function quantizedFeeds(
  store: { parameter(name: string): Float32Array; shapeOf(name: string): readonly number[] },
  names: Iterable<string>,
): Record<string, Float64Array> {
  const feeds = Array.from(names, (name) => {
    const copies = quantizedReference(store.parameter(name), store.shapeOf(name));
    const entries = Object.entries(copies) as [keyof QuantizedReference, Float64Array][];
    return entries.map(([copy, values]) => [quantizedInputName(name, copy), values] as const);
  });
  return Object.fromEntries(feeds.flat());
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
