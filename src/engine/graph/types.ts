import type { DType } from "./dtypes.ts";

/** Extents, the slowest axis first. */
export type Shape = readonly number[];

/** What is known of a value before anything runs. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A host array for float64 reference evaluation: row-major, integers and booleans held as numbers. */
export interface NdArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** The attributes of every operator, by ONNX operator name. This table is what makes the operator map exhaustive. */
export interface OpAttributes {
  // graph leaves
  Input: { name: string };
  Constant: { data: Float64Array; dtype: DType; shape: Shape };
  // elementwise, with NumPy broadcasting for those of two operands
  Add: NoAttributes;
  Sub: NoAttributes;
  Mul: NoAttributes;
  Div: NoAttributes;
  Neg: NoAttributes;
  Exp: NoAttributes;
  Log: NoAttributes;
  Sqrt: NoAttributes;
  Reciprocal: NoAttributes;
  Erf: NoAttributes;
  /** `recomputed` marks a second computation for the backward pass (autodiff/recomputation.ts). */
  Gelu: { recomputed: boolean };
  Relu: NoAttributes;
  Sigmoid: NoAttributes;
  Equal: NoAttributes;
  Cast: { to: DType };
  // products
  MatMul: MatMulAttributes;
  /** `y = alpha · op(a) · op(b) + bias` of matrices; the bias, where there is one, broadcasts over rows. */
  Gemm: { transA: boolean; transB: boolean; alpha: number };
  /** No operator of ONNX: Gemm of float16, whose first operand is brought to a largest magnitude of 1 where it is `scaled`. */
  HalfGemm: { transA: boolean; transB: boolean; scaled: boolean };
  /** No operator of ONNX: the first operand in 8 bits, of one step or a step for each row, and MatMulIntegerToFloat with the second. */
  QuantizedMatMul: { byRows: boolean };
  /** No operator of ONNX: what a product gives back to its weight, of operands that are both rounded to 8 bits. */
  QuantizedWeightGradient: NoAttributes;
  // windows over images [N, C, H, W]
  Conv: WindowAttributes;
  ConvTranspose: ConvTransposeAttributes;
  /** No operator of ONNX: the derivative of a Conv by its weight, of which each provider has its own best form. */
  ConvWeightGradient: KernelAttributes;
  MaxPool: KernelAttributes;
  // normalisation along the last axis or a given axis
  Softmax: { axis: number };
  LogSoftmax: { axis: number };
  LayerNormalization: { epsilon: number };
  /** The training form: by the batch's own statistics, per channel. */
  BatchNormalization: { epsilon: number };
  // reductions
  ReduceSum: ReduceAttributes;
  ReduceMean: ReduceAttributes;
  // layout
  Reshape: { shape: Shape };
  Transpose: { perm: readonly number[] };
  Expand: { shape: Shape };
  Concat: { axis: number };
  Split: { axis: number; sizes: readonly number[] };
  Gather: { axis: number };
  /** No operator of ONNX: TopK for each image, and the rows that its places are in token-major order. */
  TopRows: { count: number };
}

export type NoAttributes = Record<never, never>;

/**
 * `y = alpha · op(a) · op(b)` over broadcast batch dimensions. `transA`/`transB` swap the last two axes.
 * `transBatchA`/`transBatchB` move the first axis of an operand behind its batch axes before that:
 * `[rows, …batch, columns]` is read as `[…batch, rows, columns]`, so token-major activations need no Transpose.
 */
export interface MatMulAttributes {
  transA: boolean;
  transB: boolean;
  transBatchA: boolean;
  transBatchB: boolean;
  alpha: number;
}

/** A number for the height and one for the width. */
export type Pair = readonly [height: number, width: number];

/** How a window goes over an image, in pixels. */
export interface WindowAttributes {
  strides: Pair;
  /** What is added around the image before. */
  pads: readonly [top: number, left: number, bottom: number, right: number];
  dilations: Pair;
}

export interface KernelAttributes extends WindowAttributes {
  /** The window's extent, dilation not counted. */
  kernel: Pair;
}

export interface ConvTransposeAttributes extends WindowAttributes {
  /** Rows and columns more at the bottom and at the right, fewer than the stride. */
  outputPadding: Pair;
}

