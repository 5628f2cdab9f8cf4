import { call, global, int, join, list, none, type Piece, pickle, str, tuple, uint64 } from "./pickle-writer.ts";
import { type ZipEntry, zipOf } from "./zip-writer.ts";

// Writes what torch.save does, in both of its forms, by the layout that torch/serialization.py documents.

export interface StorageId {
  /** Class of the storage, as `FloatStorage`. */
  storage: string;
  key: string;
  /** Elements of the whole storage. */
  elements: number;
  /** What stands behind the number of elements in the storage's id: nothing in the zip form, None in the other. */
  view?: Piece;
}

export interface View extends StorageId {
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
}

const numbers = (values: readonly number[]) => tuple(...values.map(int));

export function storage({ storage: name, key, elements, view = "" }: StorageId): Uint8Array {
  const module = name === "UntypedStorage" ? "torch.storage" : "torch";
  return join(tuple(str("storage"), global(module, name), str(key), str("cpu"), int(elements), view), "Q");
}

export function tensor(view: View): Uint8Array {
  const { offset = 0, shape, strides } = view;
  const hooks = call("collections", "OrderedDict");
  const parts = [storage(view), int(offset), numbers(shape), numbers(strides), "\x89", hooks];
  return call("torch._utils", "_rebuild_tensor_v2", ...parts);
}

/** A float32 tensor of one axis that fills its storage. */
export function vector(key: string, elements: number): Uint8Array {
  return tensor({ storage: "FloatStorage", key, elements, shape: [elements], strides: [1] });
}

export function bytesOf(values: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export interface ZipOptions {
  folder?: string;
  byteorder?: string;
  zip64?: boolean;
  /** Entries in the place of, or after, the usual ones. */
  more?: readonly ZipEntry[];
}

/** The zip form, of what stands before STOP in its pickle, and storages by key. */
export function torchZip(
  root: Piece,
  storages: Readonly<Record<string, Uint8Array>>,
  { folder = "archive/", byteorder = "little", zip64 = false, more = [] }: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const entries = [
    { name: `${folder}data.pkl`, bytes: pickle(root) },
    { name: `${folder}byteorder`, bytes: join(byteorder) },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `${folder}data/${key}`, bytes })),
    { name: `${folder}version`, bytes: join("3\n") },
  ];
  const replaced = entries.filter(({ name }) => !more.some((entry) => entry.name === name));
  return zipOf([...replaced, ...more], zip64);
}

/** The form of before, of what stands before STOP in its fourth pickle, and storages by key with their elements. */
export function torchLegacy(
  root: Piece,
  storages: Readonly<Record<string, readonly [elements: number, Uint8Array]>>,
): Uint8Array<ArrayBuffer> {
  const magic = join("\x8a\x0a", Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19));
  const system = join("}(", str("protocol_version"), int(1001), str("little_endian"), "\x88", "u");
  const heads = [magic, int(1001), system, root, list(...Object.keys(storages).map(str))];
  const bodies = Object.values(storages).flatMap(([elements, bytes]) => [uint64(elements), bytes]);
  return join(...heads.map((body) => pickle(body)), ...bodies);
}

/** In the id of a storage of that form. */
export const wholeStorage = none;
