import { describe, expect, test } from "vitest";
import { findNeighbours, type Neighbours, normalisedRows, rowCount, votes } from "../../../src/results/neighbours.ts";
import { RandomStream } from "../../../src/support/random.ts";

const drawn = (seed: number, rows: number, width: number) => {
  const stream = RandomStream.for(seed, "phantom");
  return { values: Float32Array.from({ length: rows * width }, () => stream.normal()), width };
};
const room = (queries: number, k: number): Neighbours => ({
  k,
  indices: new Uint32Array(queries * k),
  similarities: new Float64Array(queries * k),
});

describe("nearest neighbours", () => {
  test("are those of the whole list sorted by the cosine, whatever the blocks", () => {
    const [bank, queries] = [drawn(1, 40, 7), drawn(2, 9, 7)];
    const found = room(9, 5);
    const [a, b] = [normalisedRows(bank), normalisedRows(queries)];
    for (const [from, to] of [
      [0, 4],
      [4, 9],
    ] as const)
      findNeighbours(a, b, { from, to }, found);
    for (let query = 0; query < 9; query++) {
      const cosines = Array.from({ length: 40 }, (_, row) => {
        const dot = (x: Float32Array, i: number, y: Float32Array, j: number) =>
          Array.from({ length: 7 }, (__, d) => (x[7 * i + d] as number) * (y[7 * j + d] as number)).reduce(
            (p, q) => p + q,
          );
        const { values: own } = bank;
        const { values: asked } = queries;
        return dot(own, row, asked, query) / Math.sqrt(dot(own, row, own, row) * dot(asked, query, asked, query));
      });
      const sorted = cosines.map((cosine, row) => [cosine, row] as const).sort((x, y) => y[0] - x[0]);
      for (let place = 0; place < 5; place++) {
        const [cosine, row] = sorted[place] as readonly [number, number];
        expect(found.indices[5 * query + place]).toBe(row);
        expect(found.similarities[5 * query + place]).toBeCloseTo(cosine, 6);
      }
    }
  });

  test("of equal similarity come in the order of the bank, and rows of zeros are like nothing", () => {
    const bank = normalisedRows({ values: Float32Array.of(1, 0, 0, 0, 2, 0, 0, 3), width: 2 });
    expect(rowCount(bank)).toBe(4);
    const found = room(1, 4);
    findNeighbours(bank, normalisedRows({ values: Float32Array.of(5, 0), width: 2 }), { from: 0, to: 1 }, found);
    expect([...found.indices]).toEqual([0, 2, 1, 3]);
    expect([...found.similarities]).toEqual([1, 1, 0, 0]);
  });

  test("vote by the exponential of their similarity, the first k of them", () => {
    const found: Neighbours = {
      k: 3,
      indices: Uint32Array.of(2, 0, 1, 1, 2, 0),
      similarities: Float64Array.of(0.9, 0.8, 0.1, 0.5, 0.5, 0.5),
    };
    const labels = [0, 1, 0];
    const weights = [0.9, 0.8, 0.1].map((similarity) => Math.exp(similarity / 0.07));
    const sum = weights.reduce((a, b) => a + b);
    const told = votes(found, labels, { k: 3, classes: 2, temperature: 0.07 });
    const expected = [
      ((weights[0] as number) + (weights[1] as number)) / sum,
      (weights[2] as number) / sum,
      2 / 3,
      1 / 3,
    ];
    for (const [i, value] of expected.entries()) expect(told[i]).toBeCloseTo(value, 12);
    expect([...votes(found, labels, { k: 1, classes: 2, temperature: 0.07 })]).toEqual([1, 0, 0, 1]);
  });
});