export interface ReduceAttributes {
  axes: readonly number[];
  keepdims: boolean;
}

export type OpName = keyof OpAttributes;

/** One application of an operator. Nodes are immutable and form a directed acyclic graph through their inputs. */
export interface Node<Op extends OpName = OpName> {
  /** Creation order; a node's inputs always have smaller ids. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[Op];
  readonly outputs: readonly Value[];
}

/** One output of a node. */
export interface Value extends TensorType {
  readonly node: Node;
  readonly index: number;
}

/** What a derivative rule is given. */
export interface VjpContext<Op extends OpName> {
  readonly attributes: OpAttributes[Op];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** The loss's derivative with respect to each output; `undefined` where the loss does not depend on it. */
  readonly cotangents: readonly (Value | undefined)[];
  /** Which inputs need a derivative: a rule may leave out the others. */
  readonly needed: readonly boolean[];
  /** Builders for the derivative's nodes. */
  readonly b: Builders;
}

/** Everything the engine knows of one operator, in one file each. */
export interface OpDefinition<Op extends OpName> {
  /** The output types; throws a Shape error when the inputs do not fit. */
  infer(inputs: readonly TensorType[], attributes: OpAttributes[Op]): TensorType[];
  /** The vector-Jacobian product: a derivative per input, `undefined` for inputs that have none. */
  vjp(context: VjpContext<Op>): (Value | undefined)[];
  /** The operator in float64, written for clarity; the measure of every other execution. */
  reference(inputs: readonly NdArray[], attributes: OpAttributes[Op]): NdArray[];
}

/** The builder functions that derivative rules use (`builders.ts` implements them). */
export interface Builders {
  add(a: Value, b: Value): Value;
  sub(a: Value, b: Value): Value;
  mul(a: Value, b: Value): Value;
  div(a: Value, b: Value): Value;
  neg(x: Value): Value;
  exp(x: Value): Value;
  log(x: Value): Value;
  sqrt(x: Value): Value;
  reciprocal(x: Value): Value;
  erf(x: Value): Value;
  gelu(x: Value): Value;
  relu(x: Value): Value;
  sigmoid(x: Value): Value;
  equal(a: Value, b: Value): Value;
  cast(x: Value, to: DType): Value;
  matMul(a: Value, b: Value, options?: Partial<MatMulAttributes>): Value;
  gemm(a: Value, b: Value, bias?: Value, options?: Partial<OpAttributes["Gemm"]>): Value;
  quantizedMatMul(x: Value, w: Value, scale: Value, bias?: Value, options?: { byRows?: boolean }): Value;
  quantizedWeightGradient(dy: Value, x: Value): Value;
  conv(x: Value, weight: Value, bias?: Value, options?: Partial<WindowAttributes>): Value;
  convTranspose(x: Value, weight: Value, bias?: Value, options?: Partial<ConvTransposeAttributes>): Value;
  convWeightGradient(x: Value, dy: Value, kernel: Pair, options?: Partial<WindowAttributes>): Value;
  maxPool(x: Value, kernel: Pair, options?: Partial<WindowAttributes>): Value;
  softmax(x: Value, axis?: number): Value;
  logSoftmax(x: Value, axis?: number): Value;
  layerNormalization(x: Value, scale: Value, bias: Value, epsilon: number): [Value, Value, Value];
  batchNormalization(x: Value, scale: Value, bias: Value, epsilon: number): [Value, Value, Value];
  reduceSum(x: Value, axes: readonly number[], keepdims?: boolean): Value;
  reduceMean(x: Value, axes: readonly number[], keepdims?: boolean): Value;
  reshape(x: Value, shape: Shape): Value;
  transpose(x: Value, perm: readonly number[]): Value;
  expand(x: Value, shape: Shape): Value;
  concat(inputs: readonly Value[], axis: number): Value;
  split(x: Value, sizes: readonly number[], axis: number): Value[];
  gather(x: Value, indices: Value, axis: number): Value;
  constant(data: ArrayLike<number>, shape: Shape, dtype?: DType): Value;
  scalar(value: number): Value;
  zeros(shape: Shape): Value;
}
