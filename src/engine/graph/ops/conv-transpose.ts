import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type {
  ConvTransposeAttributes,
  KernelAttributes,
  NdArray,
  OpDefinition,
  Pair,
  TensorType,
  Value,
} from "../types.ts";
import { multiply } from "./product.ts";
import { checkWindow, imageExtents, padding, reach, windowOffsets } from "./windows.ts";

/**
 * The transposed convolution of images [N, C, H, W] with a weight [C, O, kh, kw], and a bias [O] where there is one:
 * every pixel adds its multiple of the kernel to the result. Its derivatives are a Conv and that Conv's own gradient by
 * the weight, in which images and `dy` have changed places.
 */
export const convTranspose: OpDefinition<"ConvTranspose"> = {
  infer(inputs, attributes) {
    expectFloat("ConvTranspose", ...inputs);
    const { images, outputs, result } = extents(inputs, attributes);
    return [{ dtype: "float32", shape: [images, outputs, ...result] }];
  },
  vjp({ attributes, inputs, cotangents, needed, b }) {
    const [x, weight, bias] = inputs as [Value, Value, Value | undefined];
    const dy = cotangents[0] as Value;
    const { window } = extents(inputs, attributes);
    const { strides, pads, dilations, kernel } = window;
    const derivatives = [
      needed[0] ? b.conv(dy, weight, undefined, { strides, pads, dilations }) : undefined,
      needed[1] ? b.convWeightGradient(dy, x, kernel, { strides, pads, dilations }) : undefined,
    ];
    return bias ? [...derivatives, needed[2] ? b.reduceSum(dy, [0, 2, 3]) : undefined] : derivatives;
  },
  reference(inputs, attributes) {
    const [x, weight, bias] = inputs as [NdArray, NdArray, NdArray | undefined];
    const { images, channels, outputs, plane, result, window } = extents(inputs, attributes);
    const offsets = windowOffsets(result, plane, window);
    const windows = plane[0] * plane[1];
    const rows = outputs * window.kernel[0] * window.kernel[1];
    const area = result[0] * result[1];
    const data = new Float64Array(images * outputs * area);
    if (bias) {
      for (let i = 0; i < data.length; i++) data[i] = bias.data[Math.floor(i / area) % outputs] as number;
    }
    for (let n = 0; n < images; n++) {
      const columns = new Float64Array(rows * windows);
      multiply({
        a: { data: weight.data, offset: 0, rowStride: 1, columnStride: rows },
        b: { data: x.data, offset: n * channels * windows, rowStride: windows, columnStride: 1 },
        out: columns,
        outOffset: 0,
        rows,
        inner: channels,
        columns: windows,
        alpha: 1,
      });
      columns.forEach((value, i) => {
        const offset = offsets[i % offsets.length] as number;
        const at = (n * outputs + Math.floor(i / offsets.length)) * area + offset;
        if (offset >= 0) data[at] = (data[at] as number) + value;
      });
    }
    return [ndarray([images, outputs, ...result], data)];
  },
};

function extents(inputs: readonly TensorType[], attributes: ConvTransposeAttributes) {
  const [x, weight, bias] = inputs as [TensorType, TensorType, TensorType | undefined];
  const [images, channels, ...plane] = imageExtents("ConvTranspose", x);
  const [perInput, outputs, ...kernel] = imageExtents("ConvTranspose", weight);
  if (perInput !== channels) {
    const expected = `a weight [${channels}, outputs, rows, columns], for channels are not grouped`;
    throw shapeError("ConvTranspose", expected, formatShape(weight.shape));
  }
  if (bias && !(bias.shape.length === 1 && bias.shape[0] === outputs)) {
    throw shapeError("ConvTranspose", `a bias of shape [${outputs}]`, formatShape(bias.shape));
  }
  const window: KernelAttributes = { ...attributes, kernel };
  checkWindow("ConvTranspose", window);
  return { images, channels, outputs, plane, result: resultOf(plane, window, attributes), window };
}

function resultOf(plane: Pair, window: KernelAttributes, { outputPadding, strides }: ConvTransposeAttributes): Pair {
  const added = padding(window);
  const span = reach(window);
  const extent = (axis: 0 | 1) => {
    const extra = outputPadding[axis];
    if (!Number.isInteger(extra) || extra < 0 || extra >= strides[axis]) {
      throw shapeError("ConvTranspose", "output padding smaller than the stride", formatShape(outputPadding));
    }
    return strides[axis] * (plane[axis] - 1) + span[axis] + 1 - added[axis] + extra;
  };
  const result: Pair = [extent(0), extent(1)];
  if (result.some((size) => size < 1)) throw shapeError("ConvTranspose", "a result of some size", formatShape(result));
  return result;
}
