import type { onnx } from "../../engine/onnx/generated/onnx.js";
import type { SafetensorsDtype } from "../safetensors.ts";

/** By the numbers of onnx.TensorProto.DataType. */
const DTYPES: ReadonlyMap<number, SafetensorsDtype> = new Map([
  [1, "F32"],
  [2, "U8"],
  [3, "I8"],
  [5, "I16"],
  [6, "I32"],
  [7, "I64"],
  [9, "BOOL"],
  [10, "F16"],
  [11, "F64"],
  [16, "BF16"],
]);

/** Undefined for a type that is not read. */
export function onnxDtype(dataType: number): SafetensorsDtype | undefined {
  return DTYPES.get(dataType);
}

/** A tensor's values as bytes, in memory of their own: raw data, or those of the list that its type is kept in. */
export function elementsIn(proto: onnx.TensorProto, dtype: SafetensorsDtype): Uint8Array<ArrayBuffer> {
  if (proto.rawData.length > 0) return Uint8Array.from(proto.rawData);
  return new Uint8Array(listOf(proto, dtype).buffer);
}

/** Halves stand in the list of int32 as their 16 bits. */
function listOf({ floatData, doubleData, int32Data, int64Data }: onnx.TensorProto, dtype: SafetensorsDtype) {
  switch (dtype) {
    case "F32":
      return Float32Array.from(floatData);
    case "F64":
      return Float64Array.from(doubleData);
    case "I64":
      return BigInt64Array.from(int64Data, (value) => BigInt(value.toString()));
    case "I32":
      return Int32Array.from(int32Data);
    case "F16":
    case "BF16":
    case "I16":
      return Int16Array.from(int32Data);
    case "I8":
    case "U8":
    case "BOOL":
      return Int8Array.from(int32Data);
  }
}
