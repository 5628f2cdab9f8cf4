import { MsmaeError } from "../../support/errors.ts";
import type { DType } from "./dtypes.ts";
import { ops } from "./ops/index.ts";
import { sameShape, sizeOf } from "./shape.ts";
import type {
  Builders,
  Node,
  OpAttributes,
  OpDefinition,
  OpName,
  Shape,
  TensorType,
  Value,
  WindowAttributes,
} from "./types.ts";

let nextId = 0;

function construct<Op extends OpName>(
  op: Op,
  inputs: readonly Value[],
  attributes: OpAttributes[Op],
  types: readonly TensorType[],
): Node<Op> {
  const outputs: Value[] = [];
  const node: Node<Op> = { id: nextId++, op, inputs, attributes, outputs };
  types.forEach(({ dtype, shape }, index) => {
    // The union of all nodes holds this node; TypeScript does not see it through the generic parameter.
    outputs.push({ node: node as unknown as Node, index, dtype, shape: Object.freeze([...shape]) });
  });
  return node;
}

/** Applies an operator: its rule checks the operands at once, so that an error points at the line that built it. */
export function apply<Op extends OpName>(
  op: Op,
  inputs: readonly Value[],
  attributes: OpAttributes[Op],
): readonly Value[] {
  const definition: OpDefinition<Op> = ops[op];
  return construct(op, inputs, attributes, definition.infer(inputs, attributes)).outputs;
}

function apply1<Op extends OpName>(op: Op, inputs: readonly Value[], attributes: OpAttributes[Op]): Value {
  return apply(op, inputs, attributes)[0] as Value;
}

/** A value fed at run time under `name`. */
export function input(name: string, shape: Shape, dtype: DType = "float32"): Value {
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    throw new MsmaeError("Shape", {
      where: `input "${name}"`,
      expected: "whole, non-negative extents",
      got: `[${shape.join(", ")}]`,
      todo: "check the sizes the graph is built with",
    });
  }
  return construct("Input", [], { name }, [{ dtype, shape }]).outputs[0] as Value;
}

/** A value known now, of `shape` in row-major order. @throws MsmaeError Shape when the length does not fit. */
export function constant(data: ArrayLike<number>, shape: Shape, dtype: DType = "float32"): Value {
  if (data.length !== sizeOf(shape)) {
    throw new MsmaeError("Shape", {
      where: "constant",
      expected: `${sizeOf(shape)} elements`,
      got: String(data.length),
      todo: "check its shape",
    });
  }
  return apply1("Constant", [], { data: Float64Array.from(data), dtype, shape });
}

/** A float32 constant of shape []. */
export const scalar = (value: number): Value => constant([value], []);
/** A float32 constant of zeros. */
export const zeros = (shape: Shape): Value => constant(new Float64Array(sizeOf(shape)), shape);

/** `a + b`, with NumPy broadcasting, as every operator of two operands has. */
export const add = (a: Value, b: Value): Value => apply1("Add", [a, b], {});
/** `a - b`. */
export const sub = (a: Value, b: Value): Value => apply1("Sub", [a, b], {});
/** `a · b`, element by element. */
export const mul = (a: Value, b: Value): Value => apply1("Mul", [a, b], {});
/** `a / b`. */
export const div = (a: Value, b: Value): Value => apply1("Div", [a, b], {});
/** `-x`. */
export const neg = (x: Value): Value => apply1("Neg", [x], {});
/** The exponential of every element. */
export const exp = (x: Value): Value => apply1("Exp", [x], {});
/** The natural logarithm of every element. */
export const log = (x: Value): Value => apply1("Log", [x], {});
/** The square root of every element. */
export const sqrt = (x: Value): Value => apply1("Sqrt", [x], {});
/** `1 / x`. */
export const reciprocal = (x: Value): Value => apply1("Reciprocal", [x], {});
/** The error function of every element. */
export const erf = (x: Value): Value => apply1("Erf", [x], {});
/** GELU by the error function, not by its approximation with tanh. */
export const gelu = (x: Value): Value => apply1("Gelu", [x], { recomputed: false });
/** `max(x, 0)`. */
export const relu = (x: Value): Value => apply1("Relu", [x], {});
/** `1 / (1 + e⁻ˣ)`. */
export const sigmoid = (x: Value): Value => apply1("Sigmoid", [x], {});
/** bool: where two arrays of one dtype are equal. It has no derivative. */
export const equal = (a: Value, b: Value): Value => apply1("Equal", [a, b], {});
/** The same numbers in another dtype, as {@link toDtype} converts them. It has no derivative. */
export const cast = (x: Value, to: DType): Value => apply1("Cast", [x], { to });

