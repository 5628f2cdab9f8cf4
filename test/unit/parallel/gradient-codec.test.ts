import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK, type GradientCodec, gradientCodecs } from "../../../src/parallel/gradient-codec.ts";

const { bf16, int8 } = gradientCodecs;

/** What arrives of values. */
function sent(codec: GradientCodec, values: Float32Array, rest = new Float32Array(values.length)): Float32Array {
  const bytes = new Uint8Array(codec.bytesOf(values.length));
  codec.encode(values, rest, bytes);
  const arrived = new Float32Array(values.length);
  codec.decode(bytes, arrived);
  return arrived;
}

const floats = (length: number, at: (i: number) => number) => Float32Array.from({ length }, (_, i) => at(i));

describe.each(Object.entries(gradientCodecs))("gradients as %s", (_, codec) => {
  test.each([0, 1, 2, 127, 128, 129, 1000])(
    "of %i values arrive as they were read, and those are left alone",
    (length) => {
      const values = floats(length, (i) => Math.sin(i + 1) * 10 ** ((i % 5) - 2));
      const copy = values.slice();
      const arrived = sent(codec, values);
      expect(values).toEqual(copy);
      expect(codec.bytesOf(length) % 4).toBe(0);
      const largest = Math.max(0, ...values.map(Math.abs));
      for (const [i, value] of arrived.entries()) {
        expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(largest / 250);
      }
    },
  );

  test("what rounding took is sent later: sums over time differ by one rounding", () => {
    const rest = new Float32Array(300);
    const [given, arrived] = [new Float64Array(300), new Float64Array(300)];
    for (let step = 1; step <= 60; step++) {
      const values = floats(300, (i) => 1e-3 * Math.sin(i * step) + (i % 3 === 0 ? 1e-6 : 0));
      for (const [i, value] of sent(codec, values, rest).entries()) {
        arrived[i] = (arrived[i] as number) + value;
        given[i] = (given[i] as number) + (values[i] as number);
      }
    }
    for (const [i, sum] of arrived.entries()) {
      expect(Math.abs(sum + (rest[i] as number) - (given[i] as number))).toBeLessThan(2e-8);
      expect(Math.abs(rest[i] as number)).toBeLessThan(1e-3 / 127);
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%d arrives as no finite number",
    (bad) => {
      const rest = new Float32Array(200);
      const arrived = sent(
        codec,
        floats(200, (i) => (i === 130 ? bad : 1)),
        rest,
      );
      expect(Number.isFinite(arrived[130])).toBe(false);
      expect(arrived[3]).toBe(1);
      // And is not there any more when the next values come.
      expect([...rest].every((value) => Math.abs(value) < 1e-6)).toBe(true);
    },
  );

  test("zeros and the smallest values cost nothing of what follows", () => {
    const rest = new Float32Array(4);
    expect(sent(codec, Float32Array.of(0, -0, 1e-45, 1e-38), rest).every((value) => Math.abs(value) <= 1.01e-38)).toBe(
      true,
    );
    expect(sent(codec, Float32Array.of(1, 2, 3, 4), rest)[3]).toBe(4);
  });
});

test("bf16 rounds to the nearest, of two as near to the even one, in half of the bytes", () => {
  const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -3.140625);
  expect([...sent(bf16, values)]).toEqual([1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -3.140625]);
  expect(bf16.bytesOf(1000)).toBe(2000);
  fc.assert(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true, max: Math.fround(3.3e38), min: Math.fround(-3.3e38) }),
      (value) => {
        const [arrived] = sent(bf16, Float32Array.of(value));
        expect(Math.abs((arrived as number) - value)).toBeLessThanOrEqual(
          Math.max(2 ** -8 * Math.abs(value), 2 ** -134),
        );
      },
    ),
  );
});

test("int8 has a scale for each block, so that large values take nothing from others", () => {
  const values = floats(2 * BLOCK, (i) => (i < BLOCK ? 1000 : 0.001) * (i % 2 === 0 ? 1 : -1));
  const arrived = sent(int8, values);
  expect(arrived[0]).toBeCloseTo(1000, 3);
  expect(arrived[BLOCK + 1]).toBeCloseTo(-0.001, 9);
  expect(int8.bytesOf(128_000)).toBe(128_000 + 4000);
  const levels = sent(int8, Float32Array.of(127, 2.5, -3.5, 0.4));
  expect([...levels]).toEqual([127, 2, -4, 0]);
});
