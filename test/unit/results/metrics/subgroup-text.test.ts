import { expect, test } from "vitest";
import { parseSubgroups, quartilesOf, valueRanges } from "../../../../src/results/metrics/index.ts";

test("columns are read as they are written, each with its own cut points", () => {
  const columns = [
    { column: "sex" },
    { column: "age", cuts: [40, 60.5] },
    { column: "site" },
    { column: "stage:T" },
    { column: "temp", cuts: [-1] },
  ];
  // As a flag gives them, split at the commas, and as a file of options may.
  expect(parseSubgroups(["sex", "age:40", " 60.5", "site", "stage:T", "temp:-1"])).toEqual(columns);
  expect(parseSubgroups(["sex", "age:40,60.5", "site", "stage:T", "temp:-1"])).toEqual(columns);
  // A number after a column without cut points is a column of that name.
  expect(parseSubgroups(["sex", "2019"])).toEqual([{ column: "sex" }, { column: "2019" }]);
  for (const bad of [["sex", ""], ["sex,,age"], [":40"]])
    expect(() => parseSubgroups(bad)).toThrow(/--subgroups: expected/);
});

test("numbers lie at or above their cut point, in ranges from low to high", () => {
  const { values, names } = valueRanges(["39.9", "40", "60", "1e2", "", undefined, "-3"], [60, 40, 60], "age");
  expect(names).toEqual(["below 40", "40 to below 60", "60 or more"]);
  expect(values).toEqual([names[0], names[1], names[2], names[2], undefined, undefined, names[0]]);
  expect(() => valueRanges(["40", "old"], [30], "age")).toThrow(/by age: expected numbers.*got "old"/);
});

test("a column of many numbers has quartiles, one of few or of words none", () => {
  expect(quartilesOf(Array.from({ length: 101 }, (_, at) => `${100 - at}`))).toEqual([25, 50, 75]);
  expect(quartilesOf(["", ...Array.from({ length: 101 }, (_, at) => `${at}`), undefined])).toEqual([25, 50, 75]);
  expect(quartilesOf(["1", "2", "3", "4", "5", "6", "7", "8", "8"])).toBeUndefined();
  expect(quartilesOf([...Array.from({ length: 101 }, (_, at) => `${at}`), "x"])).toBeUndefined();
});
