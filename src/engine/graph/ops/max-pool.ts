import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { KernelAttributes, NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { imageExtents, reach, unread, windowCounts, windowOffsets } from "./windows.ts";

/** Below every float32 that is a number: what stands for padding, so that no window chooses it. */
const lowest = -3.4e38;

/**
 * The largest value of every window over images [N, C, H, W]; padding is never the largest. Saves its output. The
 * derivative goes to the first of equal values, row by row, as PyTorch's: a Conv with one-hot kernels lays each window's
 * values down, those equal to the largest are counted, and a ConvTranspose with the same kernels takes `dy` back.
 */
export const maxPool: OpDefinition<"MaxPool"> = {
  infer(inputs, attributes) {
    const x = inputs[0] as TensorType;
    expectFloat("MaxPool", x);
    const { images, channels, counts } = extents(x, attributes);
    return [{ dtype: "float32", shape: [images, channels, ...counts] }];
  },
  vjp({ attributes, inputs, outputs, cotangents, b }) {
    const x = inputs[0] as Value;
    const { kernel, ...window } = attributes;
    const { images, channels, plane, counts } = extents(x, attributes);
    const planes = images * channels;
    const elements = kernel[0] * kernel[1];
    const windows = counts[0] * counts[1];
    const identity = Float64Array.from({ length: elements * elements }, (_, i) => (i % (elements + 1) === 0 ? 1 : 0));
    const oneHot = b.constant(identity, [elements, 1, ...kernel]);
    const read = b.conv(b.reshape(x, [planes, 1, ...plane]), oneHot, undefined, window);
    const padded = Float64Array.from(windowOffsets(plane, counts, attributes), (at) => (at < 0 ? lowest : 0));
    const values = b.add(b.reshape(read, [planes, elements, windows]), b.constant(padded, [elements, windows]));
    const perWindow = [planes, 1, windows];
    const largest = b.cast(b.equal(values, b.reshape(outputs[0] as Value, perWindow)), "float32");
    const upTo = Float64Array.from({ length: elements * elements }, (_, i) => (i % elements <= i / elements ? 1 : 0));
    const counted = b.matMul(b.constant(upTo, [elements, elements]), largest);
    const first = b.mul(largest, b.cast(b.equal(counted, b.scalar(1)), "float32"));
    const chosen = b.mul(first, b.reshape(cotangents[0] as Value, perWindow));
    const back = b.convTranspose(b.reshape(chosen, [planes, elements, ...counts]), oneHot, undefined, {
      ...window,
      outputPadding: unread(plane, attributes),
    });
    return [b.reshape(back, x.shape)];
  },
  reference(inputs, attributes) {
    const x = inputs[0] as NdArray;
    const { images, channels, plane, counts } = extents(x, attributes);
    const offsets = windowOffsets(plane, counts, attributes);
    const windows = counts[0] * counts[1];
    const area = plane[0] * plane[1];
    const data = new Float64Array(images * channels * windows).fill(-Infinity);
    for (let p = 0; p < images * channels; p++) {
      offsets.forEach((offset, i) => {
        const at = p * windows + (i % windows);
        if (offset >= 0) data[at] = Math.max(data[at] as number, x.data[p * area + offset] as number);
      });
    }
    return [ndarray([images, channels, ...counts], data)];
  },
};

function extents(x: TensorType, attributes: KernelAttributes) {
  const [images, channels, ...plane] = imageExtents("MaxPool", x);
  const counts = windowCounts("MaxPool", plane, attributes);
  const { pads } = attributes;
  const [rows, columns] = reach(attributes);
  if (pads.some((pad, side) => pad > (side % 2 === 0 ? rows : columns))) {
    throw shapeError("MaxPool", "padding that leaves a pixel to every window", formatShape(pads));
  }
  return { images, channels, plane, counts };
}
