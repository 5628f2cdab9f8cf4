import type { Node, Value } from "../graph/types.ts";
import { type Emitter, emitted, flag, type NodeAttributes } from "./emitter.ts";

/** How many columns of a result ONNX Runtime's products on a processor make at a time. */
const panelColumns = 128;

const transposition: NodeAttributes = { perm: { ints: [1, 0] } };

/**
 * A Gemm under its own name; on a processor without its transposed first operand, as the derivative by a weight, dyᵀ · x,
 * has it. ONNX Runtime transposes that one anew for each panel of the result's columns: once by an operator of its own takes
 * less. Of dy and x the narrower is transposed: where that is x, the product is xᵀ · dy, which is smaller than dy, and is
 * transposed too (decision 0024).
 */
export function lowerGemm(node: Node<"Gemm">, e: Emitter): void {
  const { transA, transB, alpha } = node.attributes;
  const [a, b, bias] = node.inputs as [Value, Value, Value | undefined];
  const [rows, columns] = (node.outputs[0] as Value).shape as [number, number];
  const outputs = node.outputs.map(e.name);
  const scale: NodeAttributes = { alpha: { float: alpha } };
  const pays = e.provider === "cpu" && Math.min(rows, columns) > panelColumns;
  if (!transA || transB || bias || !pays) {
    e.emit("Gemm", node.inputs.map(e.name), outputs, { transA: flag(transA), transB: flag(transB), ...scale });
  } else if (rows <= columns) {
    e.emit("Gemm", [transposed(a, e), e.name(b)], outputs, scale);
  } else {
    e.emit("Transpose", [emitted(e, "Gemm", [transposed(b, e), e.name(a)], scale)], outputs, transposition);
  }
}

const transposed = (value: Value, e: Emitter): string =>
  e.once("transposed", value, () => emitted(e, "Transpose", [e.name(value)], transposition));
