import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, sameShape, shapeError } from "../shape.ts";
import type { KernelAttributes, NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { multiply } from "./product.ts";
import { imageExtents, unread, windowColumns, windowCounts, windowOffsets } from "./windows.ts";

/**
 * The derivative of a Conv by its weight [O, C, kh, kw], from its images [N, C, H, W] and the derivative by its result
 * [N, O, H', W']: each element of the kernel is the product of `dy` with the images moved by that element's place. It
 * is linear in both, and its derivatives are a ConvTranspose and a Conv with the cotangent for a weight.
 */
export const convWeightGradient: OpDefinition<"ConvWeightGradient"> = {
  infer(inputs, attributes) {
    expectFloat("ConvWeightGradient", ...inputs);
    const { channels, outputs } = extents(inputs, attributes);
    return [{ dtype: "float32", shape: [outputs, channels, ...attributes.kernel] }];
  },
  vjp({ attributes, inputs, cotangents, needed, b }) {
    const [x, dy] = inputs as [Value, Value];
    const weight = cotangents[0] as Value;
    const { kernel: _, ...window } = attributes;
    const { plane } = extents(inputs, attributes);
    return [
      needed[0]
        ? b.convTranspose(dy, weight, undefined, { ...window, outputPadding: unread(plane, attributes) })
        : undefined,
      needed[1] ? b.conv(x, weight, undefined, window) : undefined,
    ];
  },
  reference(inputs, attributes) {
    const [x, dy] = inputs as [NdArray, NdArray];
    const { images, channels, outputs, plane, counts } = extents(inputs, attributes);
    const offsets = windowOffsets(plane, counts, attributes);
    const windows = counts[0] * counts[1];
    const columns = (channels * offsets.length) / windows;
    const data = new Float64Array(outputs * columns);
    const image = x.data.length / images;
    for (let n = 0; n < images; n++) {
      const read = windowColumns(x.data.subarray(n * image, (n + 1) * image), channels, offsets);
      multiply({
        a: { data: dy.data, offset: n * outputs * windows, rowStride: windows, columnStride: 1 },
        b: { data: read, offset: 0, rowStride: 1, columnStride: windows },
        out: data,
        outOffset: 0,
        rows: outputs,
        inner: windows,
        columns,
        alpha: 1,
      });
    }
    return [ndarray([outputs, channels, ...attributes.kernel], data)];
  },
};

function extents(inputs: readonly TensorType[], attributes: KernelAttributes) {
  const [x, dy] = inputs as [TensorType, TensorType];
  const [images, channels, ...plane] = imageExtents("ConvWeightGradient", x);
  const outputs = dy.shape[1] as number;
  const counts = windowCounts("ConvWeightGradient", plane, attributes);
  const expected = [images, outputs, ...counts];
  if (!sameShape(dy.shape, expected)) {
    throw shapeError("ConvWeightGradient", `dy ${formatShape(expected)}`, formatShape(dy.shape));
  }
  return { images, channels, outputs, plane, counts };
}
