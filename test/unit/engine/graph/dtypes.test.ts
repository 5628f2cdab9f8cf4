import { expect, test } from "vitest";
import { holds, toDtype } from "../../../../src/engine/graph/dtypes.ts";

test("toDtype truncates, wraps around and takes what is not zero for true", () => {
  expect(toDtype("int8", [2.9, -2.9, 300, -129])).toEqual(Int8Array.of(2, -2, 44, 127));
  expect(toDtype("uint8", [-1, 256, 7n])).toEqual(Uint8Array.of(255, 0, 7));
  expect(toDtype("int32", [2 ** 31, -0.5])).toEqual(Int32Array.of(-(2 ** 31), 0));
  expect(toDtype("int64", [-2.9, 2 ** 40, 5n, Number.NaN])).toEqual(BigInt64Array.of(-2n, 2n ** 40n, 5n, 0n));
  expect(toDtype("bool", [0, 0.5, -1, 0n, 2n])).toEqual(Uint8Array.of(0, 1, 1, 0, 1));
  expect(toDtype("float32", [0.1, 3n])).toEqual(Float32Array.of(0.1, 3));
});

test("toDtype makes a new array", () => {
  const data = Float32Array.of(1, 2);
  const copy = toDtype("float32", data);
  copy[0] = 5;
  expect(data[0]).toBe(1);
});

test("holds knows the arrays of a dtype", () => {
  expect(holds("bool", new Uint8Array(1))).toBe(true);
  expect(holds("int64", new Int32Array(1))).toBe(false);
  expect(holds("float32", undefined)).toBe(false);
});
