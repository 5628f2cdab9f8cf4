import type { TensorToStore } from "../../src/interop/safetensors.ts";

/** Tensors of every type that is written: with odd lengths, none and one value, and views of larger and of shared memory. */
export function tensorsOfEveryType(): Map<string, TensorToStore> {
  const floats = Float32Array.from([Number.NaN, Infinity, -0, 1.5, -2.25, 1e-42, 3, 4]);
  const shared = new Float32Array(new SharedArrayBuffer(12));
  shared.set([5, 6, 7]);
  return new Map<string, TensorToStore>([
    ["view", { shape: [2, 3], data: floats.subarray(1, 7) }],
    ["shared.näme", { shape: [3], data: shared }],
    ["double", { shape: [1, 2, 1], data: Float64Array.of(Math.PI, -1e300) }],
    ["count", { shape: [], data: BigInt64Array.of(-(2n ** 40n)) }],
    ["int", { shape: [3], data: Int32Array.of(-1, 0, 2 ** 31 - 1) }],
    ["bytes", { shape: [5], data: Uint8Array.of(0, 255, 1, 2, 3) }],
    ["empty", { shape: [0, 4], data: new Float32Array() }],
    ["nan", { shape: [8], data: floats }],
  ]);
}
