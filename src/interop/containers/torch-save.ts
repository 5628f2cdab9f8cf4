import { sizeOf } from "../../engine/graph/shape.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { planEntries, type SafetensorsEntry, type TensorToStore } from "../safetensors.ts";
import { call, entries, global, int, join, pickle, str, tuple } from "./pickle-writer.ts";
import { storedZip } from "./stored-zip.ts";
import { STORAGE_CLASSES } from "./torch-values.ts";

/**
 * Writes tensors as torch.save does in its zip form, for `torch.load(path, weights_only=True)`: atomically and without joining
 * them first. They must not change until the promise resolves.
 *
 * @param under the key of a dictionary in which they stand; without one they are all there is.
 * @throws MsmaeError "Checkpoint" for data that does not fit its shape, "Data" where the disk refuses.
 */
export async function writeTorchFile(
  path: string,
  tensors: ReadonlyMap<string, TensorToStore>,
  under?: string,
): Promise<void> {
  const planned = planEntries(tensors, path);
  const pickled = [...tensors.keys()].map((name, index) => {
    return [name, tensorOf(planned.get(name) as SafetensorsEntry, `${index}`)] as const;
  });
  const state = join(call("collections", "OrderedDict"), entries(pickled));
  const root = under === undefined ? state : join("}", entries([[under, state]]));
  const storages = [...tensors.values()].map(({ data }, index) => {
    return { name: `archive/data/${index}`, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  const chunks = storedZip([
    { name: "archive/data.pkl", bytes: pickle(root) },
    { name: "archive/byteorder", bytes: join("little") },
    ...storages,
    { name: "archive/version", bytes: join("3\n") },
  ]);
  await writeFileAtomic(path, chunks);
}

/** A tensor that fills a storage of its own. */
function tensorOf({ dtype, shape }: SafetensorsEntry, key: string): Uint8Array {
  const elements = sizeOf(shape);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const kind = global("torch", STORAGE_CLASSES.get(dtype) as string);
  const storage = join(tuple(str("storage"), kind, str(key), str("cpu"), int(elements)), "Q");
  const sizes = [tuple(...shape.map(int)), tuple(...strides.map(int))];
  // From its first element on; no gradient is wanted; no hooks.
  const parts = [storage, int(0), ...sizes, "\x89", call("collections", "OrderedDict")];
  return call("torch._utils", "_rebuild_tensor_v2", ...parts);
}
