/**
 * Every element type of the IR: the array that holds it on the host, and its number in ONNX (TensorProto.DataType).
 * ONNX Runtime calls them by the same names. Booleans are bytes of 0 and 1.
 */
const dtypes = {
  float32: { array: Float32Array, onnx: 1 },
  int64: { array: BigInt64Array, onnx: 7 },
  int32: { array: Int32Array, onnx: 6 },
  uint8: { array: Uint8Array, onnx: 2 },
  int8: { array: Int8Array, onnx: 3 },
  bool: { array: Uint8Array, onnx: 9 },
} as const;

/** Element types of the IR. `float32` values are computed in float64 by the reference interpreter. */
export type DType = keyof typeof dtypes;

/** The array that holds the elements of a dtype on the host. */
export type TensorDataOf<D extends DType> = (typeof dtypes)[D]["array"]["prototype"];

/** Elements of a tensor on the host, row-major, of any dtype. */
export type TensorData = TensorDataOf<DType>;

/** A dtype's number in ONNX. */
export function onnxNumber(dtype: DType): number {
  return dtypes[dtype].onnx;
}

/** Whether an array is of the kind that holds a dtype. */
export function holds<D extends DType>(dtype: D, data: unknown): data is TensorDataOf<D> {
  return data instanceof dtypes[dtype].array;
}

/** An array of a dtype, of zeros. */
export function zeros(dtype: DType, length: number): TensorData {
  return new dtypes[dtype].array(length);
}

/**
 * A new array of a dtype with these numbers: to integers by truncation, what does not fit wraps around; to bool by "is
 * not zero". A number that is not finite becomes the integer 0.
 */
export function toDtype<D extends DType>(dtype: D, data: ArrayLike<number | bigint>): TensorDataOf<D>;
export function toDtype(dtype: DType, data: ArrayLike<number | bigint>): TensorData {
  if (dtype === "bool") return Uint8Array.from(data, (value) => (Number(value) === 0 ? 0 : 1));
  if (dtype === "int64") return BigInt64Array.from(data, wholeNumber);
  const numbers: NumberArray = dtypes[dtype].array;
  return numbers.from(data, Number);
}

interface NumberArray {
  from(data: ArrayLike<number | bigint>, map: (value: number | bigint) => number): Exclude<TensorData, BigInt64Array>;
}

function wholeNumber(value: number | bigint): bigint {
  if (typeof value === "bigint") return value;
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}
