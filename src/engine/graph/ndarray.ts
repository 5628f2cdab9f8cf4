import type { DType } from "./dtypes.ts";
import { broadcastStrides, sizeOf, stridesOf } from "./shape.ts";
import type { NdArray, Shape } from "./types.ts";

export function ndarray(shape: Shape, data: Float64Array, dtype: DType = "float32"): NdArray {
  return { dtype, shape, data };
}

/**
 * Visits every index of `shape` in row-major order with the matching offset into each of several strided arrays.
 * One walk serves broadcasting, transposing, reducing and slicing.
 */
export function walk(
  shape: Shape,
  strides: readonly (readonly number[])[],
  visit: (position: number, offsets: readonly number[]) => void,
): void {
  const total = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  for (let position = 0; position < total; position++) {
    visit(position, offsets);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      strides.forEach((stride, array) => {
        offsets[array] = (offsets[array] as number) + (stride[axis] as number);
      });
      if ((index[axis] as number) < (shape[axis] as number)) break;
      strides.forEach((stride, array) => {
        offsets[array] = (offsets[array] as number) - (stride[axis] as number) * (shape[axis] as number);
      });
      index[axis] = 0;
    }
  }
}

/** Elementwise function of one array. */
export function mapUnary(x: NdArray, fn: (value: number) => number): NdArray {
  return ndarray(x.shape, x.data.map(fn), x.dtype);
}

/** Elementwise function of two arrays under broadcasting to `shape`. */
export function mapBinary(
  a: NdArray,
  b: NdArray,
  shape: Shape,
  fn: (x: number, y: number) => number,
  dtype = a.dtype,
): NdArray {
  const data = new Float64Array(sizeOf(shape));
  if (a.data.length === data.length && b.data.length === data.length) {
    for (let i = 0; i < data.length; i++) data[i] = fn(a.data[i] as number, b.data[i] as number);
  } else {
    walk(shape, [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)], (position, offsets) => {
      data[position] = fn(a.data[offsets[0] as number] as number, b.data[offsets[1] as number] as number);
    });
  }
  return ndarray(shape, data, dtype);
}

/** The array with its axes reordered, materialised. */
export function permuteArray(x: NdArray, perm: readonly number[]): NdArray {
  const strides = stridesOf(x.shape);
  const shape = perm.map((axis) => x.shape[axis] as number);
  const data = new Float64Array(x.data.length);
  walk(shape, [perm.map((axis) => strides[axis] as number)], (position, offsets) => {
    data[position] = x.data[offsets[0] as number] as number;
  });
  return ndarray(shape, data, x.dtype);
}

/** Applies `fn` to each one-dimensional line along `axis`; `fn` receives a copy of the line and returns its replacement. */
export function mapLines(x: NdArray, axis: number, fn: (line: Float64Array) => Float64Array): NdArray {
  const extent = x.shape[axis] as number;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const data = new Float64Array(x.data.length);
  const line = new Float64Array(extent);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const start = o * extent * inner + i;
      for (let k = 0; k < extent; k++) line[k] = x.data[start + k * inner] as number;
      const result = fn(line);
      for (let k = 0; k < extent; k++) data[start + k * inner] = result[k] as number;
    }
  }
  return ndarray(x.shape, data, x.dtype);
}
