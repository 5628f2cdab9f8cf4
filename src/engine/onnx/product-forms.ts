import { onnxNumber } from "../graph/dtypes.ts";
import type { ProductByWeight } from "../graph/products.ts";
import type { Node, Value } from "../graph/types.ts";
import { type Emitter, emitted } from "./emitter.ts";
import { tensorProto } from "./tensor-proto.ts";
import { int4Block, int4Weight, int8Weight } from "./weight-rounding.ts";

/** What a tensor that is rounded to 256 levels of one step has for them: `x ≈ (level − zero) · step`, levels from 0 to 255. */
export interface Levels {
  step: number;
  zero: number;
}

/**
 * How the product of a linear layer is written for other programs.
 *
 * - 8 bits: weights in int8 with a scale for each output; what is multiplied by them is rounded to the given levels, or where
 *   there are none, to levels between its own smallest and largest value each time.
 * - 4 bits: weights with a scale for each block of an output's. There must be one, as {@link int4Block} says.
 */
export type ProductForm = { bits: 8; levels?: Levels } | { bits: 4 };

/** ONNX's number of 4-bit integers. */
const INT4 = 22;

/**
 * Writes `x · wᵀ + bias` in a form, in operators of the standard. Programs make one operation of each form's nodes: ONNX
 * Runtime DynamicQuantizeMatMul, MatMulIntegerToFloat and MatMulNBits.
 *
 * @param weight the values of w [out, in].
 */
export function writeProduct(
  e: Emitter,
  { inputs, outputs }: Node,
  { key }: ProductByWeight,
  { form, weight }: { form: ProductForm; weight: Float32Array },
): void {
  const [x, w, bias] = inputs as [Value, Value, Value | undefined];
  const product: Product = {
    e,
    x: e.name(x),
    key,
    shape: w.shape as readonly [number, number],
    weight,
    bias: bias && e.name(bias),
    output: e.name(outputs[0] as Value),
  };
  if (form.bits === 4) writeInt4(product);
  else if (form.levels) writeWithLevels(product, form.levels);
  else writeDynamic(product);
}

interface Product {
  e: Emitter;
  x: string;
  key: string;
  /** [out, in] */
  shape: readonly [number, number];
  weight: Float32Array;
  bias: string | undefined;
  output: string;
}

function writeDynamic(product: Product): void {
  const { e, x } = product;
  const { levels: w, scales } = int8Tensors(product);
  const [levels, step, zero] = [e.fresh(), e.fresh(), e.fresh()];
  e.emit("DynamicQuantizeLinear", [x], [levels, step, zero]);
  const sums = emitted(e, "Cast", [emitted(e, "MatMulInteger", [levels, w, zero])], {
    to: { int: onnxNumber("float32") },
  });
  const scale = emitted(e, "Mul", [step, scales]);
  withBias(product, "Add", (result) => emitted(e, "Mul", [sums, scale], {}, result));
}

/** The form that programs for other processors know: what is rounded, and what its levels mean, beside a usual product. */
function writeWithLevels(product: Product, { step, zero }: Levels): void {
  const { e, x, key, shape } = product;
  const { levels: w, scales } = int8Tensors(product);
  const of = [
    e.initializer(tensorProto(`${key}/step`, [step], "float32", [])),
    e.initializer(tensorProto(`${key}/zero`, [zero], "uint8", [])),
  ];
  const read = emitted(e, "DequantizeLinear", [emitted(e, "QuantizeLinear", [x, ...of]), ...of]);
  const zeros = e.initializer(tensorProto(`zeros/${shape[0]}`, new Int8Array(shape[0]), "int8", [shape[0]]));
  const multiplied = emitted(e, "DequantizeLinear", [w, scales, zeros], { axis: { int: 1 } });
  // ONNX Runtime joins a product and an addition to a Gemm before it looks for levels, of which it has none with these.
  withBias(product, "Sub", (result) => emitted(e, "MatMul", [read, multiplied], {}, result));
}

function writeInt4(product: Product): void {
  const { e, x, key, shape, weight } = product;
  const [rows, columns] = shape;
  const block = int4Block(columns) as number;
  const { bytes, scales } = int4Weight(weight, shape, block);
  const w = e.initializer({ name: `${key}/int4`, dataType: INT4, dims: [columns, rows], rawData: bytes });
  const read = [w, e.initializer(tensorProto(`${key}/scales`, scales, "float32", [columns / block, rows]))];
  const attributes = { axis: { int: 0 }, block_size: { int: block } };
  const multiplied = emitted(e, "DequantizeLinear", read, attributes);
  withBias(product, "Add", (result) => emitted(e, "MatMul", [x, multiplied], {}, result));
}

function int8Tensors({ e, key, shape, weight }: Product): { levels: string; scales: string } {
  const [rows, columns] = shape;
  const { levels, scales } = int8Weight(weight, shape);
  return {
    levels: e.initializer(tensorProto(`${key}/int8`, levels, "int8", [columns, rows])),
    scales: e.initializer(tensorProto(`${key}/scales`, scales, "float32", [rows])),
  };
}

/** @param write writes the product under a name, and gives it. */
function withBias({ e, bias, output }: Product, how: "Add" | "Sub", write: (result: string) => string): void {
  if (bias === undefined) write(output);
  else emitted(e, how, [write(e.fresh()), how === "Sub" ? emitted(e, "Neg", [bias]) : bias], {}, output);
}