/** `alpha · op(a) · op(b)` over broadcast batch dimensions; see {@link MatMulAttributes} for its options. */
export const matMul: Builders["matMul"] = (a, b, options = {}) =>
  apply1("MatMul", [a, b], {
    transA: false,
    transB: false,
    transBatchA: false,
    transBatchB: false,
    alpha: 1,
    ...options,
  });

/** `alpha · op(a) · op(b) + bias` of matrices; `transA` and `transB` transpose an operand. */
export const gemm: Builders["gemm"] = (a, b, bias, options = {}) =>
  apply1("Gemm", bias ? [a, b, bias] : [a, b], { transA: false, transB: false, alpha: 1, ...options });

/** `op(a) · op(b) + bias` of matrices in float16; `scaled` brings a to a largest magnitude of 1 first, and the product back. */
export const halfGemm = (a: Value, b: Value, bias?: Value, options: Partial<OpAttributes["HalfGemm"]> = {}): Value =>
  apply1("HalfGemm", bias ? [a, b, bias] : [a, b], { transA: false, transB: false, scaled: false, ...options });

/**
 * `x · (w ∘ scale) + bias` of float32 x [M, K], rounded to 8 bits on the way, and int8 w [K, N] with scales [N]. int8 values
 * beyond ±64 may saturate on processors without VNNI. `byRows` gives each row of x steps of its own; there is no bias then.
 */
export const quantizedMatMul: Builders["quantizedMatMul"] = (x, w, scale, bias, { byRows = false } = {}) =>
  apply1("QuantizedMatMul", bias ? [x, w, scale, bias] : [x, w, scale], { byRows });

/**
 * `dyᵀ · x` of float32 dy [M, O] and x [M, I], both rounded to 8 bits on the way: [O, I]. Rows may be as many as
 * {@link mostRowsInInt8}.
 */
export const quantizedWeightGradient: Builders["quantizedWeightGradient"] = (dy, x) =>
  apply1("QuantizedWeightGradient", [dy, x], {});

const everyPixel: WindowAttributes = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };

/**
 * Correlation of images x [N, C, H, W] with `weight` [O, C, kh, kw] and, where there is one, plus `bias` [O]:
 * [N, O, H', W']. Stride 1, no padding and dilation 1 unless told otherwise. Channels are not grouped.
 */
export const conv: Builders["conv"] = (x, weight, bias, options = {}) =>
  apply1("Conv", bias ? [x, weight, bias] : [x, weight], { ...everyPixel, ...options });

/**
 * The transposed convolution of images x [N, C, H, W] with `weight` [C, O, kh, kw] and, where there is one, plus `bias`
 * [O]: [N, O, H', W'] with H' = stride · (H - 1) + dilation · (kh - 1) + 1 - padding + output padding.
 */
export const convTranspose: Builders["convTranspose"] = (x, weight, bias, options = {}) =>
  apply1("ConvTranspose", bias ? [x, weight, bias] : [x, weight], {
    ...everyPixel,
    outputPadding: [0, 0],
    ...options,
  });

