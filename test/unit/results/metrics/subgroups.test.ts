import { describe, expect, test } from "vitest";
import { classificationIntervals, subgroupIntervals } from "../../../../src/results/metrics/index.ts";

const classNames = ["no", "yes"];
const n = 120;
const labels = Array.from({ length: n }, (_, at) => Number(at % 3 === 0));
const probabilities = labels.flatMap((label, at) => {
  const p = Math.min(0.99, Math.max(0.01, 0.3 + 0.35 * label + 0.3 * Math.sin(at)));
  return [1 - p, p];
});
const input = { classNames, labels, probabilities, seed: 1, resamples: 200, column: "age" };
/** 60 of 10, 31 of 9, 19 of nothing, and 10 of "x", all of class no. */
const values = labels.map((label, at) => (at < 60 ? "10" : at < 91 ? "9" : label === 0 && at < 105 ? "x" : undefined));

describe("subgroupIntervals", () => {
  const found = subgroupIntervals({ ...input, values });

  test("measures each value's cases as if there were no others, in order, unknown ones last", () => {
    expect(found.subgroups.map(({ value, n: count }) => [value, count])).toEqual([
      ["9", 31],
      ["10", 60],
      ["x", 10],
      [null, 19],
    ]);
    expect(found.subgroups[1]?.figures).toEqual(
      classificationIntervals({
        classNames,
        labels: labels.slice(0, 60),
        probabilities: probabilities.slice(0, 120),
        seed: 1,
        resamples: 200,
      }),
    );
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test("marks subgroups below 30 cases, and classes with fewer than ten on either side", () => {
    expect(found.fewest).toEqual({ subgroup: 30, class: 10 });
    expect(found.subgroups.map(({ tooSmall }) => tooSmall)).toEqual([false, false, true, true]);
    // 31 cases from the 60th on hold eleven of class yes.
    expect(found.subgroups.map(({ classesTooSmall }) => classesTooSmall)).toEqual([[], [], classNames, classNames]);
  });

  test("a subgroup of one class has no AUC, says why, and has an interval of what it has", () => {
    const alone = found.subgroups[2]?.figures;
    expect(alone?.figures.aucMacro).toMatchObject({ value: null, reason: "not defined on these cases" });
    expect(alone?.perClass[1]?.figures.sensitivity.value).toBeNull();
    expect(alone?.perClass[0]?.figures.sensitivity.low).not.toBeNull();
  });

  test("counts patients where they are known", () => {
    const groups = labels.map((_, at) => `patient ${Math.floor(at / 3)}`);
    const { subgroups } = subgroupIntervals({ ...input, values, groups });
    // 60 cases of 20 patients, each of whom has both classes.
    expect(subgroups[1]).toMatchObject({ n: 60, tooSmall: true, classesTooSmall: [] });
    expect(subgroups[1]?.figures.resampling).toMatchObject({ groups: 20, mixedGroups: 20 });
  });

  test("wants a value for each case", () => {
    expect(() => subgroupIntervals({ ...input, values: ["a"] })).toThrow(
      /subgroups by age: expected 120 values.*got 1/,
    );
  });
});
