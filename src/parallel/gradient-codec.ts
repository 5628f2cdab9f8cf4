/** How gradients travel: as they are, or in 16 or 8 bits a value. */
export const EXCHANGES = ["fp32", "bf16", "int8"] as const;
export type ExchangeForm = (typeof EXCHANGES)[number];

/** Values that are rounded by one scale in 8 bits. */
export const BLOCK = 128;
const LEVELS = 127;
/** Blocks of smaller values are sent as zeros, and kept: their scale would lose its own digits. */
const LEAST = 1e-35;
/** Added and taken off again, it rounds a double of less than 2^51 to the nearest whole number, of two as near the even one. */
const ROUNDER = 3 * 2 ** 51;

/**
 * How values become fewer bytes, and values again. What rounding took of a value is kept and added to what is sent in its place the next
 * time (error feedback, Seide et al. 2014), so that nothing is lost for good: sums over time differ by one rounding.
 * What is not finite arrives as not finite.
 */
export interface GradientCodec {
  /** Bytes that so many values take; a multiple of 4. */
  bytesOf(values: number): number;
  /**
   * @param values float32 [n], read alone.
   * @param rest float32 [n]: what was not sent before, and after it what is not sent now.
   * @param bytes of {@link GradientCodec.bytesOf}, aligned to 4.
   */
  encode(values: Float32Array, rest: Float32Array, bytes: Uint8Array): void;
  /** @param values float32 [n] that are overwritten. */
  decode(bytes: Uint8Array, values: Float32Array): void;
}

/** The upper half of each float32, rounded to the nearest, of two as near to the even one. */
const bf16: GradientCodec = {
  bytesOf: (values) => 4 * Math.ceil(values / 2),
  encode(values, rest, bytes) {
    const halves = new Int16Array(bytes.buffer, bytes.byteOffset, values.length);
    const words = new Int32Array(rest.buffer, rest.byteOffset, rest.length);
    for (let i = 0; i < values.length; i++) {
      const value = (values[i] as number) + (rest[i] as number);
      rest[i] = value;
      const bits = words[i] as number;
      if ((bits & 0x7f80_0000) === 0x7f80_0000) {
        // One that is no number must not be rounded to infinity.
        halves[i] = (bits >> 16) | (bits & 0xffff ? 0x40 : 0);
        rest[i] = 0;
        continue;
      }
      const half = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
      halves[i] = half;
      words[i] = half << 16;
      rest[i] = value - (rest[i] as number);
    }
  },
  decode(bytes, values) {
    const halves = new Int16Array(bytes.buffer, bytes.byteOffset, values.length);
    const words = new Int32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) words[i] = (halves[i] as number) << 16;
  },
};

/** Whole numbers from −127 to 127 with a float32 scale for each {@link BLOCK}: scales first, then the numbers. */
const int8: GradientCodec = {
  bytesOf: (values) => 4 * (Math.ceil(values / BLOCK) + Math.ceil(values / 4)),
  encode(values, rest, bytes) {
    const { scales, levels } = parts(bytes, values.length);
    for (let block = 0; block < scales.length; block++) {
      const [from, to] = [block * BLOCK, Math.min(values.length, (block + 1) * BLOCK)];
      let [largest, total] = [0, 0];
      for (let i = from; i < to; i++) {
        const value = (values[i] as number) + (rest[i] as number);
        rest[i] = value;
        const size = Math.abs(value);
        total += size;
        if (size > largest) largest = size;
      }
      if (!Number.isFinite(total)) {
        scales[block] = Number.NaN;
        rest.fill(0, from, to);
        continue;
      }
      const scale = largest < LEAST ? 0 : Math.fround(largest / LEVELS);
      scales[block] = scale;
      const inverse = scale > 0 ? 1 / scale : 0;
      for (let i = from; i < to; i++) {
        const value = rest[i] as number;
        const level = value * inverse + ROUNDER - ROUNDER;
        levels[i] = level;
        rest[i] = value - level * scale;
      }
    }
  },
  decode(bytes, values) {
    const { scales, levels } = parts(bytes, values.length);
    for (let block = 0; block < scales.length; block++) {
      const scale = scales[block] as number;
      const to = Math.min(values.length, (block + 1) * BLOCK);
      for (let i = block * BLOCK; i < to; i++) values[i] = (levels[i] as number) * scale;
    }
  },
};

function parts(bytes: Uint8Array, values: number): { scales: Float32Array; levels: Int8Array } {
  const blocks = Math.ceil(values / BLOCK);
  return {
    scales: new Float32Array(bytes.buffer, bytes.byteOffset, blocks),
    levels: new Int8Array(bytes.buffer, bytes.byteOffset + 4 * blocks, values),
  };
}

export const gradientCodecs: Readonly<Record<Exclude<ExchangeForm, "fp32">, GradientCodec>> = { bf16, int8 };