/** What a {@link conv} of images x [N, C, H, W] gives back to its weight [O, C, kh, kw] for `dy` [N, O, H', W']. */
export const convWeightGradient: Builders["convWeightGradient"] = (x, dy, kernel, options = {}) =>
  apply1("ConvWeightGradient", [x, dy], { ...everyPixel, ...options, kernel });

/** The largest value of every window over images [N, C, H, W]: [N, C, H', W']. The stride is 1 unless told otherwise. */
export const maxPool: Builders["maxPool"] = (x, kernel, options = {}) =>
  apply1("MaxPool", [x], { ...everyPixel, ...options, kernel });

/** Softmax along one axis, the last unless told otherwise. */
export const softmax = (x: Value, axis = -1): Value => apply1("Softmax", [x], { axis });
/** The logarithm of {@link softmax}, exact where that would be 0. */
export const logSoftmax = (x: Value, axis = -1): Value => apply1("LogSoftmax", [x], { axis });

/** `[y, mean, inverse standard deviation]` of a normalisation over the last axis. */
export const layerNormalization: Builders["layerNormalization"] = (x, scale, bias, epsilon) =>
  apply("LayerNormalization", [x, scale, bias], { epsilon }) as unknown as [Value, Value, Value];

/**
 * `[y, mean, variance]` of images x [N, C, H, W] normalised per channel by their own mean and variance (of N · H · W
 * values, divided by just that number), then scaled and shifted by vectors [C]. Mean and variance are [C].
 */
export const batchNormalization: Builders["batchNormalization"] = (x, scale, bias, epsilon) =>
  apply("BatchNormalization", [x, scale, bias], { epsilon }) as unknown as [Value, Value, Value];

/** The sum over axes; without `keepdims` they are dropped. */
export const reduceSum: Builders["reduceSum"] = (x, axes, keepdims = false) =>
  axes.length === 0 ? x : apply1("ReduceSum", [x], { axes, keepdims });
/** The mean over axes; without `keepdims` they are dropped. */
export const reduceMean: Builders["reduceMean"] = (x, axes, keepdims = false) =>
  axes.length === 0 ? x : apply1("ReduceMean", [x], { axes, keepdims });

/** The same elements, row-major, in another shape of as many. */
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply1("Reshape", [x], { shape });
/** The axes in another order: axis i of the result is axis `perm[i]` of x. */
export const transpose = (x: Value, perm: readonly number[]): Value => apply1("Transpose", [x], { perm });
/** Broadcasts to a shape. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply1("Expand", [x], { shape });
/** The inputs one after another along an axis. */
export const concat = (inputs: readonly Value[], axis: number): Value =>
  inputs.length === 1 ? (inputs[0] as Value) : apply1("Concat", inputs, { axis });
/** Pieces of the given sizes along an axis. */
export const split = (x: Value, sizes: readonly number[], axis: number): Value[] =>
  sizes.length === 1 ? [x] : [...apply("Split", [x], { axis, sizes })];
/** Slices along an axis, by a vector of int64 indices. */
export const gather = (x: Value, indices: Value, axis: number): Value => apply1("Gather", [x, indices], { axis });
/** Of x [batch, n] the token-major rows [count · batch] of each image's `count` largest, in ascending order of their places. */
export const topRows = (x: Value, count: number): Value => apply1("TopRows", [x], { count });

/** The builders as one object, handed to derivative rules. */
export const builders: Builders = {
  add,
  sub,
  mul,
  div,
  neg,
  exp,
  log,
  sqrt,
  reciprocal,
  erf,
  gelu,
  relu,
  sigmoid,
  equal,
  cast,
  matMul,
  gemm,
  quantizedMatMul,
  quantizedWeightGradient,
  conv,
  convTranspose,
  convWeightGradient,
  maxPool,
  softmax,
  logSoftmax,
  layerNormalization,
  batchNormalization,
  reduceSum,
  reduceMean,
  reshape,
  transpose,
  expand,
  concat,
  split,
  gather,
  constant,
  scalar,
  zeros,
};
