import type { Inflater } from "./inflater.ts";

/**
 * Unpacks one strip or tile into exactly `length` bytes.
 *
 * @throws Error when the compression is not read, or the block holds less.
 */
export function unpackBlock(packed: Uint8Array, compression: number, length: number, inflater: Inflater): Uint8Array {
  const unpacked = unpack(packed, compression, length, inflater);
  if (unpacked.length < length) throw new Error(`a TIFF block of ${unpacked.length} of ${length} bytes`);
  return unpacked.subarray(0, length);
}

function unpack(packed: Uint8Array, compression: number, length: number, inflater: Inflater): Uint8Array {
  switch (compression) {
    case 1:
      // A copy, since predictors and byte order are undone in place.
      return packed.slice(0, length);
    case 5:
      return unpackLzw(packed, length);
    case 8:
    case 32_946:
      return inflater.inflate(packed, { wrap: "zlib", limit: MOST_PADDING * length + 2 ** 20 });
    case 32_773:
      return unpackBits(packed, length);
    default:
      throw new Error(`a TIFF of compression ${compression} with samples of this type`);
  }
}

// A block that unpacks to far more than its rows is damaged or hostile; writers may pad the last strip to its full height.
const MOST_PADDING = 64;

/** Source: TIFF 6.0, section 9. */
function unpackBits(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let to = 0;
  for (let at = 0; at < packed.length && to < length; ) {
    const code = packed[at++] as number;
    if (code < 128) {
      const run = packed.subarray(at, at + Math.min(code + 1, length - to));
      out.set(run, to);
      to += run.length;
      at += code + 1;
    } else if (code > 128) {
      const end = Math.min(length, to + 257 - code);
      out.fill(packed[at++] ?? 0, to, end);
      to = end;
    }
  }
  return out.subarray(0, to);
}

const CLEAR = 256;
const END = 257;
const MOST_CODES = 4096;

/** Source: TIFF 6.0, section 13: codes of 9 to 12 bits, the highest bit first, widened one code early. */
function unpackLzw(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  // A string is a place in `out` where it stands: that of its code plus one byte.
  const starts = new Uint32Array(MOST_CODES);
  const lengths = new Uint32Array(MOST_CODES);
  let next = END + 1;
  let width = 9;
  let bits = 0;
  let held = 0;
  let to = 0;
  let previous = -1;
  for (let at = 0; to < length; ) {
    while (held < width && at < packed.length) {
      bits = ((bits << 8) | (packed[at++] as number)) & 0xff_ffff;
      held += 8;
    }
    if (held < width) break;
    held -= width;
    const code = (bits >> held) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      next = END + 1;
      width = 9;
      previous = -1;
      continue;
    }
    const start = to;
    if (code < CLEAR) out[to++] = code;
    else {
      if (previous < 0 || code > next || (code === next && next === MOST_CODES)) throw new Error("a damaged LZW block");
      // A code that is being defined is the string before it and that string's first byte, which follow each other.
      const from = code === next ? previous : (starts[code] as number);
      const size = code === next ? start - previous + 1 : (lengths[code] as number);
      for (let i = 0; i < size && to < length; i++) out[to++] = out[from + i] as number;
    }
    if (previous >= 0 && next < MOST_CODES) {
      starts[next] = previous;
      lengths[next] = start - previous + 1;
      next++;
    }
    if (next + 1 >= 1 << width && width < 12) width++;
    previous = start;
  }
  return out.subarray(0, to);
}
