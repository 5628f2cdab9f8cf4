import { expect, test } from "vitest";
import { encodeNpy } from "../../../src/data/decode/npy.ts";

test("encodeNpy writes the bytes of np.save for float32 [2, 3]", () => {
  const bytes = encodeNpy(Float32Array.of(0, 1, -2, 0.5, 1e-3, 3e8), [2, 3]);
  const text = Buffer.from(bytes).toString("latin1", 0, 128);
  const dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  expect(text).toBe(`\u0093NUMPY\u0001\u0000\u0076\u0000${dictionary.padEnd(117)}\n`);
  expect(bytes).toHaveLength(128 + 24);
  const view = new DataView(bytes.buffer);
  expect(Array.from({ length: 6 }, (_, i) => view.getFloat32(128 + 4 * i, true))).toEqual([
    ...Float32Array.of(0, 1, -2, 0.5, 1e-3, 3e8),
  ]);
});

test("encodeNpy writes one axis as Python's tuple of one, none as the empty tuple", () => {
  const header = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1", 10, 128);
  expect(header(encodeNpy(new Float32Array(3), [3]))).toContain("'shape': (3,), }");
  expect(header(encodeNpy(new Float32Array(1), []))).toContain("'shape': (), }");
});
