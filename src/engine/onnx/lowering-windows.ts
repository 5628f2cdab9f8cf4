import type { KernelAttributes, Node, Value, WindowAttributes } from "../graph/types.ts";
import { contribDomain, type Emitter, type NodeAttributes } from "./emitter.ts";

/** ONNX's names for how a window goes over an image. */
export function windowAttributes({ strides, pads, dilations }: WindowAttributes): NodeAttributes {
  return { strides: { ints: strides }, pads: { ints: pads }, dilations: { ints: dilations } };
}

/**
 * ConvTranspose; with stride 1 it is the Conv with the kernel turned about, which ONNX Runtime's CPU computes in 0.3 to
 * 0.9 of the time (decision 0018).
 */
export function lowerConvTranspose(node: Node<"ConvTranspose">, e: Emitter): void {
  const { strides, pads, dilations, outputPadding } = node.attributes;
  const [x, weight, ...bias] = node.inputs as [Value, Value, ...Value[]];
  const [, , rows, columns] = weight.shape as [number, number, number, number];
  const result = node.outputs.map(e.name);
  const reach = [dilations[0] * (rows - 1), dilations[1] * (columns - 1)] as const;
  const turned = pads.map((pad, side) => reach[(side % 2) as 0 | 1] - pad);
  if (e.provider === "webgpu" || strides[0] !== 1 || strides[1] !== 1 || turned.some((pad) => pad < 0)) {
    const attributes = { ...windowAttributes(node.attributes), output_padding: { ints: outputPadding } };
    e.emit("ConvTranspose", node.inputs.map(e.name), result, attributes);
    return;
  }
  const swapped = e.fresh();
  e.emit("Transpose", [e.name(weight)], [swapped], { perm: { ints: [1, 0, 2, 3] } });
  const kernel = rows * columns === 1 ? swapped : reversed(swapped, e);
  const attributes = { strides: { ints: strides }, pads: { ints: turned }, dilations: { ints: dilations } };
  e.emit("Conv", [e.name(x), kernel, ...bias.map(e.name)], result, attributes);
}

/** The last two axes back to front. */
function reversed(name: string, e: Emitter): string {
  const result = e.fresh();
  // An end below any index: ONNX reads -1 as the last element, not as the one before the first.
  e.emit(
    "Slice",
    [name, e.int64([-1, -1]), e.int64([-(2 ** 31), -(2 ** 31)]), e.int64([2, 3]), e.int64([-1, -1])],
    [result],
  );
  return result;
}

/**
 * The gradient by a weight as products: for every element of the kernel, one of images and `dy` is cut so that the
 * pixels that met lie on each other, and their product over all pixels is that element's [O, C]. The one with fewer
 * channels is cut, since cutting copies it; where its copies for all elements are no more than the other one, they are
 * joined for a single product.
 */
