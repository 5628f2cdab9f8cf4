import { ELEMENT_BYTES, type SafetensorsDtype } from "../safetensors.ts";
import { containerFault } from "./container.ts";
import { type OpenedFile, readInto } from "./opened-file.ts";
import { type PickleHooks, unpickle } from "./pickle.ts";
import { kindOf, PyList, type PyValue } from "./pickle-values.ts";
import { MAX_PICKLE_BYTES, type TorchArchive } from "./torch-archive.ts";
import { TorchStorage, torchHooks } from "./torch-values.ts";

/** What torch.save's first pickle holds. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * Opens a file of torch.save before PyTorch 1.6: five pickles (a magic number, the version of the protocol, facts of the
 * machine, what was saved, keys), and behind them each key's storage with its number of elements before it, little-endian on
 * every machine.
 *
 * @throws MsmaeError "Checkpoint" for a pickle that torch.save did not write, and a damaged or shortened file.
 */
export async function openTorchLegacy(file: OpenedFile): Promise<TorchArchive> {
  const { path, size } = file;
  const start = new Uint8Array(Math.min(size, MAX_PICKLE_BYTES));
  await readInto(file, start, 0);
  const types = new Map<string, SafetensorsDtype | undefined>();
  const hooks = recording(torchHooks(path), types, path);
  let end = 0;
  const next = () => {
    const read = unpickle(start, end, hooks, path);
    end = read.end;
    return read.value;
  };
  if (next() !== MAGIC) {
    throw containerFault(
      path,
      "a file of torch.save",
      "a pickle of another program",
      "save its weights as safetensors",
    );
  }
  const protocol = next();
  if (protocol !== PROTOCOL) throw containerFault(path, `protocol ${PROTOCOL} of torch.save`, kindOf(protocol));
  next();
  const root = next();
  const keys = next();
  const places = await placesOf(file, end, keys, types);
  return {
    root,
    littleEndian: true,
    sizeOf: (key) => places.get(key)?.bytes,
    read: async (key) => {
      const { at, bytes: length } = places.get(key) as Place;
      const bytes = new Uint8Array(length);
      await readInto(file, bytes, at);
      return bytes;
    },
  };
}

/** The hooks, which note the type of each key's storage: where one ends, only that tells. */
function recording(hooks: PickleHooks, types: Map<string, SafetensorsDtype | undefined>, where: string): PickleHooks {
  return {
    ...hooks,
    persistent: (id) => {
      const storage = hooks.persistent(id);
      if (storage === undefined) return undefined;
      // How many bytes it takes is not known, nor then where the next one begins.
      if (!(storage instanceof TorchStorage)) {
        throw containerFault(
          where,
          "storages of types that are read",
          kindOf(storage),
          "save its weights as safetensors",
        );
      }
      const { key, dtype } = storage;
      if (types.has(key) && types.get(key) !== dtype) throw containerFault(where, `one type of storage ${key}`, "two");
      types.set(key, dtype);
      return storage;
    },
  };
}

interface Place {
  at: number;
  bytes: number;
}

/** Where each storage stands: one behind the other, in the order of their keys. */
async function placesOf(
  file: OpenedFile,
  start: number,
  keys: PyValue,
  types: ReadonlyMap<string, SafetensorsDtype | undefined>,
): Promise<Map<string, Place>> {
  if (!(keys instanceof PyList)) throw containerFault(file.path, "a list of storages", kindOf(keys));
  const places = new Map<string, Place>();
  let end = start;
  for (const key of keys.items) {
    if (typeof key !== "string" || !types.has(key) || places.has(key)) {
      throw containerFault(file.path, "the key of a storage that tensors have", kindOf(key));
    }
    const dtype = types.get(key);
    const count = new Uint8Array(8);
    checkEnd(file, end + 8, key);
    await readInto(file, count, end);
    const elements = Number(new DataView(count.buffer).getBigUint64(0, true));
    const bytes = elements * (dtype === undefined ? 1 : ELEMENT_BYTES[dtype]);
    places.set(key, { at: end + 8, bytes });
    end += 8 + bytes;
    checkEnd(file, end, key);
  }
  return places;
}

function checkEnd({ path, size }: OpenedFile, end: number, key: string): void {
  if (end > size) throw containerFault(`${path}: storage ${key}`, `${end} bytes`, `${size}`);
}
