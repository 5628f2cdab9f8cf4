import { MsmaeError, messageOf } from "../support/errors.ts";
import { repeatedKey } from "./json-keys.ts";

/** Bytes per element of every dtype that is read here. */
export const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

/** A tensor as the file holds it: little-endian, row-major. */
export interface StoredTensor {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** Where a tensor stands in the data behind the header. */
export interface SafetensorsEntry {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: Readonly<Record<string, string>>;
  /** By name, in the order in which they stand in the file, without gaps. */
  entries: ReadonlyMap<string, SafetensorsEntry>;
  /** Bytes before the first tensor. */
  dataStart: number;
}

export interface Safetensors {
  metadata: Readonly<Record<string, string>>;
  tensors: ReadonlyMap<string, StoredTensor>;
}

/** As the reference implementation has it: no honest header is larger. */
const MAX_HEADER_BYTES = 100_000_000;

/** The data starts on a cache line, so that a mapped file can be used in place. */
const HEADER_ALIGNMENT = 64;

/** The metadata key of {@link checksumText}'s digest. */
export const CHECKSUM_KEY = "sha256";

/** What is often given in the place of safetensors: its first bytes, what it is, and what to do about it. */
const FOREIGN: readonly (readonly [starts: string[], got: string, todo: string])[] = [
  [
    ["PK\x03\x04", "\x80\x02", "\x80\x04"],
    "a file of torch.save (.pth, .pt, .bin)",
    "inspect and --finetune read it; for any other use bring it here with msmae convert IN OUT.safetensors (docs/interop.md)",
  ],
  [["<"], "a web page, as failed downloads leave it", "download the file again"],
  [["version "], "a Git LFS pointer in the place of the file", "fetch the file with git lfs pull"],
];

function throwForeign(start: Uint8Array, where: string): void {
  const text = String.fromCharCode(...start.subarray(0, 8));
  for (const [starts, got, todo] of FOREIGN) {
    if (!starts.some((known) => text.startsWith(known))) continue;
    throw new MsmaeError("Checkpoint", { where, expected: "a safetensors file", got, todo });
  }
}

/** How long the header is, from the first 8 bytes, checked against the file's size. */
export function headerLength(start: Uint8Array, fileBytes: number, where: string): number {
  if (start.length < 8) throw fault(where, "at least 8 bytes", `${start.length}`);
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > fileBytes) throwForeign(start, where);
  if (length > MAX_HEADER_BYTES) throw fault(where, `a header of at most ${MAX_HEADER_BYTES} bytes`, `${length}`);
  if (8 + length > fileBytes) throw fault(where, `${8 + length} bytes for the header alone`, `${fileBytes}`);
  return length;
}

/**
 * Parses and checks a header: the tensors it names must fill the rest of the file exactly, without gap or overlap.
 *
 * @param json The header's bytes, without the 8 that give its length.
 * @throws MsmaeError "Checkpoint" naming `where`, with expected and actual bytes for a file cut short.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  let root: unknown;
  let repeated: string | undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(json);
    root = JSON.parse(text);
    repeated = repeatedKey(text);
  } catch (error) {
    throw fault(where, "a header of JSON text", messageOf(error));
  }
  // Readers differ in which of the two they believe.
  if (repeated !== undefined) throw fault(where, "a header that says each thing once", `"${repeated}" twice`);
  if (!isRecord(root)) throw fault(where, "a header that is a JSON object", typeof root);
  const { __metadata__: metadata = {}, ...tensors } = root;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw fault(where, "metadata of texts", "other values");
  }
  const entries = Object.entries(tensors)
    .map(([name, value]) => [name, parseEntry(name, value, where)] as const)
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const [name, entry] of entries) {
    if (entry.begin !== end) throw fault(`${where}: "${name}"`, `data from byte ${end} on`, `from ${entry.begin}`);
    end = entry.end;
  }
  const dataStart = 8 + json.length;
  if (dataStart + end !== fileBytes) throw fault(where, `${dataStart + end} bytes`, `${fileBytes}`);
  return { metadata: metadata as Record<string, string>, entries: new Map(entries), dataStart };
}

/**
 * Parses a whole file in memory; the tensors are views of it. The checksum is not looked at: see
 * {@link readSafetensors}.
 *
 * @throws MsmaeError "Checkpoint" for a file that is cut short or not in this format.
 */
export function parseSafetensors(file: Uint8Array, where: string): Safetensors {
  return tensorsOf(file, headerOf(file, where));
}

/**
 * Parses a whole file in memory and compares its content with its checksum, if it has one.
 *
 * @throws MsmaeError "Checkpoint" for a file that is cut short, altered, or not in this format.
 */
export async function readSafetensors(file: Uint8Array, where: string): Promise<Safetensors> {
  const header = headerOf(file, where);
  const text = checksumText(header);
  const content = new Uint8Array(text.length + file.length - header.dataStart);
  content.set(text);
  content.set(file.subarray(header.dataStart), text.length);
  const digest = await crypto.subtle.digest("SHA-256", content);
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  compareChecksum(header, hex, where);
  return tensorsOf(file, header);
}

