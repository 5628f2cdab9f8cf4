import { expect, test } from "vitest";
import type { LookingPoint } from "../../../src/experiments/looking.ts";
import { lookingOfReport } from "../../../src/experiments/looking-report.ts";
import type { PretrainingLooking } from "../../../src/experiments/outcome.ts";

const uniform = { masked: 0.4, thrown: 0.35, kept: 0.25, hidden: 0.5 };
const point = (epoch: number, pointing: number | null): LookingPoint => ({
  ...{ epoch, pointing, auc: 0.6, masked: 0.5, thrown: 0.25, kept: 0.25, hidden: 0.75 },
});
const looking = (pretraining: string, seed: number, ...points: LookingPoint[]): PretrainingLooking => ({
  ...{ pretraining, seed, images: 10, patches: 2 + seed, guidedFrom: 0, uniform, points },
});

test("a pre-training's row is its last checkpoint over seeds, beside one row of uniform drawing", () => {
  const found = lookingOfReport([
    looking("a", 0, point(2, 0), point(4, 0.2)),
    looking("a", 1, point(2, 0.2), point(4, 0.6)),
    looking("b", 0, point(4, null)),
  ]);
  expect(found?.rows.map(({ name, epoch, seeds }) => [name, epoch, seeds])).toEqual([
    ["a", 4, 2],
    ["b", 4, 1],
    ["uniform, as for a", null, 2],
    ["uniform, as for b", null, 1],
  ]);
  const [a, b, expected] = found?.rows ?? [];
  expect(a?.figures.pointing?.mean).toBeCloseTo(0.4, 12);
  expect(a?.figures.pointing?.std).toBeCloseTo(Math.sqrt(0.08), 12);
  expect(b?.figures.pointing).toBeNull();
  expect(b?.figures.hidden).toEqual({ mean: 0.75, std: null });
  expect(expected?.figures).toMatchObject({ pointing: null, masked: { mean: 0.4, std: 0 }, hidden: { mean: 0.5 } });
  expect(found?.patches).toBeCloseTo(7 / 3, 12);
});

test("a pre-training that draws uniformly itself has no second row of that", () => {
  const random = { ...looking("b", 0, point(4, 0)), guidedFrom: null, uniform: { ...uniform, masked: 0.75 } };
  const names = (...seeds: PretrainingLooking[]) => lookingOfReport(seeds)?.rows.map(({ name }) => name);
  expect(names(looking("a", 0, point(4, 0)), random)).toEqual(["a", "b", "uniform, as for a"]);
  expect(names(random)).toEqual(["b"]);
  const guided = ["a", "c", "d", "e"].map((name) => looking(name, 0, point(4, 0)));
  expect(names(...guided.slice(0, 3), random)?.at(-1)).toBe("uniform, as for a, c, d");
  expect(names(...guided, random)?.at(-1)).toBe("uniform, as for a, c and 2 more");
});

test("curves are means over seeds with each seed behind, and uniform drawing from end to end", () => {
  const found = lookingOfReport([
    looking("a", 0, point(2, 0), point(4, 0.2)),
    looking("a", 1, point(2, 0.2), point(4, 0.6)),
  ]);
  const [pointing, , masked] = found?.curves ?? [];
  expect(pointing?.series).toEqual([
    {
      ...{
        name: "a",
        points: [
          [2, 0.1],
          [4, 0.4],
        ],
      },
      runs: [
        [
          [2, 0],
          [4, 0.2],
        ],
        [
          [2, 0.2],
          [4, 0.6],
        ],
      ],
    },
  ]);
  expect(masked?.series.map(({ name }) => name)).toEqual(["a", "uniform"]);
  expect(masked?.series[1]?.points).toEqual([
    [2, 0.4],
    [4, 0.4],
  ]);
});

test("without masks there is nothing, and of last checkpoints alone no curve", () => {
  expect(lookingOfReport([])).toBeUndefined();
  expect(lookingOfReport([looking("a", 0, point(4, 0.2))])?.curves).toEqual([]);
});
