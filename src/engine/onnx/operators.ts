import { MsmaeError } from "../../support/errors.ts";

/** Execution providers of ONNX Runtime that graphs are written for. */
export type Provider = "cpu" | "wasm" | "webgpu" | "cuda";

/** What operators are written for: a provider, or any program that reads ONNX. */
export type Target = Provider | "portable";

const everywhere = [
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Neg",
  "Exp",
  "Log",
  "Sqrt",
  "Reciprocal",
  "Erf",
  "Gelu",
  "Relu",
  "Sigmoid",
  "Equal",
  "Cast",
  "MatMul",
  "Gemm",
  "Conv",
  "ConvTranspose",
  "MaxPool",
  "Softmax",
  "ReduceSum",
  "ReduceMean",
  "Reshape",
  "Transpose",
  "Expand",
  "Concat",
  "Split",
  "Gather",
  "Slice",
  "Pad",
  "Identity",
] as const;

const ofProcessors = [
  "LogSoftmax",
  "LayerNormalization",
  "BatchNormalization",
  "BitwiseXor",
  "DynamicQuantizeLinear",
  "QuantizeLinear",
  "Max",
  "ReduceMax",
  "ReduceMin",
  "Range",
  "TopK",
  "com.microsoft:FusedMatMul",
  "com.microsoft:Gelu",
  "com.microsoft:MatMulIntegerToFloat",
] as const;

/**
 * Which ONNX operators (domain:name for those outside the standard) each provider runs with the dtypes that we use.
 * WebGPU has neither FusedMatMul nor LogSoftmax: the lowering writes both in other operators there.
 */
const operatorsOf: Readonly<Record<Target, ReadonlySet<string>>> = {
  cpu: new Set([...everywhere, ...ofProcessors]),
  wasm: new Set([...everywhere, ...ofProcessors]),
  webgpu: new Set([...everywhere, "LayerNormalization", "ReduceMax"]),
  cuda: new Set([
    ...everywhere,
    ...["LogSoftmax", "LayerNormalization", "ReduceMax", "com.microsoft:FusedMatMul", "com.microsoft:Gelu"],
  ]),
  // Of the standard alone, as its version 17 has them, where there is no Gelu yet.
  portable: new Set([
    ...everywhere.filter((operator) => operator !== "Gelu"),
    ...["LogSoftmax", "LayerNormalization"],
    ...["Abs", "Floor", "Greater", "Max", "Range", "Shape", "TopK", "Where"],
    ...["DynamicQuantizeLinear", "MatMulInteger", "QuantizeLinear", "DequantizeLinear"],
  ]),
};

/** Refuses operators that a provider lacks, all by name. @throws MsmaeError UnsupportedOp */
export function checkOperators(where: string, used: Iterable<string>, target: Target): void {
  const lacking = [...new Set(used)].filter((operator) => !operatorsOf[target].has(operator));
  if (lacking.length === 0) return;
  throw new MsmaeError("UnsupportedOp", {
    where,
    expected: target === "portable" ? "operators of the ONNX standard" : `operators that ${target} runs`,
    got: lacking.join(", "),
    todo: "choose another device, or add a lowering for them in src/engine/onnx/lowering.ts",
  });
}
