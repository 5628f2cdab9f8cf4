import { type DType, onnxNumber, toDtype } from "../graph/dtypes.ts";
import type { Shape } from "../graph/types.ts";
import type { onnx } from "./generated/onnx.js";

/** A tensor that stands in the model. */
export function tensorProto(
  name: string,
  data: ArrayLike<number>,
  dtype: DType,
  dims: Shape,
): onnx.ITensorProto & { name: string } {
  // Typed arrays are little-endian on every platform that Node and browsers run on, as raw_data must be.
  const rawData = new Uint8Array(toDtype(dtype, data).buffer);
  return { name, dataType: onnxNumber(dtype), dims: [...dims], rawData };
}