/**
 * What is hashed before the data, so that altered names, shapes and metadata are noticed as well as altered weights:
 * the checksum is SHA-256 over this text and then all the bytes behind the header.
 */
export function checksumText(header: SafetensorsHeader): Uint8Array {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  const metadata = Object.entries(header.metadata).filter(([key]) => key !== CHECKSUM_KEY);
  const entries = [...header.entries].sort(byName).map(([name, { dtype, shape, begin, end }]) => {
    return [name, dtype, shape, begin, end];
  });
  return new TextEncoder().encode(JSON.stringify([metadata.sort(byName), entries]));
}

/** @throws MsmaeError "Checkpoint" where the file has a checksum and it is not `digest` (hexadecimal). */
export function compareChecksum(header: SafetensorsHeader, digest: string, where: string): void {
  const expected = header.metadata[CHECKSUM_KEY];
  if (expected !== undefined && expected !== digest) {
    throw fault(where, `content of SHA-256 ${expected}`, `${digest}: the file was altered after it was written`);
  }
}

/** @throws MsmaeError "Checkpoint" where the file has no checksum, as when the key's own name was damaged. */
export function requireChecksum({ metadata }: SafetensorsHeader, where: string): void {
  if (CHECKSUM_KEY in metadata) return;
  throw fault(where, `metadata with "${CHECKSUM_KEY}"`, "none: the file was altered after it was written");
}

function headerOf(file: Uint8Array, where: string): SafetensorsHeader {
  const length = headerLength(file, file.length, where);
  return parseHeader(file.subarray(8, 8 + length), file.length, where);
}

function tensorsOf(file: Uint8Array, { metadata, entries, dataStart }: SafetensorsHeader): Safetensors {
  const tensors = [...entries].map(([name, { dtype, shape, begin, end }]) => {
    return [name, { dtype, shape, bytes: file.subarray(dataStart + begin, dataStart + end) }] as const;
  });
  return { metadata, tensors: new Map(tensors) };
}

function parseEntry(name: string, value: unknown, where: string): SafetensorsEntry {
  const place = `${where}: "${name}"`;
  if (!isRecord(value)) throw fault(place, "dtype, shape and data_offsets", asText(value));
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isDtype(dtype)) {
    throw fault(place, `one of the dtypes ${Object.keys(ELEMENT_BYTES).join(", ")}`, asText(dtype));
  }
  if (!isCounts(shape)) throw fault(place, "a shape of whole numbers", asText(shape));
  const [begin, end, ...more] = isCounts(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || more.length > 0) {
    throw fault(place, "two data_offsets", asText(offsets));
  }
  const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
  if (end - begin !== bytes) throw fault(place, `${bytes} bytes for its shape`, `${end - begin}`);
  return { dtype, shape, begin, end };
}

/** What a file can be written from. */
export interface TensorToStore {
  shape: readonly number[];
  /** Uint16Array holds the bits of float16: Node 22 has no array of them. */
  data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint16Array | Uint8Array;
}

/** Plans where each tensor will stand: those of larger elements first, so that all are aligned. */
export function planEntries(tensors: ReadonlyMap<string, TensorToStore>, where: string): Map<string, SafetensorsEntry> {
  const drafts = [...tensors].map(([name, { shape, data }]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    if (length !== data.length) throw fault(`${where}: "${name}"`, `${length} values for [${shape}]`, `${data.length}`);
    if (name === "__metadata__") throw fault(where, "tensor names other than __metadata__", "it");
    return { name, dtype: dtypeOf(data), shape, bytes: data.byteLength };
  });
  drafts.sort((a, b) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  let begin = 0;
  return new Map(
    drafts.map(({ name, dtype, shape, bytes }) => {
      const entry = { dtype, shape, begin, end: begin + bytes };
      begin += bytes;
      return [name, entry];
    }),
  );
}

/** The bytes before the first tensor: length, JSON, and spaces up to a multiple of 64 bytes. */
export function encodeHeader(
  metadata: Readonly<Record<string, string>>,
  entries: ReadonlyMap<string, SafetensorsEntry>,
): Uint8Array {
  const fields = [...entries].map(([name, { dtype, shape, begin, end }]) => {
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(fields) }));
  const header = new Uint8Array(Math.ceil((8 + json.length) / HEADER_ALIGNMENT) * HEADER_ALIGNMENT).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return header;
}

function dtypeOf(data: TensorToStore["data"]): SafetensorsDtype {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  if (data instanceof BigInt64Array) return "I64";
  if (data instanceof Uint16Array) return "F16";
  return data instanceof Int32Array ? "I32" : "U8";
}

/** What an error shows of a value that came out of JSON, or did not come at all. */
function asText(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}

function isDtype(text: string): text is SafetensorsDtype {
  return Object.hasOwn(ELEMENT_BYTES, text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function fault(where: string, expected: string, got: string): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where,
    expected,
    got: got.length > 200 ? `${got.slice(0, 200)}…` : got,
    todo: "copy or download the file again, or use an earlier checkpoint",
  });
}
