import { expect, test } from "vitest";
import { beginEmbedding } from "../../../src/results/embedding.ts";
import { embeddingChart } from "../../../src/results/report/charts-embedding.ts";
import { RandomStream } from "../../../src/support/random.ts";

/** Two clouds of rows in directions of their own. */
function clouds() {
  const stream = RandomStream.for(1, "phantom");
  const values = Float32Array.from({ length: 40 * 6 }, (_, i) => {
    const [row, d] = [Math.floor(i / 6), i % 6];
    return (d === row % 2 ? 5 : 0) + 0.3 * stream.normal();
  });
  return { values, width: 6 };
}

async function drawn(seed: number): Promise<[number, number][]> {
  const embedding = await beginEmbedding(clouds(), seed);
  for (let step = 0; step < embedding.steps; step++) embedding.step();
  return embedding.places();
}

test("rows of one direction stand together, and a seed gives the same picture each time", async () => {
  const places = await drawn(3);
  expect(places).toHaveLength(40);
  const distance = ([x, y]: [number, number], [u, v]: [number, number]) => Math.hypot(x - u, y - v);
  for (const [row, place] of places.entries()) {
    const others = places.map((other, i) => ({ i, far: i === row ? Infinity : distance(place, other) }));
    const nearest = others.reduce((a, b) => (b.far < a.far ? b : a));
    expect(nearest.i % 2).toBe(row % 2);
  }
  expect(await drawn(3)).toEqual(places);
  expect(await drawn(4)).not.toEqual(places);
});

const points = (count: number) => Array.from({ length: count }, (_, i): [number, number] => [i, -i]);

test("few values have a colour each, numbers of many values a scale, and rare values share one", async () => {
  const { markup: few } = await embeddingChart(points(3), "scanner", ["B", "", "A<"]);
  for (const name of [">B<", ">not known<", ">A&lt;<"]) expect(few).toContain(name);
  expect(few).toContain("Coloured by scanner");
  const numbers = points(12).map((_, i) => String(20 + 5 * i));
  const { markup: scale } = await embeddingChart(points(12), "age", numbers);
  expect(scale).toContain("linearGradient");
  const sites = points(40).map((_, i) => `site ${Math.min(i, 20)}`);
  const { markup: many } = await embeddingChart(points(40), "site", sites);
  expect(many).toContain(">others<");
  expect(many).toContain(">site 20<");
});
