import { dither } from "../graph/ops/quantized-weight-gradient.ts";
import { smallestOfSymmetric, symmetricHalf, zeroOfSymmetric } from "../graph/ops/symmetric-levels.ts";
import type { Node, Value } from "../graph/types.ts";
import { contribDomain, type Emitter, emitted } from "./emitter.ts";

/** x in levels of the whole or, by rows, of each row, whose step the product is then multiplied by. */
export function lowerQuantizedMatMul({ inputs, outputs, attributes }: Node<"QuantizedMatMul">, e: Emitter): void {
  const [x] = inputs as [Value];
  const [name, w, scale, bias] = inputs.map(e.name) as [string, string, string, string | undefined];
  const product = (operands: readonly string[], result: readonly string[]) =>
    e.emit("MatMulIntegerToFloat", operands, result, {}, contribDomain);
  const result = outputs.map(e.name);
  if (!attributes.byRows) {
    const { levels, step, zero } = e.quantized(x);
    // Without a name in its place: the zero point of w, which is 0.
    product([levels, w, step, scale, zero, ...(bias === undefined ? [] : ["", bias])], result);
    return;
  }
  const [rows] = x.shape as [number];
  const steps = emitted(e, "Div", [largestMagnitudes(x, 1, e), e.float(symmetricHalf)]);
  const zero = e.uint8(zeroOfSymmetric);
  const ofEachRow = [emitted(e, "Reshape", [steps, e.reshape([rows])]), emitted(e, "Expand", [zero, e.int64([rows])])];
  const levels = emitted(e, "QuantizeLinear", [name, ...ofEachRow], { axis: { int: 0 } });
  const inSteps = e.fresh();
  product([levels, w, e.float(1), scale, zero], [inSteps]);
  e.emit("Mul", [inSteps, steps], result);
}

/**
 * dy in levels of its columns, with its rows shifted before, transposed; x in the levels that the product forward has; their
 * product, each row of which is multiplied by the step of its column of dy.
 */
export function lowerQuantizedWeightGradient({ inputs, outputs }: Node<"QuantizedWeightGradient">, e: Emitter): void {
  const [dy, x] = inputs as [Value, Value];
  const [rows, columns] = dy.shape as [number, number];
  const factors = emitted(e, "Div", [e.float(symmetricHalf), largestMagnitudes(dy, 0, e)]);
  const inSteps = emitted(e, "Mul", [e.name(dy), factors]);
  const shifted = emitted(e, "Add", [inSteps, e.floats([...dither(rows)], [rows, 1])]);
  const zero = e.uint8(zeroOfSymmetric);
  const levels = emitted(e, "QuantizeLinear", [shifted, e.float(1), zero]);
  const transposed = emitted(e, "Transpose", [levels], { perm: { ints: [1, 0] } });
  const ofX = e.quantized(x);
  const product = e.fresh();
  const operands = [transposed, ofX.levels, e.float(1), ofX.step, zero, ofX.zero];
  e.emit("MatMulIntegerToFloat", operands, [product], {}, contribDomain);
  const steps = emitted(e, "Reshape", [emitted(e, "Reciprocal", [factors]), e.reshape([columns, 1])]);
  e.emit("Mul", [product, steps], outputs.map(e.name));
}

/** The largest magnitude along an axis, which stays with extent 1. Not of the magnitudes: those would be written once more. */
function largestMagnitudes(value: Value, axis: number, e: Emitter): string {
  const along = (opType: string) => emitted(e, opType, [e.name(value), e.int64([axis])], { keepdims: { int: 1 } });
  const below = emitted(e, "Neg", [along("ReduceMin")]);
  return emitted(e, "Max", [along("ReduceMax"), below, e.float(smallestOfSymmetric)]);
}
