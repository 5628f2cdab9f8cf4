import type { StoredArray } from "./source-image.ts";

type AnyArray = StoredArray["data"];

/** An array of the same type, filled with zeros. */
export function sameType<A extends AnyArray>(values: A, length: number): A {
  return new (values.constructor as new (length: number) => A)(length);
}

/**
 * Turns an array whose first axis is the fastest into one whose last axis is.
 *
 * @param components neighbouring values that make up one element and stay together.
 */
export function toRowMajor<A extends AnyArray>(stored: A, shape: readonly number[], components: number): A {
  const sizes = shape.filter((size) => size !== 1);
  const strides = sizes.map((_, axis) => sizes.slice(0, axis).reduce((product, size) => product * size, 1));
  const moved = sameType(stored, stored.length);
  const inner = sizes.length - 1;
  let to = 0;
  const walk = (axis: number, from: number): void => {
    const size = sizes[axis] as number;
    const stride = strides[axis] as number;
    if (axis < inner) {
      for (let i = 0; i < size; i++) walk(axis + 1, from + i * stride);
    } else if (components === 1) {
      for (let i = 0, at = from; i < size; i++, at += stride) moved[to++] = stored[at] as never;
    } else {
      for (let i = 0, at = from; i < size; i++, at += stride) {
        for (let c = 0; c < components; c++) moved[to++] = stored[at * components + c] as never;
      }
    }
  };
  if (inner < 0) moved.set(stored as never);
  else walk(0, 0);
  return moved;
}
