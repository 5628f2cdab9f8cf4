import type { NumericArray, StoredArray } from "./source-image.ts";

/** NumPy's names of the types that {@link NumericArray} covers. */
export type NumericType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";

const CONSTRUCTORS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

export function newArray(type: NumericType, length: number): NumericArray {
  return new CONSTRUCTORS[type](length);
}

/** NumPy's name of an array's type. */
export function typeNameOf(values: NumericArray): NumericType {
  for (const [name, Samples] of Object.entries(CONSTRUCTORS)) {
    if (values instanceof Samples) return name as NumericType;
  }
  throw new TypeError("not a numeric array");
}

const BIG_CONSTRUCTORS = { int64: BigInt64Array, uint64: BigUint64Array };

export function isBig(values: StoredArray["data"]): values is BigInt64Array | BigUint64Array {
  return values instanceof BigInt64Array || values instanceof BigUint64Array;
}

/** Little-endian bytes as numbers; copied only where they do not start at a multiple of the sample's size. */
export function viewAs(type: NumericType, bytes: Uint8Array): NumericArray;
export function viewAs(type: NumericType | "int64" | "uint64", bytes: Uint8Array): StoredArray["data"];
export function viewAs(type: NumericType | "int64" | "uint64", bytes: Uint8Array): StoredArray["data"] {
  const Samples = { ...CONSTRUCTORS, ...BIG_CONSTRUCTORS }[type];
  const size = Samples.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Samples(aligned.buffer as ArrayBuffer, aligned.byteOffset, Math.floor(aligned.byteLength / size));
}

/** Turns the order of bytes within each sample around, in place. `bytes` is whole samples of 1, 2, 4 or 8 bytes. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) for (let at = 0; at < bytes.length; at += 2) view.setUint16(at, view.getUint16(at, true));
  if (size === 4) for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, view.getUint32(at, true));
  if (size !== 8) return;
  for (let at = 0; at < bytes.length; at += 8) {
    const first = view.getUint32(at, true);
    view.setUint32(at, view.getUint32(at + 4, true));
    view.setUint32(at + 4, first);
  }
}
