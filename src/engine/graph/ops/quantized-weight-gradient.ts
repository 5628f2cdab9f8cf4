import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { dynamicQuantization, quantization } from "./dynamic-quantization.ts";
import { multiply } from "./product.ts";
import { smallestOfSymmetric } from "./symmetric-levels.ts";

/**
 * Levels of dy on either side of 0, which is {@link zeroOfColumns}. In 7 bits: kernels for processors without VNNI add two products
 * of a uint8 and an int8 in 16 bits, which 2 · 127 · 128 fit.
 */
export const columnHalf = 63;
export const zeroOfColumns = 64;

/** More rows could give a sum that 32 bits do not hold: 127 · 128 · 132,104 do. */
export const mostRowsInInt8 = 132_104;

/**
 * `d̂yᵀ · x̂` of matrices dy [M, O] and x [M, I]. x is rounded to the nearest of 256 levels, as {@link dynamicQuantization} says. dy
 * has 127 levels for each of its columns, from minus to plus the column's largest magnitude. Before it is rounded, each of
 * its rows is shifted by {@link dither} of a step: a derivative smaller than half a step is then not 0 in every row, but a step in
 * some, as many as it is large, and sums over rows keep it.
 *
 * The derivatives are straight-through, x · dzᵀ and dy · dz: those of the product of dy and x themselves.
 */
export const quantizedWeightGradient: OpDefinition<"QuantizedWeightGradient"> = {
  infer(inputs) {
    const [dy, x] = inputs as [TensorType, TensorType];
    expectFloat("QuantizedWeightGradient", dy, x);
    const [rows = 0] = dy.shape;
    if (dy.shape.length !== 2 || x.shape.length !== 2 || x.shape[0] !== rows || rows === 0 || rows > mostRowsInInt8) {
      const expected = `[M, O] and [M, I] with M from 1 to ${mostRowsInInt8}`;
      throw shapeError("QuantizedWeightGradient", expected, `${formatShape(dy.shape)} and ${formatShape(x.shape)}`);
    }
    return [{ dtype: "float32", shape: [dy.shape[1] as number, x.shape[1] as number] }];
  },
  vjp({ inputs, cotangents, needed, b }) {
    const [dy, x] = inputs as [Value, Value];
    const dz = cotangents[0] as Value;
    return [needed[0] ? b.gemm(x, dz, undefined, { transB: true }) : undefined, needed[1] ? b.gemm(dy, dz) : undefined];
  },
  reference(inputs) {
    const [dy, x] = inputs as [NdArray, NdArray];
    const [rows, outputs] = dy.shape as [number, number];
    const columns = x.shape[1] as number;
    const { steps, levels: ofDy } = quantizedColumns(dy.data, rows, outputs);
    const { step, zero, levels } = dynamicQuantization(x.data);
    const data = new Float64Array(outputs * columns);
    multiply({
      a: { data: ofDy, offset: 0, rowStride: 1, columnStride: outputs },
      b: { data: levels.map((level) => level - zero), offset: 0, rowStride: columns, columnStride: 1 },
      ...{ out: data, outOffset: 0, rows: outputs, inner: rows, columns, alpha: step },
    });
    return [
      ndarray(
        [outputs, columns],
        data.map((sum, i) => sum * (steps[Math.floor(i / columns)] as number)),
      ),
    ];
  },
};

/** A step for each column, and levels from -63 to 63; in float32, as {@link dynamicQuantization}. */
function quantizedColumns(dy: Float64Array, rows: number, columns: number) {
  const { fround } = Math;
  const largest = new Float64Array(columns).fill(fround(smallestOfSymmetric));
  dy.forEach((value, i) => {
    largest[i % columns] = Math.max(largest[i % columns] as number, Math.abs(fround(value)));
  });
  const factors = largest.map((magnitude) => fround(columnHalf / magnitude));
  const shifts = dither(rows);
  const shifted = dy.map((value, i) => {
    const inSteps = fround(fround(value) * (factors[i % columns] as number));
    return inSteps + (shifts[Math.floor(i / columns)] as number);
  });
  const levels = quantization(shifted, 1, zeroOfColumns).map((level) => level - zeroOfColumns);
  return { steps: factors.map((factor) => fround(1 / factor)), levels };
}

/**
 * By how much of a step each row is shifted before it is rounded: float32 numbers between -0.5 and 0.5, evenly spread over any rows
 * that follow each other, always the same ones. Multiples of the golden ratio without their whole parts, from the first on: the
 * 0th, -0.5, would bring 0 and the largest of a column to where a last bit decides between two levels.
 */
export function dither(rows: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => (((row + 1) * GOLDEN) % 1) - 0.5);
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;
