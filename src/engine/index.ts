/**
 * The training engine without its platform: what `msmae/engine` gives in Node (node.ts) and in a page (web.ts) alike.
 * Graphs are built of ONNX's operators, differentiated, checked in float64 and run by ONNX Runtime; AdamW or LARS
 * steps in shared memory. docs/engine.md walks through an example.
 */
export { type ErrorCode, type ErrorParts, MsmaeError } from "../support/errors.ts";
export { gradients } from "./autodiff/gradients.ts";
export {
  add,
  batchNormalization,
  cast,
  concat,
  constant,
  conv,
  convTranspose,
  div,
  equal,
  erf,
  exp,
  expand,
  gather,
  gelu,
  gemm,
  input,
  layerNormalization,
  log,
  logSoftmax,
  matMul,
  maxPool,
  mul,
  neg,
  quantizedMatMul,
  quantizedWeightGradient,
  reciprocal,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scalar,
  sigmoid,
  softmax,
  split,
  sqrt,
  sub,
  transpose,
  zeros,
} from "./graph/builders.ts";
export { type DType, type TensorData, type TensorDataOf, toDtype } from "./graph/dtypes.ts";
export { type Graph, graph } from "./graph/graph.ts";
export { interpret } from "./graph/interpreter.ts";
export { inHalf } from "./graph/passes/in-half.ts";
export { inInt8 } from "./graph/passes/in-int8.ts";
export { optimize } from "./graph/passes/index.ts";
export { printGraph } from "./graph/print.ts";
export type { NdArray, Pair, Shape, TensorType, Value, WindowAttributes } from "./graph/types.ts";
export {
  type BatchNormOptions,
  batchNorm,
  batchNormSpecs,
  type ConvShape,
  conv2d,
  conv2dSpecs,
} from "./layers/convolution.ts";
export { type ResizeMode, resize2d } from "./layers/resize.ts";
export type { Provider } from "./onnx/operators.ts";
export { AdamW, type AdamWOptions, type AdamWStep } from "./optim/adamw.ts";
export { Lars, type LarsOptions } from "./optim/lars.ts";
export { type ParameterGroup, parameterGroups } from "./optim/parameter-groups.ts";
export { lrAt, lrFromBase, type WarmupCosine } from "./optim/schedule.ts";
export { startEma, withEma } from "./parameters/ema.ts";
export { initialStore } from "./parameters/initial-store.ts";
export { ParameterStore, type StoreOptions, type TensorRole } from "./parameters/parameter-store.ts";
export {
  type Initializer,
  initialize,
  layerNormSpecs,
  linearSpecs,
  type ModelInputs,
  type ParameterSpec,
  type Parameters,
  parameterInputs,
} from "./parameters/specs.ts";
export { gradientOutputs, type Remembering, trainingOutputs } from "./parameters/training-outputs.ts";
export { type CompiledGraph, compile, type Feeds, floatsOf, type Outputs, Program } from "./runtime/program.ts";
export type { Backend } from "./runtime/session.ts";
export type { SpawnThread } from "./runtime/threads.ts";
export type { TrainResult, Update } from "./thread/core.ts";
export type { AdamWRule, Engine, EngineOptions, LarsRule, OptimizerOptions, OptimizerRule } from "./thread/engine.ts";
