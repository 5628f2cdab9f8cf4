import { formatShape, shapeError } from "../shape.ts";
import type { KernelAttributes, Pair, TensorType, WindowAttributes } from "../types.ts";

/** The four extents of images [N, C, H, W]. @throws MsmaeError Shape for another rank. */
export function imageExtents(op: string, { shape }: TensorType): [number, number, number, number] {
  if (shape.length !== 4) throw shapeError(op, "images [N, C, H, W]", formatShape(shape));
  return [...shape] as [number, number, number, number];
}

/** The padding of both ends of each axis. */
export function padding({ pads: [top, left, bottom, right] }: WindowAttributes): [number, number] {
  return [top + bottom, left + right];
}

/** How far a window reaches on an axis, less one. */
export function reach({ kernel, dilations }: KernelAttributes): [number, number] {
  return [dilations[0] * (kernel[0] - 1), dilations[1] * (kernel[1] - 1)];
}

/** Rows and columns at the bottom and right that no window reaches: the output padding of the way back. */
export function unread(plane: Pair, window: KernelAttributes): [number, number] {
  const added = padding(window);
  const span = reach(window);
  const rest = (axis: 0 | 1) => (plane[axis] + added[axis] - span[axis] - 1) % window.strides[axis];
  return [rest(0), rest(1)];
}

/** How many windows there are along each axis of a plane. @throws MsmaeError Shape when no window fits. */
export function windowCounts(op: string, plane: Pair, window: KernelAttributes): [number, number] {
  checkWindow(op, window);
  const added = padding(window);
  const span = reach(window);
  const count = (axis: 0 | 1) =>
    Math.floor((plane[axis] + added[axis] - span[axis] - 1) / (window.strides[axis] as number)) + 1;
  const counts: [number, number] = [count(0), count(1)];
  if (counts.some((windows) => windows < 1)) {
    const window = `a window of ${span[0] + 1}×${span[1] + 1}`;
    throw shapeError(op, `${window} to fit`, `${plane[0] + added[0]}×${plane[1] + added[1]} with padding`);
  }
  return counts;
}

/** @throws MsmaeError Shape for strides, dilations, pads or a kernel that are no such numbers. */
export function checkWindow(op: string, { kernel, strides, pads, dilations }: KernelAttributes): void {
  const whole = (least: number) => (value: number) => Number.isInteger(value) && value >= least;
  for (const [name, values] of Object.entries({ kernel, strides, dilations })) {
    if (values.length !== 2 || !values.every(whole(1))) {
      throw shapeError(op, `${name} of two positive whole numbers`, formatShape(values));
    }
  }
  if (pads.length !== 4 || !pads.every(whole(0))) {
    throw shapeError(op, "pads of four whole numbers [top, left, bottom, right]", formatShape(pads));
  }
}

/**
 * Which element of a plane each window reads: [kernel elements, windows], both row-major, -1 where that is padding.
 * Reading a plane by it is the gathering half of a convolution, adding to a plane by it the other.
 */
export function windowOffsets(plane: Pair, counts: Pair, { kernel, strides, pads, dilations }: KernelAttributes) {
  const [height, width] = plane;
  const offsets = new Int32Array(kernel[0] * kernel[1] * counts[0] * counts[1]);
  let at = 0;
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      for (let r = 0; r < counts[0]; r++) {
        const row = r * strides[0] + i * dilations[0] - pads[0];
        for (let c = 0; c < counts[1]; c++) {
          const column = c * strides[1] + j * dilations[1] - pads[1];
          const inside = row >= 0 && row < height && column >= 0 && column < width;
          offsets[at++] = inside ? row * width + column : -1;
        }
      }
    }
  }
  return offsets;
}

/** One image's windows as the columns of a matrix [C · kernel elements, windows], zeros where they read padding. */
export function windowColumns(image: Float64Array, channels: number, offsets: Int32Array): Float64Array {
  const plane = image.length / channels;
  const columns = new Float64Array(channels * offsets.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i] as number;
      if (offset >= 0) columns[c * offsets.length + i] = image[c * plane + offset] as number;
    }
  }
  return columns;
}
