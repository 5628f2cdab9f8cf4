import type { TensorToStore } from "../safetensors.ts";

/** Tensors with the count of batches that PyTorch keeps beside running statistics, and that nothing here has: zero. */
export function withBatchCounts(tensors: ReadonlyMap<string, TensorToStore>): ReadonlyMap<string, TensorToStore> {
  const counts = [...tensors.keys()]
    .filter((key) => key.endsWith(".running_var"))
    .map(
      (key) => [key.replace(/running_var$/, "num_batches_tracked"), { shape: [], data: new BigInt64Array(1) }] as const,
    );
  return new Map([...tensors, ...counts]);
}
