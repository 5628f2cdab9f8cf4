import { halfValue } from "../support/half.ts";
import { overLimit, unreadable } from "./decode-error.ts";
import { latin1 } from "./latin1.ts";
import { type DecodeLimits, LIMITS } from "./limits.ts";
import { sameType, toRowMajor } from "./row-major.ts";
import type { ImageFile, NumericArray, SourceImage, StoredArray } from "./source-image.ts";
import { sortedSample, unitLevels } from "./statistics.ts";
import { isBig, type NumericType, swapBytes, viewAs } from "./typed-arrays.ts";

const MAGIC = Uint8Array.of(0x93, ...new TextEncoder().encode("NUMPY"));
/** Header and magic together are a multiple of this, so that data can be mapped into memory. */
const ALIGNMENT = 64;
/** Values of a stack of pictures that stand for all of it in percentile windows. */
const SAMPLE_SIZE = 4096;

/** NumPy's code of a type, the type its bytes are read as here, and how many of those make up one element. */
interface NpyType {
  dtype: string;
  parts: NumericType | "int64" | "uint64";
  components: 1 | 2;
}

// Half floats are held as their bits.
const TYPES: ReadonlyMap<string, NpyType> = new Map([
  ["b1", { dtype: "bool", parts: "uint8", components: 1 }],
  ["u1", { dtype: "uint8", parts: "uint8", components: 1 }],
  ["i1", { dtype: "int8", parts: "int8", components: 1 }],
  ["u2", { dtype: "uint16", parts: "uint16", components: 1 }],
  ["i2", { dtype: "int16", parts: "int16", components: 1 }],
  ["u4", { dtype: "uint32", parts: "uint32", components: 1 }],
  ["i4", { dtype: "int32", parts: "int32", components: 1 }],
  ["u8", { dtype: "uint64", parts: "uint64", components: 1 }],
  ["i8", { dtype: "int64", parts: "int64", components: 1 }],
  ["f2", { dtype: "float16", parts: "uint16", components: 1 }],
  ["f4", { dtype: "float32", parts: "float32", components: 1 }],
  ["f8", { dtype: "float64", parts: "float64", components: 1 }],
  ["c8", { dtype: "complex64", parts: "float32", components: 2 }],
  ["c16", { dtype: "complex128", parts: "float64", components: 2 }],
]);

/** Whether bytes start as a NumPy file. */
export function looksLikeNpy(head: Uint8Array): boolean {
  return MAGIC.every((byte, at) => head[at] === byte);
}

/**
 * An array as the bytes of a NumPy file, row-major.
 *
 * @param shape its product is the number of elements.
 * @param dtype NumPy's name of the type, or the list of named parts; without it float32.
 * Source: NumPy enhancement proposal 1, format version 1.0.
 */
export function encodeNpy(data: StoredArray["data"], shape: readonly number[], dtype = "float32"): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': ${descriptorOf(dtype)}, 'fortran_order': False, 'shape': (${sizes}), }`;
  const prefix = MAGIC.length + 4;
  const length = Math.ceil((prefix + header.length + 1) / ALIGNMENT) * ALIGNMENT - prefix;
  const bytes = new Uint8Array(prefix + length + data.byteLength);
  bytes.set(MAGIC);
  bytes[MAGIC.length] = 1;
  new DataView(bytes.buffer).setUint16(MAGIC.length + 2, length, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), prefix);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), prefix + length);
  return bytes;
}

function descriptorOf(dtype: string): string {
  for (const [code, type] of TYPES) {
    if (type.dtype === dtype) return `'${code.endsWith("1") && code !== "c16" ? "|" : "<"}${code}'`;
  }
  // Named parts are single bytes, whose order NumPy writes as |.
  return dtype.replaceAll("'u1'", "'|u1'");
}

/**
 * Reads a NumPy file of any numeric type, byte order and order of axes.
 *
 * @throws Error when it is no NumPy file, holds objects or text, is too large, or is cut short.
 */
export function decodeNpy(bytes: Uint8Array, limit: number): StoredArray {
  const { type, size, order, fortran, shape, dataAt, needed } = readNpyHeader(bytes, limit);
  if (bytes.length - dataAt < needed) {
    throw new Error(`a NumPy file cut short: ${Math.max(0, bytes.length - dataAt)} of ${needed} bytes`);
  }
  const stored = bytes.subarray(dataAt, dataAt + needed);
  if (order === ">") swapBytes(stored, size / type.components);
  const data = viewAs(type.parts, stored);
  return { shape, dtype: type.dtype, data: fortran ? toRowMajor(data, shape, type.components) : data };
}

/** Bytes of the NumPy file that these bytes begin. @throws Error as {@link decodeNpy}. */
export function npyFileBytes(head: Uint8Array, limit: number): number {
  const { dataAt, needed } = readNpyHeader(head, limit);
  return dataAt + needed;
}

function readNpyHeader(bytes: Uint8Array, limit: number) {
  const { descriptor, fortran, shape, dataAt } = readHeader(bytes);
  const [, order = "", code = ""] = /^([<>|=])([a-zA-Z]\d*)$/.exec(descriptor) ?? [];
  const type = TYPES.get(code);
  if (!type) throw new Error(`a NumPy array of ${descriptor}, which is no type of numbers`);
  const size = Number(code.slice(1));
  const needed = shape.reduce((product, length) => product * length, size);
  if (shape.length > LIMITS.npyAxes || !shape.every(Number.isSafeInteger)) {
    throw new Error(`a NumPy array of ${shape.length} axes, ${shape.slice(0, 8).join("×")}…`);
  }
  if (needed > limit) throw new Error(`a NumPy array of ${needed} bytes, more than ${limit}`);
  return { type, size, order, fortran, shape, dataAt, needed };
}

