import { type DType, onnxNumber } from "../graph/dtypes.ts";
import type { Node, OpAttributes, OpName, Value } from "../graph/types.ts";
import { contribDomain, type Emitter, emitted, flag, type NodeAttributes } from "./emitter.ts";
import { lowerBatchNormalization } from "./lowering-batch-normalization.ts";
import { lowerGemm } from "./lowering-gemm.ts";
import { lowerHalfGemm } from "./lowering-half-products.ts";
import { lowerQuantizedMatMul, lowerQuantizedWeightGradient } from "./lowering-quantized-products.ts";
import { lowerReduceSum } from "./lowering-reduce-sum.ts";
import { lowerTopRows } from "./lowering-top-rows.ts";
import { lowerConvTranspose, lowerConvWeightGradient, windowAttributes } from "./lowering-windows.ts";
import type { Target } from "./operators.ts";

type Lowering<Op extends OpName> = (node: Node<Op>, e: Emitter) => void;

/** The dtype in which a provider holds a graph's dtype: WebGPU has no 64-bit integers, so that indices are int32 there. */
export function providerDtype(dtype: DType, provider: Target): DType {
  return provider === "webgpu" && dtype === "int64" ? "int32" : dtype;
}

/** Writes a node under its own ONNX name with the same operands. */
function plain<Op extends OpName>(opType: string, attributes?: (a: OpAttributes[Op]) => NodeAttributes): Lowering<Op> {
  return (node, e) => e.emit(opType, node.inputs.map(e.name), outputNames(node, e), attributes?.(node.attributes));
}

/** Output names with unused trailing outputs left out. */
function outputNames(node: Node<OpName>, e: Emitter): string[] {
  const names = node.outputs.map((output) => (e.isUsed(output) ? e.name(output) : ""));
  while (names.length > 1 && names[names.length - 1] === "") names.pop();
  return names;
}

function lowerReduceMean({ inputs, outputs, attributes }: Node<"ReduceMean">, e: Emitter): void {
  const x = e.name(inputs[0] as Value);
  const keepdims = flag(attributes.keepdims);
  // Its axes are an input from version 18 on only.
  if (e.opset < 18) e.emit("ReduceMean", [x], outputs.map(e.name), { axes: { ints: attributes.axes }, keepdims });
  else e.emit("ReduceMean", [x, e.int64(attributes.axes)], outputs.map(e.name), { keepdims });
}

/** How every operator is written as ONNX nodes. The mapped type makes a missing rule a compile error. */
export const lowerings: { readonly [Op in OpName]: Lowering<Op> } = {
  // Leaves become graph inputs and initializers, not nodes.
  Input: () => {},
  Constant: () => {},
  Add: plain("Add"),
  Sub: plain("Sub"),
  Mul: plain("Mul"),
  Div: plain("Div"),
  Neg: plain("Neg"),
  Exp: plain("Exp"),
  Log: plain("Log"),
  Sqrt: plain("Sqrt"),
  Reciprocal: plain("Reciprocal"),
  Erf: plain("Erf"),
  Gelu(node, e) {
    if (e.provider === "portable") {
      lowerGelu(node, e);
      return;
    }
    // The older operator of the same function: ONNX Runtime would join the copy with its original.
    const domain = node.attributes.recomputed && e.provider !== "webgpu" ? contribDomain : "";
    e.emit("Gelu", node.inputs.map(e.name), node.outputs.map(e.name), {}, domain);
  },
  Relu: plain("Relu"),
  Sigmoid: plain("Sigmoid"),
  Equal: plain("Equal"),
  Cast: ({ inputs, outputs, attributes: { to } }, e) =>
    e.emit("Cast", inputs.map(e.name), outputs.map(e.name), { to: { int: onnxNumber(providerDtype(to, e.provider)) } }),
  MatMul: lowerMatMul,
  Gemm: lowerGemm,
  HalfGemm: lowerHalfGemm,
  QuantizedMatMul: lowerQuantizedMatMul,
  QuantizedWeightGradient: lowerQuantizedWeightGradient,
  Conv: plain("Conv", windowAttributes),
  ConvTranspose: lowerConvTranspose,
  ConvWeightGradient: lowerConvWeightGradient,
  MaxPool: plain("MaxPool", ({ kernel, ...window }) => ({
    kernel_shape: { ints: kernel },
    ...windowAttributes(window),
  })),
  Softmax: plain("Softmax", ({ axis }) => ({ axis: { int: axis } })),
  LogSoftmax(node, e) {
    if (e.provider !== "webgpu")
      return plain<"LogSoftmax">("LogSoftmax", ({ axis }) => ({ axis: { int: axis } }))(node, e);
    const emitted = (opType: string, inputs: string[], attributes?: NodeAttributes): string => {
      const result = e.fresh();
      e.emit(opType, inputs, [result], attributes);
      return result;
    };
    const axes = e.int64([node.attributes.axis]);
    const keepdims = { keepdims: { int: 1 } };
    const x = e.name(node.inputs[0] as Value);
    const shifted = emitted("Sub", [x, emitted("ReduceMax", [x, axes], keepdims)]);
    const total = emitted("ReduceSum", [emitted("Exp", [shifted]), axes], keepdims);
    e.emit("Sub", [shifted, emitted("Log", [total])], node.outputs.map(e.name));
  },
  LayerNormalization(node, e) {
    const { epsilon } = node.attributes;
    e.emit("LayerNormalization", node.inputs.map(e.name), outputNames(node, e), {
      axis: { int: -1 },
      epsilon: { float: epsilon },
    });
  },
  BatchNormalization: lowerBatchNormalization,
  ReduceSum: lowerReduceSum,
  ReduceMean: lowerReduceMean,
  Reshape: ({ inputs, outputs, attributes: { shape } }, e) =>
    e.emit("Reshape", [e.name(inputs[0] as Value), e.reshape(shape)], outputs.map(e.name)),
  Transpose: plain("Transpose", ({ perm }) => ({ perm: { ints: perm } })),
  Expand: ({ inputs, outputs, attributes: { shape } }, e) =>
    e.emit("Expand", [e.name(inputs[0] as Value), e.int64(shape)], outputs.map(e.name)),
  Concat: plain("Concat", ({ axis }) => ({ axis: { int: axis } })),
  Split: ({ inputs, outputs, attributes: { axis, sizes } }, e) =>
    e.emit("Split", [e.name(inputs[0] as Value), e.int64(sizes)], outputs.map(e.name), { axis: { int: axis } }),
  Gather: plain("Gather", ({ axis }) => ({ axis: { int: axis } })),
  TopRows: lowerTopRows,
};

