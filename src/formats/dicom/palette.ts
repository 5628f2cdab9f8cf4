import type { NumericArray } from "../source-image.ts";
import type { DataSet, Element } from "./data-set.ts";
import { dataError } from "./errors.ts";

/** The colours that palette indices stand for. */
export interface Palette {
  /** The index of the first entry. */
  first: number;
  /** [3, entries] */
  channels: [Uint16Array, Uint16Array, Uint16Array];
  /** 255 or 65535: the brightest level. */
  white: number;
}

const COLORS = ["Red", "Green", "Blue"] as const;

/**
 * Reads the palette of a PALETTE COLOR image, plain or segmented.
 *
 * @throws MsmaeError Data where it is missing or shorter than it says.
 *
 * Source: DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2.
 */
export function readPalette(dataSet: DataSet, signed: boolean, where: string): Palette {
  const channels = COLORS.map((color) => readChannel(dataSet, color, where)) as Palette["channels"];
  const [, , bits = 16] = dataSet.numbers("RedPaletteColorLookupTableDescriptor", "US");
  const first = dataSet.numbers("RedPaletteColorLookupTableDescriptor", signed ? "SS" : "US")[1] ?? 0;
  // Many writers call 8-bit entries 16-bit ones. A palette as dark as that would show as black.
  const small = bits <= 8 || channels.every((entries) => entries.every((level) => level <= 255));
  return { first, channels, white: small ? 255 : 65_535 };
}

function readChannel(dataSet: DataSet, color: (typeof COLORS)[number], where: string): Uint16Array {
  const [count, , bits] = dataSet.numbers(`${color}PaletteColorLookupTableDescriptor`, "US");
  const plain = dataSet.element(`${color}PaletteColorLookupTableData`);
  const segmented = dataSet.element(`Segmented${color}PaletteColorLookupTableData`);
  const data = plain?.length ? plain : segmented;
  if (count === undefined || bits === undefined || !data) {
    throw dataError(where, `a ${color.toLowerCase()} palette`, "none", "repair or remove the file");
  }
  const length = count === 0 ? 65_536 : count;
  const entries = data === plain ? plainEntries(dataSet, data, length) : segments(dataSet, data, length, bits);
  if (entries.length >= length) return entries.subarray(0, length);
  const got = `${entries.length}`;
  throw dataError(where, `${length} entries in the ${color.toLowerCase()} palette`, got, "repair or remove the file");
}

function plainEntries(dataSet: DataSet, data: Element, length: number): Uint16Array {
  return data.length >= length * 2 ? words(dataSet, data) : bytePairs(dataSet, data);
}

function words(dataSet: DataSet, data: Element): Uint16Array {
  const { bytes, encoding } = dataSet;
  const view = new DataView(bytes.buffer, bytes.byteOffset + data.offset, data.length);
  return Uint16Array.from({ length: data.length >> 1 }, (_, at) => view.getUint16(at * 2, encoding.littleEndian));
}

// 8-bit entries stand two to a word, the first in its low byte.
function bytePairs(dataSet: DataSet, data: Element): Uint16Array {
  const bytes = dataSet.raw(data);
  if (dataSet.encoding.littleEndian || data.vr !== "OW") return Uint16Array.from(bytes);
  return Uint16Array.from(bytes, (_, at) => bytes[at ^ 1] ?? 0);
}

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;

// Segments: runs of entries, ramps to an entry, and repetitions of earlier segments.
function segments(dataSet: DataSet, data: Element, length: number, bits: number): Uint16Array {
  const wide = bits > 8;
  const codes = wide ? words(dataSet, data) : bytePairs(dataSet, data);
  const output = new Uint16Array(length);
  let filled = 0;
  const put = (level: number) => {
    if (filled < length) output[filled++] = Math.round(level);
  };
  // Returns the position behind the segment. Segments that are repeated may not repeat others.
  const segment = (at: number, nested: boolean): number => {
    const kind = codes[at];
    const count = codes[at + 1] ?? 0;
    if (kind === DISCRETE) {
      for (let entry = 0; entry < count; entry++) put(codes[at + 2 + entry] ?? 0);
      return at + 2 + count;
    }
    if (kind === LINEAR) {
      const from = output[filled - 1] ?? 0;
      const step = ((codes[at + 2] ?? 0) - from) / count;
      for (let entry = 1; entry <= count; entry++) put(from + step * entry);
      return at + 3;
    }
    if (kind !== INDIRECT || nested) return codes.length;
    const low = codes[at + 2] ?? 0;
    const high = codes[at + 3] ?? 0;
    // The offset is in bytes, in two halves of the entries' own width.
    let from = wide
      ? (high * 0x10000 + low) / 2
      : (((codes[at + 5] ?? 0) << 24) | ((codes[at + 4] ?? 0) << 16) | (high << 8) | low) >>> 0;
    for (let copied = 0; copied < count && from < codes.length && filled < length; copied++) from = segment(from, true);
    return at + (wide ? 4 : 6);
  };
  for (let at = 0; at < codes.length && filled < length; ) at = segment(at, false);
  return output.subarray(0, filled);
}

/** Indices [pixels] to RGB [pixels, 3]; indices outside the palette take its nearest entry. */
export function applyPalette(indices: NumericArray, { first, channels, white }: Palette): Uint8Array | Uint16Array {
  const output = white === 255 ? new Uint8Array(indices.length * 3) : new Uint16Array(indices.length * 3);
  const last = channels[0].length - 1;
  for (let at = 0, to = 0; at < indices.length; at++, to += 3) {
    const entry = Math.min(last, Math.max(0, (indices[at] as number) - first));
    output[to] = channels[0][entry] as number;
    output[to + 1] = channels[1][entry] as number;
    output[to + 2] = channels[2][entry] as number;
  }
  return output;
}