function readHeader(bytes: Uint8Array): { descriptor: string; fortran: boolean; shape: number[]; dataAt: number } {
  if (!looksLikeNpy(bytes) || bytes.length < 12) throw new Error("no NumPy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] as number;
  if (version < 1 || version > 3) throw new Error(`a NumPy file of version ${version}`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = version === 1 ? 10 : 12;
  // A header is one line; only structured types make it long.
  const text = latin1(bytes.subarray(start, Math.min(start + length, start + 2 ** 16)));
  const quoted = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (quoted === undefined && /'descr'\s*:\s*\[/.test(text)) {
    throw new Error("a NumPy array of named fields, which is no type of numbers");
  }
  if (quoted === undefined || order === undefined || sizes === undefined)
    throw new Error("a NumPy header that is damaged");
  const shape = sizes
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  return { descriptor: quoted, fortran: order === "True", shape, dataAt: start + length };
}

/**
 * Opens a NumPy file as pictures, by its shape: [h, w] or [h, w, 1] grey, [h, w, 3] RGB, [h, w, 4] RGBA (alpha is
 * ignored); with a further axis in front, that many pictures. An array [n, h, w] whose last axis is neither 3 nor 4
 * is n grey pictures; of last axis 1 it is one picture.
 *
 * Samples of uint8 and bool are levels of a picture; other types measure something, and their percentile windows are
 * those of the whole array. Complex numbers are shown by their magnitude.
 *
 * @throws MsmaeError Data when the file cannot be read or its shape is none of these.
 */
export function openNpy(bytes: Uint8Array, where: string, limits: DecodeLimits): ImageFile {
  let stored: StoredArray;
  let layout: Layout;
  try {
    stored = decodeNpy(bytes, limits.decodedBytes);
    layout = layoutOf(stored.shape);
  } catch (cause) {
    throw unreadable(where, cause);
  }
  const { pictures, height, width, samples } = layout;
  if (height * width > limits.pixels || pictures > limits.frames) {
    const got = `${pictures} of ${height}×${width}`;
    throw overLimit(where, `at most ${limits.frames} pictures of ${limits.pixels} pixels`, got);
  }
  const length = height * width * samples;
  const { dtype, data } = stored;
  const values = (from: number, to: number): NumericArray => picturesValues(data, dtype, from, to);
  let shared: Float64Array | undefined;
  const read = async (index: number): Promise<SourceImage> => {
    const own = values(index * length, (index + 1) * length);
    const rest = { width, height, windows: [], inverted: false, levels: levelsOf(dtype, samples, own) };
    if (samples > 1) return { ...rest, channels: 3, values: samples === 3 ? own : withoutAlpha(own) };
    if (pictures === 1 || rest.levels) return { ...rest, channels: 1, values: own };
    shared ??= sortedSample(values(0, pictures * length), SAMPLE_SIZE);
    return { ...rest, channels: 1, values: own, volumeSample: shared };
  };
  return {
    format: "NumPy",
    count: () => pictures,
    read,
    array: async () => stored,
    header: { shape: stored.shape, dtype, pictures, height, width },
  };
}

interface Layout {
  pictures: number;
  height: number;
  width: number;
  samples: 1 | 3 | 4;
}

function layoutOf(shape: readonly number[]): Layout {
  const last = shape.at(-1);
  const interleaved = shape.length > 2 && (last === 1 || last === 3 || last === 4);
  const plane = interleaved ? shape.slice(0, -1) : shape;
  const [height = 0, width = 0] = plane.slice(-2);
  const pictures = plane.length === 3 ? (plane[0] as number) : 1;
  if (plane.length < 2 || plane.length > 3 || pictures * height * width < 1) {
    throw new Error(
      `a NumPy array of shape (${shape.join(", ")}), which is no picture [h, w], [h, w, 3] or a stack of them`,
    );
  }
  return { pictures, height, width, samples: interleaved ? (last as Layout["samples"]) : 1 };
}

function picturesValues(data: StoredArray["data"], dtype: string, from: number, to: number): NumericArray {
  if (isBig(data)) return Float64Array.from(data.subarray(from, to), Number);
  if (dtype === "float16") return Float32Array.from(data.subarray(from, to), halfValue);
  if (!dtype.startsWith("complex")) return data.subarray(from, to);
  return Float64Array.from({ length: to - from }, (_, i) =>
    Math.hypot(data[2 * (from + i)] as number, data[2 * (from + i) + 1] as number),
  );
}

function levelsOf(dtype: string, samples: number, values: NumericArray): SourceImage["levels"] {
  if (dtype === "bool") return [0, 1];
  if (dtype === "uint8") return [0, 255];
  if (samples === 1) return undefined;
  if (dtype === "uint16") return [0, 65_535];
  return unitLevels(values);
}

function withoutAlpha(values: NumericArray): NumericArray {
  const colours = sameType(values, (values.length / 4) * 3);
  for (let from = 0, to = 0; from < values.length; from += 4, to += 3) {
    for (let channel = 0; channel < 3; channel++) colours[to + channel] = values[from + channel] as number;
  }
  return colours;
}
