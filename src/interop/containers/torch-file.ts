import { sizeOf } from "../../engine/graph/shape.ts";
import { ELEMENT_BYTES, type StoredTensor } from "../safetensors.ts";
import { Allowance } from "./allowance.ts";
import { containerFault, type KeepOptions, type TensorFile } from "./container.ts";
import { withFile } from "./opened-file.ts";
import { gather, isContiguous, reachOf, swapBytes } from "./strided.ts";
import type { TorchArchive } from "./torch-archive.ts";
import { openTorchLegacy } from "./torch-legacy.ts";
import { stateOf } from "./torch-state.ts";
import type { TorchTensor } from "./torch-values.ts";
import { openTorchZip } from "./torch-zip.ts";

/**
 * Reads the model's tensors out of a file of torch.save, of either form, without executing anything of it. Beyond the kept
 * tensors it needs memory for one storage at a time.
 *
 * @param form the zip archive of PyTorch 1.6 and later, or the pickles of before.
 * @throws MsmaeError "Checkpoint" for a file that is damaged, dishonest, or holds no tensors; for tensors of types that are not
 * read; and for tensors that reach beyond their storage, or are together much larger than what is stored.
 */
export async function readTorchFile(
  path: string,
  form: "zip" | "legacy",
  { keep = () => true }: KeepOptions = {},
): Promise<TensorFile> {
  return withFile(path, async (file) => {
    const archive = await (form === "zip" ? openTorchZip(file) : openTorchLegacy(file));
    const { tensors, beside } = stateOf(archive.root, path);
    const allowance = new Allowance(file.size);
    for (const [name, tensor] of tensors) checkTensor(archive, tensor, `${path}: "${name}"`, allowance);
    const kept = await readStorages(
      archive,
      [...tensors].filter(([name]) => keep(name)),
    );
    return {
      container: form === "zip" ? "torch.save" : "torch.save before PyTorch 1.6",
      metadata: {},
      entries: new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
      tensors: kept,
      beside,
    };
  });
}

function checkTensor(archive: TorchArchive, tensor: TorchTensor, where: string, allowance: Allowance): void {
  const { storage, dtype, shape } = tensor;
  const stored = archive.sizeOf(storage.key);
  if (stored === undefined) throw containerFault(where, `storage ${storage.key}`, "none in the file");
  const size = ELEMENT_BYTES[dtype];
  const whole = Math.floor(stored / size);
  const own = storage.dtype === undefined ? Math.floor(storage.elements / size) : storage.elements;
  const reach = reachOf(tensor);
  const most = Math.min(own, whole - storage.first);
  if (reach > most) throw containerFault(where, `a storage of at least ${reach} elements`, `${most}`);
  allowance.take(sizeOf(shape) * size, where);
}

/** Storage after storage, each read once. */
async function readStorages(
  archive: TorchArchive,
  tensors: readonly (readonly [string, TorchTensor])[],
): Promise<Map<string, StoredTensor>> {
  const byKey = new Map<string, (readonly [string, TorchTensor])[]>();
  for (const [name, tensor] of tensors) {
    const sharing = byKey.get(tensor.storage.key);
    if (sharing) sharing.push([name, tensor]);
    else byKey.set(tensor.storage.key, [[name, tensor]]);
  }
  // In the order of the names, whatever that of the storages.
  const read = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape }] of tensors) read.set(name, { dtype, shape, bytes: EMPTY });
  for (const [key, sharing] of byKey) {
    const storage = await archive.read(key);
    for (const [name, tensor] of sharing) {
      const bytes = valuesOf(archive, tensor, storage, sharing.length === 1);
      read.set(name, { dtype: tensor.dtype, shape: tensor.shape, bytes });
    }
  }
  return read;
}

const EMPTY = new Uint8Array();

function valuesOf(
  archive: TorchArchive,
  tensor: TorchTensor,
  storage: Uint8Array<ArrayBuffer>,
  alone: boolean,
): Uint8Array {
  const size = ELEMENT_BYTES[tensor.dtype];
  const view = { offset: tensor.storage.first + tensor.offset, shape: tensor.shape, strides: tensor.strides };
  const isWhole = sizeOf(tensor.shape) * size === storage.length && isContiguous(view);
  const bytes = alone && isWhole ? storage : gather(storage, size, view);
  if (!archive.littleEndian) swapBytes(bytes, size);
  return bytes;
}
