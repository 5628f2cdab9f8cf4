import { crc32 } from "node:zlib";
import { type Entry, fromFdPromise, getFileNameLowLevel, type ZipFile } from "yauzl";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { containerFault } from "./container.ts";
import { type OpenedFile, readInto } from "./opened-file.ts";
import { unpickle } from "./pickle.ts";
import { MAX_PICKLE_BYTES, type TorchArchive } from "./torch-archive.ts";
import { torchHooks } from "./torch-values.ts";

/** No honest file has more: one for each storage. */
const MAX_ENTRIES = 100_000;

const AGAIN = "in Python: torch.save(torch.load(path), path)";

/**
 * Opens torch.save's zip archive (PyTorch 1.6 and later): NAME/data.pkl, and NAME/data/KEY for each storage. Entries are
 * stored, so that none is larger than the file says; nothing is unpacked to anywhere.
 *
 * @throws MsmaeError "Checkpoint" for a damaged archive, and for compressed, encrypted, repeated or overlapping entries, names
 * that lead elsewhere, and archives of something else.
 */
export async function openTorchZip(file: OpenedFile): Promise<TorchArchive> {
  const zip = await inZip(file, () =>
    fromFdPromise(file.handle.fd, { autoClose: false, decodeStrings: false, validateEntrySizes: true }),
  );
  const entries = await inZip(file, () => listEntries(file, zip));
  const [pickle, ...others] = [...entries.keys()].filter((name) => /^[^/]*\/?data\.pkl$/.test(name));
  if (pickle === undefined || others.length > 0) {
    const got = pickle === undefined ? "a zip archive without" : `${1 + others.length} of them`;
    throw containerFault(file.path, "a zip archive of torch.save with one data.pkl", got, "give the file of weights");
  }
  const folder = pickle.slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) {
    const todo = "in Python: torch.save(torch.jit.load(path).state_dict(), path)";
    throw containerFault(file.path, "weights of torch.save", "a program of TorchScript", todo);
  }
  for (const [name, { compressionMethod }] of entries) {
    if (compressionMethod === 0) continue;
    throw containerFault(`${file.path}: ${name}`, "a stored entry, as torch.save writes", "a compressed one", AGAIN);
  }
  const read = async (name: string, entry: Entry) => inZip(file, () => readEntry(file, zip, name, entry));
  const small = async (name: string, most: number) => {
    const entry = entries.get(name);
    if (!entry) return undefined;
    if (entry.uncompressedSize <= most) return read(name, entry);
    throw containerFault(`${file.path}: ${name}`, `at most ${most} bytes`, `${entry.uncompressedSize}`, AGAIN);
  };
  const order = Buffer.from((await small(`${folder}byteorder`, 16)) ?? []).toString("latin1");
  if (!["", "little", "big"].includes(order)) {
    throw containerFault(`${file.path}: ${folder}byteorder`, "little or big", order);
  }
  const bytes = (await small(pickle, MAX_PICKLE_BYTES)) as Uint8Array;
  const { value } = unpickle(bytes, 0, torchHooks(file.path), `${file.path}: ${pickle}`);
  const storage = (key: string) => `${folder}data/${key}`;
  return {
    root: value,
    littleEndian: order !== "big",
    sizeOf: (key) => entries.get(storage(key))?.uncompressedSize,
    read: (key) => read(storage(key), entries.get(storage(key)) as Entry),
  };
}

/** Every entry by its name. Together they are no larger than the file, so that none stands for another's bytes over and over. */
async function listEntries({ path, size }: OpenedFile, zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true);
    if (!isInside(name)) throw containerFault(path, "names within the archive", JSON.stringify(name), "do not use it");
    if (entries.has(name)) throw containerFault(path, "each entry once", `${name} twice`, "do not use it");
    const where = `${path}: ${name}`;
    if (entry.isEncrypted()) throw containerFault(where, "an entry without a password", "an encrypted one", AGAIN);
    bytes += entry.compressedSize;
    if (bytes > size) throw containerFault(where, "entries beside each other", "entries that overlap", "do not use it");
    if (entries.size === MAX_ENTRIES) throw containerFault(path, `at most ${MAX_ENTRIES} entries`, "more", AGAIN);
    entries.set(name, entry);
  }
  return entries;
}

/** Nothing is written under these names; but an archive that has others is meant to do harm somewhere. */
function isInside(name: string): boolean {
  return !/^[/\\]|^[A-Za-z]:|\\|\0/.test(name) && !name.split("/").includes("..");
}

async function readEntry(file: OpenedFile, zip: ZipFile, name: string, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const where = `${file.path}: ${name}`;
  const end = fileDataStart + entry.uncompressedSize;
  if (end > file.size) throw containerFault(where, `${end} bytes`, `${file.size}`);
  const bytes = new Uint8Array(entry.uncompressedSize);
  await readInto(file, bytes, fileDataStart);
  // PyTorch writes 0 where it was told not to compute any.
  if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32) {
    throw containerFault(where, "the content that its checksum belongs to", "another: the file is damaged");
  }
  return bytes;
}

async function inZip<T>({ path }: OpenedFile, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof MsmaeError) throw error;
    throw containerFault(path, "a whole zip archive of torch.save", messageOf(error), undefined, error);
  }
}