export function lowerConvWeightGradient(node: Node<"ConvWeightGradient">, e: Emitter): void {
  const { kernel, strides } = node.attributes;
  const [x, dy] = node.inputs as [Value, Value];
  const [images, channels, height, width] = x.shape as [number, number, number, number];
  const [, outputs, rows, columns] = dy.shape as [number, number, number, number];
  const cutsDy = strides[0] === 1 && strides[1] === 1 && outputs < channels;
  const [moved, still] = cutsDy ? [outputs, channels] : [channels, outputs];
  const pixels = cutsDy ? height * width : rows * columns;
  const elements = kernel[0] * kernel[1];

  const emitted = (opType: string, inputs: string[], attributes?: NodeAttributes, domain?: string): string => {
    const result = e.fresh();
    e.emit(opType, inputs, [result], attributes, domain);
    return result;
  };
  const reshaped = (name: string, shape: number[]) => emitted("Reshape", [name, e.int64(shape)]);
  const pieces = (cutsDy ? cutsOfDy(node, e) : cutsOfImages(node, e)).map((cut) =>
    reshaped(cut, [images, moved, pixels]),
  );
  // Behind the cuts, since ONNX Runtime runs what stands later first: no cut is made before `dy` is there.
  const kept = reshaped(e.name(cutsDy ? x : dy), [images, still, pixels]);
  const keptTransposed = e.provider === "webgpu" ? emitted("Transpose", [kept], { perm: { ints: [0, 2, 1] } }) : "";
  // [images, rows, pixels] times the other one's pixels, summed over images: [rows, still].
  const product = (name: string): string => {
    const perImage =
      e.provider === "webgpu"
        ? emitted("MatMul", [name, keptTransposed])
        : emitted("FusedMatMul", [name, kept], { transB: { int: 1 } }, contribDomain);
    return emitted("ReduceSum", [perImage, e.int64([0])], { keepdims: { int: 0 } });
  };

  const joined = moved * elements <= still;
  const products =
    joined && elements > 1
      ? product(emitted("Concat", pieces, { axis: { int: 1 } }))
      : emitted("Concat", pieces.map(product), { axis: { int: 0 } });
  const perElement = reshaped(products, [...kernel, moved, still]);
  // Last, because ONNX Runtime would put a Transpose before a Reshape behind it, as a new node that runs out of turn: the
  // derivatives by the images of all layers first, with everything kept that the weights' read (decision 0008).
  e.emit("Transpose", [perElement], node.outputs.map(e.name), {
    perm: { ints: [...(cutsDy ? [2, 3] : [3, 2]), 0, 1] },
  });
}

/** For each element of the kernel the pixels of the images that it met, [N, C, H', W']. */
function cutsOfImages({ attributes, inputs }: Node<"ConvWeightGradient">, e: Emitter): string[] {
  const { pads, strides, dilations } = attributes;
  const [x, dy] = inputs as [Value, Value];
  const counts = dy.shape.slice(2) as [number, number];
  const source = padded(e.name(x), pads, e);
  return elementsOf(attributes).map(([i, j]) => {
    const start = [i * dilations[0], j * dilations[1]] as const;
    const span = (axis: 0 | 1) => start[axis] + (counts[axis] - 1) * strides[axis] + 1;
    return cut(source, start, [span(0), span(1)], strides, e);
  });
}

/** For each element of the kernel what of `dy` came of every pixel of the images, [N, O, H, W]; for stride 1. */
function cutsOfDy({ attributes, inputs }: Node<"ConvWeightGradient">, e: Emitter): string[] {
  const { kernel, pads, dilations } = attributes;
  const [x, dy] = inputs as [Value, Value];
  const plane = x.shape.slice(2) as [number, number];
  const counts = dy.shape.slice(2) as [number, number];
  const before = (axis: 0 | 1) => Math.max(0, dilations[axis] * (kernel[axis] - 1) - pads[axis]);
  const after = (axis: 0 | 1) => Math.max(0, plane[axis] + pads[axis] - counts[axis]);
  const source = padded(e.name(dy), [before(0), before(1), after(0), after(1)], e);
  return elementsOf(attributes).map(([i, j]) => {
    const start = [before(0) + pads[0] - i * dilations[0], before(1) + pads[1] - j * dilations[1]] as const;
    return cut(source, start, [start[0] + plane[0], start[1] + plane[1]], [1, 1], e);
  });
}

function elementsOf({ kernel: [rows, columns] }: KernelAttributes): [number, number][] {
  return Array.from({ length: rows * columns }, (_, at) => [Math.floor(at / columns), at % columns]);
}

function padded(name: string, [top, left, bottom, right]: WindowAttributes["pads"], e: Emitter): string {
  if (top + left + bottom + right === 0) return name;
  const result = e.fresh();
  e.emit("Pad", [name, e.int64([0, 0, top, left, 0, 0, bottom, right])], [result]);
  return result;
}

function cut(
  name: string,
  start: readonly number[],
  end: readonly number[],
  steps: readonly number[],
  e: Emitter,
): string {
  const result = e.fresh();
  e.emit("Slice", [name, e.int64(start), e.int64(end), e.int64([2, 3]), e.int64(steps)], [result]);
  return result;
}
