import { mapBinary } from "../ndarray.ts";
import { broadcastAxes, broadcastShapes, expectFloat } from "../shape.ts";
import type { Builders, NdArray, Shape, TensorType, Value } from "../types.ts";

/** The output type of an elementwise operator of two float operands. */
export function inferBroadcast(op: string, inputs: readonly TensorType[]): TensorType[] {
  const [x, y] = inputs as [TensorType, TensorType];
  expectFloat(op, x, y);
  return [{ dtype: "float32", shape: broadcastShapes(op, x.shape, y.shape) }];
}

/** Evaluates an elementwise operator of two operands in float64. */
export function referenceBroadcast(
  op: string,
  inputs: readonly NdArray[],
  fn: (x: number, y: number) => number,
): NdArray[] {
  const [x, y] = inputs as [NdArray, NdArray];
  return [mapBinary(x, y, broadcastShapes(op, x.shape, y.shape), fn)];
}

/** The derivative of a broadcast: sums `gradient` over the axes along which an operand of `shape` was repeated. */
export function sumTo(b: Builders, gradient: Value, shape: Shape): Value {
  const axes = broadcastAxes(shape, gradient.shape);
  if (axes.length === 0) return gradient;
  return b.reshape(b.reduceSum(gradient, axes, true), shape);
}
