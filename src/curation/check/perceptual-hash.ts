import { SYMMETRIES, THUMB_SIDE } from "./symmetry.ts";

const FREQUENCIES = 8;

/** 64 bits as two words. */
export interface Hash {
  low: number;
  high: number;
}

const COSINES = Float64Array.from({ length: FREQUENCIES * THUMB_SIDE }, (_, at) => {
  const frequency = Math.floor(at / THUMB_SIDE);
  return Math.cos((Math.PI * frequency * (2 * (at % THUMB_SIDE) + 1)) / (2 * THUMB_SIDE));
});

/**
 * The perceptual hashes of a thumbnail [32, 32] seen through each of the eight symmetries: the signs of the 63 lowest
 * frequencies of its cosine transform, which brightness, contrast, compression and size hardly change. One transform
 * serves all: mirroring changes the sign of the odd frequencies, transposing exchanges the axes.
 */
export function perceptualHashes(thumb: Uint8Array): Hash[] {
  const spectrum = lowFrequencies(thumb);
  return Array.from({ length: SYMMETRIES }, (_, symmetry) => signs(spectrum, symmetry));
}

function lowFrequencies(thumb: Uint8Array): Float64Array {
  const rows = new Float64Array(THUMB_SIDE * FREQUENCIES);
  for (let y = 0; y < THUMB_SIDE; y++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let x = 0; x < THUMB_SIDE; x++) {
        sum += (thumb[y * THUMB_SIDE + x] as number) * (COSINES[u * THUMB_SIDE + x] as number);
      }
      rows[y * FREQUENCIES + u] = sum;
    }
  }
  const spectrum = new Float64Array(FREQUENCIES * FREQUENCIES);
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < THUMB_SIDE; y++) {
        sum += (rows[y * FREQUENCIES + u] as number) * (COSINES[v * THUMB_SIDE + y] as number);
      }
      spectrum[v * FREQUENCIES + u] = sum;
    }
  }
  return spectrum;
}

function signs(spectrum: Float64Array, symmetry: number): Hash {
  const words = [0, 0];
  // The mean, at position 0, is no part of it.
  for (let at = 1; at < FREQUENCIES * FREQUENCIES; at++) {
    const v = Math.floor(at / FREQUENCIES);
    const u = at % FREQUENCIES;
    const value = spectrum[symmetry & 4 ? u * FREQUENCIES + v : at] as number;
    const negated = ((symmetry & 1 & u) ^ ((symmetry >> 1) & v & 1)) === 1;
    // Chunks of the index take every fourth bit each, so that no chunk holds only the coarsest frequencies.
    const bit = (at % 4) * 16 + (at >> 2);
    if (value > 0 !== negated) words[bit >> 5] = (words[bit >> 5] as number) | (1 << (bit & 31));
  }
  return { low: (words[0] as number) >>> 0, high: (words[1] as number) >>> 0 };
}

/** How many bits differ. */
export function hammingDistance(lowA: number, highA: number, lowB: number, highB: number): number {
  return bitCount(lowA ^ lowB) + bitCount(highA ^ highB);
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
