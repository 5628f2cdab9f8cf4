import { constant, conv, reshape, transpose } from "../graph/builders.ts";
import type { Pair, Value, WindowAttributes } from "../graph/types.ts";
import type { Parameters } from "../parameters/specs.ts";
import { conv2d } from "./convolution.ts";
import { type ResizeMode, resize2d } from "./resize.ts";

/**
 * The convolution of images x [B, C, H, W] after their resize to `size`, as {@link conv2d} of {@link resize2d}. Channels are
 * mixed before the resize, which treats them alike: one image for each output and each element of the kernel. Where these
 * are fewer than C, the resized images of all channels, the largest tensor of many a head, are never made (decision 0018).
 */
export function resizedConv2d(
  x: Value,
  p: Parameters,
  prefix: string,
  options: Partial<WindowAttributes> & { bias: boolean; size: Pair; mode: ResizeMode },
): Value {
  const { size, mode, bias, ...window } = options;
  const weight = p(`${prefix}.weight`);
  const [outputs, channels, rows, columns] = weight.shape as [number, number, number, number];
  const parts = rows * columns * outputs;
  if (parts >= channels) return conv2d(resize2d(x, size, mode), p, prefix, { ...window, bias });
  const mixing = reshape(transpose(weight, [2, 3, 0, 1]), [parts, channels, 1, 1]);
  const mixed = resize2d(conv(x, mixing, undefined, {}), size, mode);
  return conv(mixed, placing([outputs, rows, columns]), bias ? p(`${prefix}.bias`) : undefined, window);
}

/** The kernel [O, parts, kh, kw] that takes from the image of every element its pixel at the element's place. */
function placing([outputs, rows, columns]: readonly [number, number, number]): Value {
  const parts = rows * columns * outputs;
  const table = new Float64Array(outputs * parts * rows * columns);
  for (let element = 0; element < rows * columns; element++) {
    for (let o = 0; o < outputs; o++) {
      const part = element * outputs + o;
      table[(o * parts + part) * rows * columns + element] = 1;
    }
  }
  return constant(table, [outputs, parts, rows, columns]);
}
