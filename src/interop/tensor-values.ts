import { MsmaeError } from "../support/errors.ts";
import { halfValue } from "../support/half.ts";
import type { StoredTensor } from "./safetensors.ts";

/** The values in float32; a view where the tensor is float32 and aligned, a copy otherwise. */
export function toFloat32(tensor: StoredTensor): Float32Array {
  if (tensor.dtype === "F32") {
    const { buffer, byteOffset, byteLength } = aligned(tensor.bytes, 4);
    return new Float32Array(buffer, byteOffset, byteLength / 4);
  }
  return Float32Array.from(toFloat64(tensor));
}

/**
 * The values in float64, BOOL as 0 and 1.
 *
 * @throws MsmaeError "Checkpoint" for an I64 value that float64 cannot hold exactly.
 */
export function toFloat64(tensor: StoredTensor): Float64Array {
  const { bytes, dtype } = tensor;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (size: number, valueAt: (byte: number) => number) =>
    Float64Array.from({ length: bytes.length / size }, (_, index) => valueAt(index * size));
  switch (dtype) {
    case "F64":
      return read(8, (byte) => view.getFloat64(byte, true));
    case "F32":
      return read(4, (byte) => view.getFloat32(byte, true));
    case "F16":
      return read(2, (byte) => halfValue(view.getUint16(byte, true)));
    case "BF16":
      return bfloat16ToFloat64(view);
    case "I64":
      return read(8, (byte) => exact(view.getBigInt64(byte, true)));
    case "I32":
      return read(4, (byte) => view.getInt32(byte, true));
    case "I16":
      return read(2, (byte) => view.getInt16(byte, true));
    case "I8":
      return read(1, (byte) => view.getInt8(byte));
    case "U8":
      return Float64Array.from(bytes);
    case "BOOL":
      return Float64Array.from(bytes, (byte) => Number(byte !== 0));
  }
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat64(view: DataView): Float64Array {
  const words = Uint32Array.from({ length: view.byteLength / 2 }, (_, index) => view.getUint16(2 * index, true) << 16);
  return Float64Array.from(new Float32Array(words.buffer));
}

function exact(value: bigint): number {
  const number = Number(value);
  if (BigInt(number) === value) return number;
  throw new MsmaeError("Checkpoint", {
    where: "an I64 tensor",
    expected: "whole numbers within 2^53",
    got: `${value}`,
    todo: "check where the file comes from",
  });
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}
