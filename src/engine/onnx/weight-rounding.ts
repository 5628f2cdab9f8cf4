import { halfBits } from "../../support/half.ts";
import { roundHalfEven } from "../../support/round-half-even.ts";

/**
 * How many weights of an output share a scale in 4 bits: 32, or 16; undefined where there are not so many times either. The
 * standard would take a last block that is not full; OpenVINO does not, and ONNX Runtime has no product for smaller ones.
 */
export function int4Block(inputs: number): number | undefined {
  return [32, 16].find((block) => inputs % block === 0);
}

/** Largest magnitude of a weight in int8. Source: docs/decisions/0020, why not 127. */
const LEVELS = 64;

/** Below this a row counts as zero: its factor would no longer be a number of float32. */
const SMALLEST = 1e-30;

/**
 * A weight [out, in] in int8, transposed, with a scale for each row of it: `w[o][i] ≈ levels[i][o] · scales[o]`. Bit for bit
 * what the optimiser keeps beside a weight that is trained in int8.
 */
export function int8Weight(
  weight: Float32Array,
  [rows, columns]: readonly [number, number],
): { levels: Int8Array; scales: Float32Array } {
  const levels = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const values = weight.subarray(row * columns, (row + 1) * columns);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    scales[row] = largest / LEVELS;
    if (largest < SMALLEST) continue;
    const factor = Math.fround(LEVELS / largest);
    for (let column = 0; column < columns; column++) {
      levels[column * rows + row] = roundHalfEven(Math.fround((values[column] as number) * factor));
    }
  }
  return { levels, scales };
}

/**
 * A weight [out, in] in 4 bits, transposed, with a scale for each `block` values of a row, which divides them:
 * `w[o][i] ≈ level[i][o] · scales[⌊i / block⌋][o]`. A block's value of the largest magnitude becomes −8, by a scale of the
 * other sign, so that all 16 levels serve.
 *
 * @returns `bytes` two levels each, the first in the low bits.
 */
export function int4Weight(
  weight: Float32Array,
  [rows, columns]: readonly [number, number],
  block: number,
): { bytes: Uint8Array; scales: Float32Array } {
  const bytes = new Uint8Array(Math.ceil((rows * columns) / 2));
  const scales = new Float32Array((columns / block) * rows);
  for (let row = 0; row < rows; row++) {
    for (let from = 0; from < columns; from += block) {
      const values = weight.subarray(row * columns + from, row * columns + from + block);
      const extreme = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
      const scale = Math.fround(extreme / -8);
      scales[(from / block) * rows + row] = scale;
      for (const [i, value] of values.entries()) {
        const level = scale === 0 ? 0 : Math.max(-8, Math.min(7, roundHalfEven(value / scale)));
        const at = (from + i) * rows + row;
        bytes[at >> 1] = (bytes[at >> 1] as number) | ((level & 15) << (at % 2 === 0 ? 0 : 4));
      }
    }
  }
  return { bytes, scales };
}

/** Values in float16, as bytes; undefined where one is too large for it. */
export function float16Weight(values: Float32Array): Uint8Array | undefined {
  const bits = Uint16Array.from(values, halfBits);
  return bits.some((half) => (half & 0x7c00) === 0x7c00) ? undefined : new Uint8Array(bits.buffer);
}
