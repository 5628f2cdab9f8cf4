import { MsmaeError } from "../../support/errors.ts";
import type { Shape, TensorType } from "./types.ts";

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** A Shape error raised by an operator's rule. */
export function shapeError(op: string, expected: string, got: string): MsmaeError {
  return new MsmaeError("Shape", { where: op, expected, got, todo: "check the shapes of the operands" });
}

/** The axis as a number from 0; negative axes count from the end. @throws MsmaeError Shape when out of range. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank) {
    throw shapeError(op, `an axis in [${-rank}, ${rank - 1}]`, String(axis));
  }
  return normal;
}

/** NumPy's broadcast of shapes. @throws MsmaeError Shape when two extents differ and neither is 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw shapeError(op, "operands that broadcast", `${formatShape(a)} and ${formatShape(b)}`);
    }
    result[axis] = x === 1 ? y : x;
  }
  return result;
}

/** The strides with which an array of `shape` is read under a broadcast to `target`: 0 along repeated axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  return target.map((_, axis) => {
    const own = axis - target.length + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : (strides[own] as number);
  });
}

/** The axes of `target` that a broadcast of `shape` to it repeats. */
export function broadcastAxes(shape: Shape, target: Shape): number[] {
  const axes: number[] = [];
  for (let axis = 0; axis < target.length; axis++) {
    const own = axis - target.length + shape.length;
    if (own < 0 || (shape[own] === 1 && target[axis] !== 1)) axes.push(axis);
  }
  return axes;
}

export function expectFloat(op: string, ...inputs: readonly TensorType[]): void {
  for (const input of inputs) {
    if (input.dtype !== "float32") throw shapeError(op, "float32 operands", input.dtype);
  }
}

/** The shape left after reducing `axes`. */
export function reducedShape(op: string, shape: Shape, axes: readonly number[], keepdims: boolean): number[] {
  const dropped = new Set(axes.map((axis) => normalizeAxis(op, axis, shape.length)));
  return shape.flatMap((extent, axis) => (dropped.has(axis) ? (keepdims ? [1] : []) : [extent]));
}
