import { sizeOf } from "../../engine/graph/shape.ts";

/** Where the values of a tensor stand in a storage, in elements. */
export interface Strided {
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
}

/** The element behind the last that a tensor reaches; 0 where it has none. */
export function reachOf({ offset, shape, strides }: Strided): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * (strides[axis] as number), offset) + 1;
}

/** Whether the values stand one after another in row-major order. */
export function isContiguous({ shape, strides }: Strided): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    // The stride of an axis of one is never taken.
    if (size !== 1 && strides[axis] !== step) return false;
    step *= size;
  }
  return true;
}

type Elements = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/** Views by bytes per element, so that values move without being read as numbers. */
const VIEWS = {
  1: Uint8Array,
  2: Uint16Array,
  4: Uint32Array,
  8: BigUint64Array,
} as const;

/**
 * A tensor's values in row-major order, in memory of their own.
 *
 * @param storage from the first byte of its memory on; it reaches as far as the tensor does.
 * @param size bytes per element.
 */
export function gather(storage: Uint8Array<ArrayBuffer>, size: keyof typeof VIEWS, tensor: Strided): Uint8Array {
  const { offset, shape, strides } = tensor;
  const length = sizeOf(shape);
  if (isContiguous(tensor)) return storage.slice(offset * size, (offset + length) * size);
  const View = VIEWS[size];
  const source = new View(storage.buffer, storage.byteOffset, Math.floor(storage.length / size)) as Elements;
  const target = new View(length) as Elements;
  const index = shape.map(() => 0);
  const last = shape.length - 1;
  const inner = shape[last] ?? 1;
  const step = strides[last] ?? 1;
  let from = offset;
  for (let to = 0; to < length; to += inner) {
    for (let k = 0; k < inner; k++) target[to + k] = source[from + k * step] as never;
    // The next row: the innermost of the outer axes that is not at its end goes on, those within it begin anew.
    for (let axis = last - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      from += strides[axis] as number;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return new Uint8Array(target.buffer);
}

/** Turns the bytes of every element around, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; size > 1 && at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
