import { expect, test } from "vitest";
import { float16Weight, int4Block, int4Weight, int8Weight } from "../../../../src/engine/onnx/weight-rounding.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { quantizedReference } from "../../../support/quantized-reference.ts";

function weightOf(rows: number, columns: number): Float32Array {
  const stream = RandomStream.for(1, "initialisation");
  return Float32Array.from({ length: rows * columns }, () => stream.normal());
}

test("int8: what the optimiser keeps of a weight, transposed and by rows; a row of zeros stays zero", () => {
  const weight = weightOf(5, 7).fill(0, 7, 14);
  const { levels, scales } = int8Weight(weight, [5, 7]);
  const { transposed, rowScales } = quantizedReference(weight, [5, 7]);
  expect([...levels]).toEqual([...transposed]);
  expect([...scales]).toEqual([...rowScales]);
});

/** What programs read of 4 bits: the level of each element, row-major, the first of a byte in its low bits. */
function levelsIn(bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, at) => {
    const four = ((bytes[at >> 1] as number) >> (at % 2 === 0 ? 0 : 4)) & 15;
    return four > 7 ? four - 16 : four;
  });
}

test.each([
  [3, 32, 32],
  [4, 80, 16],
  [5, 48, 16],
])("int4 of [%i, %i] in blocks of %i: within half a step, by the largest magnitude", (rows, columns, block) => {
  expect(int4Block(columns)).toBe(block);
  const weight = weightOf(rows, columns);
  const { bytes, scales } = int4Weight(weight, [rows, columns], block);
  const levels = levelsIn(bytes, rows * columns);
  expect(scales).toHaveLength((columns / block) * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * columns + column - (column % block);
      const largest = weight.subarray(from, from + block).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const scale = scales[Math.floor(column / block) * rows + row] as number;
      expect(Math.abs(scale)).toBeCloseTo(largest / 8, 6);
      const value = weight[row * columns + column] as number;
      const read = (levels[column * rows + row] as number) * scale;
      // The level 8 is not there: what is as large as the largest, with the other sign, is a step off.
      const allowed = value / scale > 7.5 ? 1 : 0.5;
      expect(Math.abs(read - value) / Math.abs(scale)).toBeLessThanOrEqual(allowed + 1e-5);
    }
  }
});

test("int4: inputs that make no whole blocks have none", () => {
  expect([8, 20, 24].map(int4Block)).toEqual([undefined, undefined, undefined]);
});

test("int4: a block of zeros is zero", () => {
  const { bytes, scales } = int4Weight(new Float32Array(64), [2, 32], 32);
  expect([...bytes, ...scales].every((value) => value === 0)).toBe(true);
});

test("float16: two bytes a value; nothing where one is beyond it", () => {
  expect([...(float16Weight(Float32Array.of(1, -2)) as Uint8Array)]).toEqual([0, 0x3c, 0, 0xc0]);
  expect(float16Weight(Float32Array.of(1, 70_000))).toBeUndefined();
});