/** x / 2 · (1 + erf(x / √2)), in the order in which programs recognise it and make one operation of it again. */
function lowerGelu({ inputs, outputs }: Node<"Gelu">, e: Emitter): void {
  const x = e.name(inputs[0] as Value);
  const erf = emitted(e, "Erf", [emitted(e, "Div", [x, e.float(Math.SQRT2)])]);
  const product = emitted(e, "Mul", [x, emitted(e, "Add", [erf, e.float(1)])]);
  e.emit("Mul", [product, e.float(0.5)], outputs.map(e.name));
}

/** A plain MatMul where nothing is transposed or scaled; else FusedMatMul, or Transpose and Mul where there is none. */
function lowerMatMul(node: Node<"MatMul">, e: Emitter): void {
  const { transA, transB, transBatchA, transBatchB, alpha } = node.attributes;
  const outputs = node.outputs.map(e.name);
  const rearranged = transA || transB || transBatchA || transBatchB;
  const fuses = e.provider !== "webgpu" && e.provider !== "portable";
  if (fuses && (rearranged || alpha !== 1)) {
    const attributes = {
      transA: flag(transA),
      transB: flag(transB),
      transBatchA: flag(transBatchA),
      transBatchB: flag(transBatchB),
      alpha: { float: alpha },
    };
    e.emit("FusedMatMul", node.inputs.map(e.name), outputs, attributes, contribDomain);
    return;
  }
  const operands = [
    arrange(node.inputs[0] as Value, transA, transBatchA, e),
    arrange(node.inputs[1] as Value, transB, transBatchB, e),
  ];
  const product = alpha === 1 ? outputs : [e.fresh()];
  e.emit("MatMul", operands, product);
  if (alpha !== 1) e.emit("Mul", [...product, e.float(alpha)], outputs);
}

/** The operand as `[…batch, rows, columns]`, by an explicit Transpose where its layout differs. */
function arrange(operand: Value, transpose: boolean, moved: boolean, { name, fresh, emit }: Emitter): string {
  const rank = operand.shape.length;
  const batch = Array.from({ length: rank - 2 }, (_, i) => (moved ? i + 1 : i));
  const rows = moved ? 0 : rank - 2;
  const perm = transpose ? [...batch, rank - 1, rows] : [...batch, rows, rank - 1];
  if (perm.every((axis, i) => axis === i)) return name(operand);
  const result = fresh();
  emit("Transpose", [name(operand)], [result], { perm: { ints: perm } });
  return result;
}
