import type { OpDefinition, OpName } from "../types.ts";
import { add } from "./add.ts";
import { batchNormalization } from "./batch-normalization.ts";
import { cast } from "./cast.ts";
import { concat } from "./concat.ts";
import { constant } from "./constant.ts";
import { conv } from "./conv.ts";
import { convTranspose } from "./conv-transpose.ts";
import { convWeightGradient } from "./conv-weight-gradient.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { erf } from "./erf.ts";
import { exp } from "./exp.ts";
import { expand } from "./expand.ts";
import { gather } from "./gather.ts";
import { gelu } from "./gelu.ts";
import { gemm } from "./gemm.ts";
import { halfGemm } from "./half-gemm.ts";
import { input } from "./input.ts";
import { layerNormalization } from "./layer-normalization.ts";
import { log } from "./log.ts";
import { logSoftmax } from "./log-softmax.ts";
import { matMul } from "./mat-mul.ts";
import { maxPool } from "./max-pool.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { quantizedMatMul } from "./quantized-mat-mul.ts";
import { quantizedWeightGradient } from "./quantized-weight-gradient.ts";
import { reciprocal } from "./reciprocal.ts";
import { reduceMean } from "./reduce-mean.ts";
import { reduceSum } from "./reduce-sum.ts";
import { relu } from "./relu.ts";
import { reshape } from "./reshape.ts";
import { sigmoid } from "./sigmoid.ts";
import { softmax } from "./softmax.ts";
import { split } from "./split.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";
import { topRows } from "./top-rows.ts";
import { transpose } from "./transpose.ts";

/** Every operator of the IR. The mapped type makes a missing rule a compile error. */
export const ops: { readonly [Op in OpName]: OpDefinition<Op> } = {
  Input: input,
  Constant: constant,
  Add: add,
  Sub: sub,
  Mul: mul,
  Div: div,
  Neg: neg,
  Exp: exp,
  Log: log,
  Sqrt: sqrt,
  Reciprocal: reciprocal,
  Erf: erf,
  Gelu: gelu,
  Relu: relu,
  Sigmoid: sigmoid,
  Equal: equal,
  Cast: cast,
  MatMul: matMul,
  Gemm: gemm,
  HalfGemm: halfGemm,
  QuantizedMatMul: quantizedMatMul,
  QuantizedWeightGradient: quantizedWeightGradient,
  Conv: conv,
  ConvTranspose: convTranspose,
  ConvWeightGradient: convWeightGradient,
  MaxPool: maxPool,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  ReduceSum: reduceSum,
  ReduceMean: reduceMean,
  Reshape: reshape,
  Transpose: transpose,
  Expand: expand,
  Concat: concat,
  Split: split,
  Gather: gather,
  TopRows: topRows,
};
