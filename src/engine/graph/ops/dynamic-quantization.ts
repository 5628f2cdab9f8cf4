import { roundHalfEven } from "../../../support/round-half-even.ts";

/** Numbers as 256 levels of one step, of which `zero` is 0. */
export interface Quantized {
  step: number;
  zero: number;
  levels: Float64Array;
}

/**
 * What DynamicQuantizeLinear makes of float32 values: 256 levels between the smallest, the largest and 0, rounded to the
 * nearest, halves to even. In float32 as ONNX Runtime computes it, since a level more or less is no rounding error of the result.
 */
export function dynamicQuantization(x: Float64Array): Quantized {
  let smallest = 0;
  let largest = 0;
  for (const value of x) {
    smallest = Math.min(smallest, fround(value));
    largest = Math.max(largest, fround(value));
  }
  const step = largest === smallest ? 1 : fround(fround(largest - smallest) / 255);
  const zero = roundHalfEven(within(fround(-fround(smallest / step))));
  return { step, zero, levels: quantization(x, step, zero) };
}

/** What QuantizeLinear makes of float32 values: the levels of this step and this zero. */
export function quantization(x: Float64Array, step: number, zero: number): Float64Array {
  return x.map((value) => within(roundHalfEven(fround(fround(value) / step)) + zero));
}

const { fround } = Math;
const within = (level: number): number => Math.max(0, Math.min(255, level));
