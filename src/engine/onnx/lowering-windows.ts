import { sizeOf } from "../graph/shape.ts";
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
  const rest = bias.map(e.name);
  const convolve = (images: string, kernel: string, sides: readonly number[], into: string[]) => {
    const attributes = { strides: { ints: strides }, pads: { ints: sides }, dilations: { ints: dilations } };
    e.emit("Conv", [images, kernel, ...rest], into, attributes);
  };
  const images = sizeOf(x.shape) + sizeOf((node.outputs[0] as Value).shape);
  if (rows * columns === 1) convolve(e.name(x), swapped, turned, result);
  else if (sizeOf(weight.shape) <= images) convolve(e.name(x), reversed(swapped, e), turned, result);
  else {
    // To turn the images about and back is the same, and less to turn.
    const [top = 0, left = 0, bottom = 0, right = 0] = turned;
    const back = e.fresh();
    convolve(reversed(e.name(x), e), swapped, [bottom, right, top, left], [back]);
    reversed(back, e, result);
  }
}

/** The last two axes back to front. */
function reversed(name: string, e: Emitter, [result = e.fresh()]: readonly string[] = []): string {
  // An end below any index: ONNX reads -1 as the last element, not as the one before the first.
  e.emit(
    "Slice",
    [name, e.int64([-1, -1]), e.int64([-(2 ** 31), -(2 ** 31)]), e.int64([2, 3]), e.int64([-1, -1])],
    [result],
  );
  return result;
}

/** The cuts of all elements, joined for one product, may be so many times as large as what they are multiplied with. */
const MOST_COPIES = 4;
/** All windows laid down may be so many times as large as the weight whose gradient they give. */
const MOST_WINDOWS = 16;

/**
 * The gradient by a weight as products: for every element of the kernel, one of images and `dy` is cut so that the
 * pixels that met lie on each other, and their product over all pixels is that element's [O, C]. The one with fewer
 * channels is cut, since cutting copies it; where its copies for all elements are not many times the other one, they are
 * joined for a single product. Where they are not many times the weight, see {@link byWindows}.
 */
export function lowerConvWeightGradient(node: Node<"ConvWeightGradient">, e: Emitter): void {
  if (e.provider !== "webgpu" && isSmallBesideWeight(node)) {
    byWindows(node, e);
    return;
  }
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
  const pieces = (cutsDy ? cutsOfDy(node, e) : cutsOfImages(node, e.name(x), e)).map((cut) =>
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

  const joined = moved * elements <= MOST_COPIES * still;
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

function isSmallBesideWeight({ inputs }: Node<"ConvWeightGradient">): boolean {
  const [images, outputs, rows, columns] = (inputs[1] as Value).shape as [number, number, number, number];
  return images * rows * columns <= MOST_WINDOWS * outputs;
}

/**
 * The same as one product of `dy` with all windows laid down as a matrix: small planes of many channels. It gives the weight as it
 * lies in memory, where the products of elements would have to be put in order, which takes as long as they do.
 */
function byWindows(node: Node<"ConvWeightGradient">, e: Emitter): void {
  const [x, dy] = node.inputs as [Value, Value];
  const [images, outputs, rows, columns] = dy.shape as [number, number, number, number];
  const pixels = images * rows * columns;
  const channels = x.shape[1] as number;
  const { kernel } = node.attributes;
  const elements = kernel[0] * kernel[1];
  const emitted = (opType: string, inputs: string[], attributes?: NodeAttributes): string => {
    const result = e.fresh();
    e.emit(opType, inputs, [result], attributes);
    return result;
  };
  const channelsFirst = (value: Value) => emitted("Transpose", [e.name(value)], { perm: { ints: [1, 0, 2, 3] } });
  const pieces = cutsOfImages(node, channelsFirst(x), e).map((cut) =>
    emitted("Reshape", [cut, e.int64([channels, 1, pixels])]),
  );
  const joined = elements === 1 ? (pieces[0] as string) : emitted("Concat", pieces, { axis: { int: 1 } });
  const windows = emitted("Reshape", [joined, e.int64([channels * elements, pixels])]);
  const gradient = emitted("Reshape", [channelsFirst(dy), e.int64([outputs, pixels])]);
  const product = emitted("Gemm", [gradient, windows], { transB: { int: 1 } });
  e.emit("Reshape", [product, e.int64([outputs, channels, ...kernel])], node.outputs.map(e.name));
}

/** For each element of the kernel the pixels of the images `name` that it met, their last two axes [H', W']. */
function cutsOfImages({ attributes, inputs }: Node<"ConvWeightGradient">, name: string, e: Emitter): string[] {
  const { pads, strides, dilations } = attributes;
  const counts = (inputs[1] as Value).shape.slice(2) as [number, number];
  const source = padded(name, pads, e);
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
