import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import type { StoredArray } from "../../../src/formats/source-image.ts";

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

describe("NumPy files as pictures", () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-npy-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const open = (shape: number[], data: StoredArray["data"], dtype: string) => {
    const path = join(folder, `${dtype}-${shape.join("x")}.npy`);
    writeFileSync(path, encodeNpy(data, shape, dtype));
    return openImageFile(path);
  };
  const counted = (shape: number[]) => Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);

  test.each([
    [[5, 7], { count: 1, height: 5, width: 7, channels: 1 }],
    [[5, 7, 1], { count: 1, height: 5, width: 7, channels: 1 }],
    [[5, 7, 3], { count: 1, height: 5, width: 7, channels: 3 }],
    [[3, 5, 7], { count: 3, height: 5, width: 7, channels: 1 }],
    [[2, 5, 7, 1], { count: 2, height: 5, width: 7, channels: 1 }],
    [[2, 5, 7, 3], { count: 2, height: 5, width: 7, channels: 3 }],
  ])("shape %j", async (shape, { count, height, width, channels }) => {
    const data = counted(shape);
    const file = await open(shape, data, "uint8");
    expect(file.count("axial")).toBe(count);
    const last = await file.read(count - 1, "axial");
    expect(last).toMatchObject({ height, width, channels, levels: [0, 255] });
    expect([...last.values]).toEqual([...data.subarray(data.length - height * width * channels)]);
  });

  test("the fourth sample of [h, w, 4] is left out", async () => {
    const { values, channels } = await (await open([1, 2, 4], counted([1, 2, 4]), "uint8")).read(0, "axial");
    expect([channels, ...values]).toEqual([3, 0, 1, 2, 4, 5, 6]);
  });

  test.each([[[5]], [[]], [[0, 4]], [[1, 2, 3, 4, 5]], [[2, 3, 4, 5]]])("shape %j is no picture", async (shape) => {
    await expect(open(shape, new Uint8Array(shape.reduce((a, b) => a * b, 1)), "uint8")).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining(`shape (${shape.join(", ")})`),
    });
  });

  test("slices of one measured stack share the stack's values for percentiles, levels do not", async () => {
    const file = await open([2, 1, 2], Int16Array.of(1, 2, 30, 4), "int16");
    expect([...((await file.read(0, "axial")).volumeSample as Float64Array)]).toEqual([1, 2, 4, 30]);
    const levels = await open([2, 1, 2], Uint8Array.of(1, 2, 30, 4), "uint8");
    expect((await levels.read(0, "axial")).volumeSample).toBeUndefined();
  });

  test("bool is black and white; floats from 0 to 1 are colours of full range, others are not", async () => {
    const read = async (data: StoredArray["data"], dtype: string, shape: number[]) =>
      (await open(shape, data, dtype)).read(0, "axial");
    expect((await read(Uint8Array.of(0, 1), "bool", [1, 2])).levels).toEqual([0, 1]);
    expect((await read(Float32Array.of(0.2, 1, 0), "float32", [1, 1, 3])).levels).toEqual([0, 1]);
    expect((await read(Float64Array.of(0.2, 2, 0), "float64", [1, 1, 3])).levels).toBeUndefined();
  });

  test("halves, 64-bit integers and complex numbers have values", async () => {
    const values = async (data: StoredArray["data"], dtype: string, shape: number[]) => [
      ...(await (await open(shape, data, dtype)).read(0, "axial")).values,
    ];
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00, 0x7e00);
    expect(await values(halves, "float16", [1, 6])).toEqual([1, -2, 2 ** -24, Infinity, -Infinity, Number.NaN]);
    expect(await values(BigInt64Array.of(-5n, 2n ** 40n), "int64", [1, 2])).toEqual([-5, 2 ** 40]);
    expect(await values(Float32Array.of(3, 4, 0, -2), "complex64", [1, 2])).toEqual([5, 2]);
  });

  const header = (text: string) => {
    const bytes = Buffer.from(encodeNpy(new Float32Array(6), [2, 3]));
    bytes.fill(" ", 10, 127);
    bytes.write(text, 10, "latin1");
    const path = join(folder, "header.npy");
    writeFileSync(path, bytes);
    return openImageFile(path);
  };
  test.each([
    ["{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", /\|O, which is no type of numbers/],
    ["{'descr': '<U8', 'fortran_order': False, 'shape': (2, 3), }", /<U8, which is no type of numbers/],
    ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", /named fields/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", /cut short: 24 of 32 bytes/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }", /more than \d+/],
    ["{'descr': '<f4', 'shape': (2, 3), }", /damaged/],
  ])("%s is a Data error", async (text, reason) => {
    await expect(header(text)).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(reason) });
  });
});

test.each([
  ["uint8", "'|u1'"],
  ["int16", "'<i2'"],
  ["bool", "'|b1'"],
  ["complex128", "'<c16'"],
  ["[('R', 'u1'), ('G', 'u1'), ('B', 'u1')]", "[('R', '|u1'), ('G', '|u1'), ('B', '|u1')]"],
])("encodeNpy names %s as NumPy does", (dtype, descriptor) => {
  const text = Buffer.from(encodeNpy(new Uint8Array(0), [0], dtype)).toString("latin1");
  expect(text).toContain(`{'descr': ${descriptor}, `);
});
