import { expect, test } from "vitest";
import { subgroupsOf } from "../../../src/inference/clinical/subgroup-columns.ts";
import { classificationIntervals, type SubgroupColumn } from "../../../src/results/metrics/index.ts";
import { subgroupsPart } from "../../../src/results/report/clinical/subgroups.ts";
import type { ClinicalFigures } from "../../../src/results/report/index.ts";
import { RandomStream } from "../../../src/support/random.ts";

const random = RandomStream.for(8, "evaluation");
const cases = Array.from({ length: 120 }, (_, at) => {
  const label = at % 2;
  const p = Math.min(0.98, Math.max(0.02, 0.5 + 0.3 * random.normal() + (label ? 0.2 : -0.2)));
  return { label, p, sex: at < 8 ? "" : at % 3 ? "f" : "m", age: `${10 + (at % 90)}` };
});
const samples = cases.map(({ label }, at) => ({ path: `${at}.png`, label }));
const input = {
  probabilities: cases.flatMap(({ p }) => [1 - p, p]),
  labels: cases.map(({ label }) => label),
  classNames: ["benign", "malignant"],
  seed: 2,
  resamples: 80,
};
const told = (...columns: SubgroupColumn[]) =>
  subgroupsOf(
    { columns, valueIn: (sample, column) => cases[samples.indexOf(sample)]?.[column as "sex" | "age"] ?? "" },
    samples,
    input,
  );

test("figures are those of the images with each value; the unknown stand last", () => {
  const [bySex] = told({ column: "sex" });
  expect(bySex?.subgroups.map(({ value, n, tooSmall }) => [value, n, tooSmall])).toEqual([
    ["f", 75, false],
    ["m", 37, false],
    [null, 8, true],
  ]);
  const men = cases.filter(({ sex }) => sex === "m");
  expect(bySex?.subgroups[1]?.figures).toEqual(
    classificationIntervals({
      ...input,
      probabilities: men.flatMap(({ p }) => [1 - p, p]),
      labels: men.map(({ label }) => label),
    }),
  );
});

test("numbers are told between their cut points or in quartiles, from low to high", () => {
  const [cut, quartiles] = told({ column: "age", cuts: [100, 20] }, { column: "age" });
  expect(cut?.subgroups.map(({ value, n }) => [value, n])).toEqual([
    ["below 20", 20],
    ["20 to below 100", 100],
  ]);
  expect(quartiles?.subgroups.map(({ value }) => value?.replace(/[\d.]+/g, "#"))).toEqual([
    "below #",
    "# to below #",
    "# to below #",
    "# or more",
  ]);
  for (const { n } of quartiles?.subgroups ?? []) expect(Math.abs(n - 30)).toBeLessThan(3);
});

test("a column of names of single cases is refused", () => {
  const columns = [{ column: "id" }];
  const valueIn = ({ path }: { path: string }) => path;
  expect(() => subgroupsOf({ columns, valueIn }, samples, input)).toThrow(/--subgroups id: .*got 120 values/);
});

test("the report has a table for each column, and warns of groups and classes that are too small", () => {
  const subgroups = told({ column: "sex" }, { column: "age", cuts: [20] });
  const page = subgroupsPart({ subgroups } as ClinicalFigures)
    .map(({ markup }) => markup)
    .join("\n");
  expect(page).toMatch(/not known<br><small class="spread"><b>too few to tell/);
  expect(page).toContain("Groups of fewer than 30 patients or images");
  const { sensitivity } = subgroups[0]?.subgroups[0]?.figures.perClass[1]?.figures ?? {};
  expect(page).toContain(`<td class="number">${(100 * (sensitivity?.value as number)).toFixed(1)}<br>`);
  expect(page.match(/class="warning"/g)).toHaveLength(2);
  expect(subgroupsPart({} as ClinicalFigures)).toEqual([]);
});
