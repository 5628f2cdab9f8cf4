import { ndarray, walk } from "../ndarray.ts";
import { normalizeAxis, reducedShape, sizeOf, stridesOf } from "../shape.ts";
import type { NdArray, Shape } from "../types.ts";

/** The float64 sum over some axes, shared by ReduceSum and ReduceMean. */
export function sumOver(op: string, x: NdArray, axes: readonly number[], keepdims: boolean): NdArray {
  const kept = reducedShape(op, x.shape, axes, true);
  const strides = stridesOf(kept).map((stride, axis) => (kept[axis] === x.shape[axis] ? stride : 0));
  const data = new Float64Array(sizeOf(kept));
  walk(x.shape, [strides], (position, offsets) => {
    const target = offsets[0] as number;
    data[target] = (data[target] as number) + (x.data[position] as number);
  });
  return ndarray(reducedShape(op, x.shape, axes, keepdims), data);
}

/** How many elements go into each sum. */
export function reducedCount(op: string, shape: Shape, axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => shape[normalizeAxis(op, axis, shape.length)] as number));
}
