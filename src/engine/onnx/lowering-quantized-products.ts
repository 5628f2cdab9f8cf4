import { onnxNumber } from "../graph/dtypes.ts";
import { columnHalf, dither, zeroOfColumns } from "../graph/ops/quantized-weight-gradient.ts";
import { smallestOfSymmetric, symmetricHalf, zeroOfSymmetric } from "../graph/ops/symmetric-levels.ts";
import type { Node, Value } from "../graph/types.ts";
import { contribDomain, type Emitter, emitted } from "./emitter.ts";

/** Names of what DynamicQuantizeLinear makes of a value. */
interface Quantized {
  levels: string;
  step: string;
  zero: string;
}

const quantized = (value: Value, e: Emitter): Quantized =>
  e.once("quantized", value, () => {
    const made = { levels: e.fresh(), step: e.fresh(), zero: e.fresh() };
    e.emit("DynamicQuantizeLinear", [e.name(value)], [made.levels, made.step, made.zero]);
    return made;
  });

/** x in levels of the whole or, by rows, of each row, whose step the product is then multiplied by. */
export function lowerQuantizedMatMul({ inputs, outputs, attributes }: Node<"QuantizedMatMul">, e: Emitter): void {
  const [x] = inputs as [Value];
  const [name, w, scale, bias] = inputs.map(e.name) as [string, string, string, string | undefined];
  const product = (operands: readonly string[], result: readonly string[]) =>
    e.emit("MatMulIntegerToFloat", operands, result, {}, contribDomain);
  const result = outputs.map(e.name);
  if (!attributes.byRows) {
    const { levels, step, zero } = quantized(x, e);
    // Without a name in its place: the zero point of w, which is 0.
    product([levels, w, step, scale, zero, ...(bias === undefined ? [] : ["", bias])], result);
    return;
  }
  const [rows] = x.shape as [number];
  const steps = emitted(e, "Div", [largestMagnitudes(name, 1, e), e.float(symmetricHalf)]);
  const zero = e.uint8(zeroOfSymmetric);
  const ofEachRow = [emitted(e, "Reshape", [steps, e.reshape([rows])]), emitted(e, "Expand", [zero, e.int64([rows])])];
  const levels = emitted(e, "QuantizeLinear", [name, ...ofEachRow], { axis: { int: 0 } });
  const inSteps = e.fresh();
  product([levels, w, e.float(1), scale, zero], [inSteps]);
  e.emit("Mul", [inSteps, steps], result);
}

/**
 * dy in levels of its columns, with its rows shifted before, transposed; x in the levels that the product forward has; their
 * product, each row of which is multiplied by the step of its column of dy. Of uint8 and int8, whose kernels are the fast ones.
 */
export function lowerQuantizedWeightGradient({ inputs, outputs }: Node<"QuantizedWeightGradient">, e: Emitter): void {
  const [dy, x] = inputs as [Value, Value];
  const [rows, columns] = dy.shape as [number, number];
  const factors = emitted(e, "Div", [e.float(columnHalf), largestOfColumns(dy, e)]);
  const inSteps = emitted(e, "Mul", [e.name(dy), factors]);
  const shifted = emitted(e, "Add", [inSteps, e.floats([...dither(rows)], [rows, 1])]);
  const zero = e.uint8(zeroOfColumns);
  const levels = emitted(e, "QuantizeLinear", [shifted, e.float(1), zero]);
  const transposed = emitted(e, "Transpose", [levels], { perm: { ints: [1, 0] } });
  const ofX = quantized(x, e);
  const product = e.fresh();
  const operands = [transposed, signed(ofX.levels, e), e.float(1), ofX.step, zero, signed(ofX.zero, e)];
  e.emit("MatMulIntegerToFloat", operands, [product], {}, contribDomain);
  const steps = emitted(e, "Reshape", [emitted(e, "Reciprocal", [factors]), e.reshape([columns, 1])]);
  e.emit("Mul", [product, steps], outputs.map(e.name));
}

/** Levels from 0 to 255 as int8, 128 lower: with the upper bit turned, the same bits are just that. */
function signed(levels: string, e: Emitter): string {
  const turned = emitted(e, "BitwiseXor", [levels, e.uint8(128)]);
  return emitted(e, "Cast", [turned], { to: { int: onnxNumber("int8") } });
}

/**
 * The largest magnitude of each column of a matrix [M, N], as [1, N]. In two passes, of which the first one reads blocks of rows
 * that a core's cache holds: one pass takes four times as long in ONNX Runtime.
 */
function largestOfColumns(value: Value, e: Emitter): string {
  const [rows, columns] = value.shape as [number, number];
  const block = [40, 32, 25, 20, 16, 10, 8].find((size) => rows % size === 0);
  if (block === undefined) return largestMagnitudes(e.name(value), 0, e);
  const blocks = emitted(e, "Reshape", [e.name(value), e.reshape([rows / block, block, columns])]);
  const ofBlocks = emitted(e, "Reshape", [largestMagnitudes(blocks, 1, e), e.reshape([rows / block, columns])]);
  return emitted(e, "ReduceMax", [ofBlocks, e.int64([0])], { keepdims: { int: 1 } });
}

/** The largest magnitude along an axis, which stays with extent 1. Not of the magnitudes: those would be written once more. */
function largestMagnitudes(values: string, axis: number, e: Emitter): string {
  const along = (opType: string) => emitted(e, opType, [values, e.int64([axis])], { keepdims: { int: 1 } });
  const below = emitted(e, "Neg", [along("ReduceMin")]);
  return emitted(e, "Max", [along("ReduceMax"), below, e.float(smallestOfSymmetric)]);
}
