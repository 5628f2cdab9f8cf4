import { dither, levelsOfColumns, smallestOfColumns, zeroOfColumns } from "../graph/ops/quantized-weight-gradient.ts";
import type { Node, Value } from "../graph/types.ts";
import { contribDomain, type Emitter, emitted } from "./emitter.ts";

/**
 * dy in levels of its columns, with its rows shifted before, transposed; x in the levels that the product forward has; their
 * product, each row of which is multiplied by the step of its column of dy.
 */
export function lowerQuantizedWeightGradient({ inputs, outputs }: Node<"QuantizedWeightGradient">, e: Emitter): void {
  const [dy, x] = inputs as [Value, Value];
  const [rows, columns] = dy.shape as [number, number];
  const ofColumns = (opType: string) => emitted(e, opType, [e.name(dy), e.int64([0])], { keepdims: { int: 1 } });
  const below = emitted(e, "Neg", [ofColumns("ReduceMin")]);
  // Not their magnitudes first: that would write all of dy once more.
  const largest = emitted(e, "Max", [ofColumns("ReduceMax"), below, e.float(smallestOfColumns)]);
  const factors = emitted(e, "Div", [e.float(levelsOfColumns), largest]);
  const inSteps = emitted(e, "Mul", [e.name(dy), factors]);
  const shifted = emitted(e, "Add", [inSteps, e.floats([...dither(rows)], [rows, 1])]);
  const zero = e.uint8(zeroOfColumns);
  const levels = emitted(e, "QuantizeLinear", [shifted, e.float(1), zero]);
  const transposed = emitted(e, "Transpose", [levels], { perm: { ints: [1, 0] } });
  const ofX = e.quantized(x);
  const product = e.fresh();
  const operands = [transposed, ofX.levels, e.float(1), ofX.step, zero, ofX.zero];
  e.emit("MatMulIntegerToFloat", operands, [product], {}, contribDomain);
  const steps = emitted(e, "Reshape", [emitted(e, "Reciprocal", [factors]), e.reshape([columns, 1])]);
  e.emit("Mul", [product, steps], outputs.map(e.name));
}
