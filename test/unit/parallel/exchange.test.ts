import fc from "fast-check";
import { expect, test } from "vitest";
import { stretchesOf } from "../../../src/parallel/exchange.ts";
import { first, oneRank } from "../../../src/parallel/ranks.ts";

test("stretches follow one another to the end, and their pieces hold them", () => {
  const whole = fc.record({
    length: fc.integer({ min: 0, max: 5000 }),
    size: fc.integer({ min: 1, max: 9 }),
    chunk: fc.integer({ min: 1, max: 700 }),
  });
  fc.assert(
    fc.property(whole, ({ length, size, chunk }) => {
      let end = 0;
      for (const stretch of stretchesOf(length, size, chunk)) {
        expect(stretch.start).toBe(end);
        expect(stretch.length).toBeGreaterThan(0);
        expect(stretch.length).toBeLessThanOrEqual(chunk);
        expect(stretch.piece * size).toBeGreaterThanOrEqual(stretch.length);
        expect(stretch.piece * size).toBeLessThan(stretch.length + size);
        end += stretch.length;
      }
      expect(end).toBe(length);
    }),
  );
});

test("a process alone adds its own values, and is told what it makes", async () => {
  const sums = [Float32Array.of(1, 2), Float32Array.of(3)];
  await oneRank.addInOrder([Float32Array.of(0.5, 0), Float32Array.of(-3)], sums, 1);
  await oneRank.completeSums(sums);
  expect(sums).toEqual([Float32Array.of(1.5, 2), Float32Array.of(0)]);
  expect(await oneRank.gather("a")).toEqual(["a"]);
  expect(await first(oneRank, async () => 7)).toBe(7);
  await expect(first(oneRank, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
});
