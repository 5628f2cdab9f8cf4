import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { KernelAttributes, NdArray, OpDefinition, TensorType, Value, WindowAttributes } from "../types.ts";
import { multiply } from "./product.ts";
import { imageExtents, unread, windowColumns, windowCounts, windowOffsets } from "./windows.ts";

/**
 * Correlation of images [N, C, H, W] with a weight [O, C, kh, kw], and a bias [O] where there is one. The derivative by
 * the images is a ConvTranspose; rows and columns that no window reached come back as its output padding.
 */
export const conv: OpDefinition<"Conv"> = {
  infer(inputs, attributes) {
    expectFloat("Conv", ...inputs);
    const { images, outputs, counts } = extents(inputs, attributes);
    return [{ dtype: "float32", shape: [images, outputs, ...counts] }];
  },
  vjp({ attributes, inputs, cotangents, needed, b }) {
    const [x, weight, bias] = inputs as [Value, Value, Value | undefined];
    const dy = cotangents[0] as Value;
    const { window, plane } = extents(inputs, attributes);
    const derivatives = [
      needed[0]
        ? b.convTranspose(dy, weight, undefined, { ...attributes, outputPadding: unread(plane, window) })
        : undefined,
      needed[1] ? b.convWeightGradient(x, dy, window.kernel, attributes) : undefined,
    ];
    return bias ? [...derivatives, needed[2] ? b.reduceSum(dy, [0, 2, 3]) : undefined] : derivatives;
  },
  reference(inputs, attributes) {
    const [x, weight, bias] = inputs as [NdArray, NdArray, NdArray | undefined];
    const { images, channels, outputs, plane, counts, window } = extents(inputs, attributes);
    const offsets = windowOffsets(plane, counts, window);
    const windows = counts[0] * counts[1];
    const inner = (channels * offsets.length) / windows;
    const data = new Float64Array(images * outputs * windows);
    if (bias) {
      for (let i = 0; i < data.length; i++) data[i] = bias.data[Math.floor(i / windows) % outputs] as number;
    }
    const image = x.data.length / images;
    for (let n = 0; n < images; n++) {
      const columns = windowColumns(x.data.subarray(n * image, (n + 1) * image), channels, offsets);
      multiply({
        a: { data: weight.data, offset: 0, rowStride: inner, columnStride: 1 },
        b: { data: columns, offset: 0, rowStride: windows, columnStride: 1 },
        out: data,
        outOffset: n * outputs * windows,
        rows: outputs,
        inner,
        columns: windows,
        alpha: 1,
      });
    }
    return [ndarray([images, outputs, ...counts], data)];
  },
};

function extents(inputs: readonly TensorType[], attributes: WindowAttributes) {
  const [x, weight, bias] = inputs as [TensorType, TensorType, TensorType | undefined];
  const [images, channels, ...plane] = imageExtents("Conv", x);
  const [outputs, perOutput, ...kernel] = imageExtents("Conv", weight);
  if (perOutput !== channels) {
    const expected = `a weight [outputs, ${channels}, rows, columns], for channels are not grouped`;
    throw shapeError("Conv", expected, formatShape(weight.shape));
  }
  if (bias && !(bias.shape.length === 1 && bias.shape[0] === outputs)) {
    throw shapeError("Conv", `a bias of shape [${outputs}]`, formatShape(bias.shape));
  }
  const window: KernelAttributes = { ...attributes, kernel };
  return { images, channels, outputs, plane, counts: windowCounts("Conv", plane, window), window };
}
