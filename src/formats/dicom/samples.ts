import type { NumericArray } from "../source-image.ts";
import { swapBytes } from "../typed-arrays.ts";
import type { ImageInfo } from "./image-info.ts";

/** An array for a frame's samples, of the type that they are stored in. */
export function sampleArray({ container, signed, float }: ImageInfo, length: number): NumericArray {
  if (float) return container === 32 ? new Float32Array(length) : new Float64Array(length);
  if (container === 8) return signed ? new Int8Array(length) : new Uint8Array(length);
  if (container === 16) return signed ? new Int16Array(length) : new Uint16Array(length);
  return signed ? new Int32Array(length) : new Uint32Array(length);
}

/** NumPy's name of the type of an array. */
export function dtypeOf(values: NumericArray): string {
  return values.constructor.name.replace("Array", "").toLowerCase();
}

/**
 * Samples of native pixel data.
 *
 * @param bytes of the frame, from the byte in which it starts.
 * @param firstBit of the frame within its first byte, where samples are packed.
 * @param length samples to read.
 */
export function readSamples(
  bytes: Uint8Array,
  info: ImageInfo,
  firstBit: number,
  length: number,
  littleEndian: boolean,
): NumericArray {
  const output = sampleArray(info, length);
  if (info.bitsAllocated !== info.container) return unpackBits(bytes, info, firstBit, output);
  const size = info.container / 8;
  // The copy aligns the bytes, and leaves the file's own untouched by the swap.
  const target = new Uint8Array(output.buffer);
  target.set(bytes.subarray(0, length * size));
  if (!littleEndian) swapBytes(target, size);
  return output;
}

// Samples follow each other from the least significant bit on (PS3.5 8.1.1).
function unpackBits(bytes: Uint8Array, info: ImageInfo, firstBit: number, output: NumericArray): NumericArray {
  const bits = info.bitsAllocated;
  let bit = firstBit;
  if (bits === 1) {
    for (let at = 0; at < output.length; at++, bit++) output[at] = ((bytes[bit >> 3] as number) >> (bit & 7)) & 1;
    return output;
  }
  for (let at = 0; at < output.length; at++) {
    let value = 0;
    for (let taken = 0; taken < bits; ) {
      const shift = bit & 7;
      const count = Math.min(8 - shift, bits - taken);
      value += (((bytes[bit >> 3] as number) >> shift) & ((1 << count) - 1)) * 2 ** taken;
      taken += count;
      bit += count;
    }
    output[at] = value;
  }
  return output;
}

/** From [samples, pixels] to [pixels, samples]. */
export function interleave<T extends NumericArray>(planes: T, samples: number): T {
  const pixels = planes.length / samples;
  const output = planes.slice() as T;
  for (let sample = 0; sample < samples; sample++) {
    const plane = sample * pixels;
    for (let at = 0; at < pixels; at++) output[at * samples + sample] = planes[plane + at] as number;
  }
  return output;
}

/**
 * Keeps `bits` bits of every number, the lowest but `shift`, and gives them the sign that the numbers' type has. Other
 * bits hold overlays, or nothing that counts.
 */
export function keepBits(values: NumericArray, bits: number, shift = 0): NumericArray {
  const width = values.BYTES_PER_ELEMENT * 8;
  if ((bits === width && shift === 0) || values instanceof Float32Array || values instanceof Float64Array)
    return values;
  const up = 32 - bits - shift;
  const down = 32 - bits;
  const signed = values instanceof Int8Array || values instanceof Int16Array || values instanceof Int32Array;
  for (let at = 0; at < values.length; at++) {
    const raised = (values[at] as number) << up;
    values[at] = signed ? raised >> down : raised >>> down;
  }
  return values;
}
