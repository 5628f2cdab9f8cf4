import { describe, expect, test } from "vitest";
import { chooseThreshold, type OperatingRule, operatingPoints } from "../../../../src/results/metrics/index.ts";

describe("chooseThreshold", () => {
  // From the highest score down: + + − + − −, the two lowest tied.
  const scores = [0.9, 0.8, 0.7, 0.6, 0.2, 0.2];
  const positive = [1, 1, 0, 1, 0, 0];
  const choose = (rule: OperatingRule) => chooseThreshold(scores, positive, rule);

  test("takes the highest of equal thresholds", () => {
    // 0.8 finds two of three without an alarm, 0.6 all three with one of three: both 2/3.
    expect(choose({ kind: "youden" })).toEqual({
      threshold: 0.8,
      sensitivity: 2 / 3,
      specificity: 1,
      positives: 3,
      negatives: 3,
    });
  });

  test("reaches a sensitivity with the fewest alarms, a specificity with the most found", () => {
    expect(choose({ kind: "sensitivity", atLeast: 2 / 3 })?.threshold).toBe(0.8);
    expect(choose({ kind: "sensitivity", atLeast: 0.67 })?.threshold).toBe(0.6);
    expect(choose({ kind: "specificity", atLeast: 1 })?.threshold).toBe(0.8);
    expect(choose({ kind: "specificity", atLeast: 2 / 3 })?.threshold).toBe(0.6);
    // 0.2 has no specificity at all, and no more found than 0.6.
    expect(choose({ kind: "specificity", atLeast: 0.01 })?.threshold).toBe(0.6);
  });

  test("weighs costs, and the prevalence where the model will be used", () => {
    const cost = { kind: "cost", falsePositive: 1, falseNegative: 1.5 } as const;
    expect(choose(cost)?.threshold).toBe(0.6);
    expect(choose({ ...cost, falseNegative: 0.5 })?.threshold).toBe(0.8);
    // Where one of a hundred is positive an alarm weighs 99 times as much.
    expect(choose({ ...cost, prevalence: 0.01 })?.threshold).toBe(0.8);
    expect(choose({ ...cost, falseNegative: 150, prevalence: 0.01 })?.threshold).toBe(0.6);
  });

  test("calls nothing positive where no threshold is better than that", () => {
    const upsideDown = scores.map((score) => -score);
    expect(chooseThreshold(upsideDown, positive, { kind: "youden" })).toMatchObject({
      threshold: null,
      sensitivity: 0,
      specificity: 1,
    });
    expect(chooseThreshold(upsideDown, positive, { kind: "specificity", atLeast: 0.9 })?.threshold).toBeNull();
  });

  test("chooses none without positives or without negatives, and refuses what is no share or cost", () => {
    expect(chooseThreshold(scores, [1, 1, 1, 1, 1, 1], { kind: "youden" })).toBeUndefined();
    expect(chooseThreshold(scores, [0, 0, 0, 0, 0, 0], { kind: "youden" })).toBeUndefined();
    expect(() => choose({ kind: "sensitivity", atLeast: 90 })).toThrow(/by sensitivity, atLeast: expected a share.*90/);
    expect(() => choose({ kind: "cost", falsePositive: 0, falseNegative: 1 })).toThrow(
      /falsePositive: expected a cost/,
    );
    expect(() => choose({ kind: "cost", falsePositive: 1, falseNegative: 1, prevalence: 1 })).toThrow(/prevalence/);
  });
});

describe("operatingPoints", () => {
  const set = (b: number[], labels: number[]) => ({ probabilities: b.flatMap((p) => [1 - p, p]), labels });
  const chosenOn = set([0.9, 0.6, 0.5, 0.1], [1, 1, 0, 0]);
  const appliedTo = set([0.7, 0.6, 0.59, 0.65, 0.2, 0.1, 0.3, 0.2], [1, 1, 1, 0, 0, 0, 0, 0]);
  const input = { classNames: ["no", "yes"], chosenOn, appliedTo, rules: [{ kind: "youden" } as const], seed: 1 };

  test("of two classes the second is positive; scores at the threshold are called", () => {
    const { points, n, chosenOn: from, resampling } = operatingPoints(input);
    expect([n, from, resampling.groups, resampling.resamples]).toEqual([8, 4, 8, 2000]);
    const [point] = points;
    expect(points).toHaveLength(1);
    expect(point).toMatchObject({ class: "yes", chosen: { threshold: 0.6, sensitivity: 1, specificity: 1 } });
    expect(point?.applied).toMatchObject({
      support: 3,
      prevalence: 3 / 8,
      counts: { truePositives: 2, falsePositives: 1, falseNegatives: 1, trueNegatives: 4 },
      figures: {
        sensitivity: { value: 2 / 3, low: 0, high: 1, method: "bootstrap-percentile" },
        specificity: { value: 4 / 5 },
        ppv: { value: 2 / 3 },
        npv: { value: 4 / 5 },
      },
    });
    expect(JSON.parse(JSON.stringify(points))).toEqual(points);
  });

  test("patients are drawn together, and a proportion of 1 has Wilson's interval of theirs", () => {
    const rules = [
      { kind: "sensitivity", atLeast: 1 } as const,
      { kind: "cost", falsePositive: 1, falseNegative: 1 } as const,
    ];
    const groups = ["p", "p", "p", "q", "q", "r", "r", undefined];
    const easier = { ...appliedTo, labels: [1, 1, 0, 0, 0, 0, 0, 0] };
    const { points, resampling } = operatingPoints({ ...input, rules, groups, appliedTo: easier });
    expect(resampling).toMatchObject({ groups: 4, mixedGroups: 1 });
    expect(points.map(({ rule }) => rule)).toEqual(rules);
    const sensitivity = points[0]?.applied?.figures.sensitivity;
    expect(sensitivity).toMatchObject({ value: 1, method: "wilson" });
    // One patient: statsmodels, proportion_confint(1, 1, method="wilson").
    expect(sensitivity?.low).toBeCloseTo(0.2065493, 6);
  });

  test("classes to choose on that do not occur leave the point empty, with the reason", () => {
    const classNames = ["a", "b", "c"];
    const rows = (labels: number[]) => ({ labels, probabilities: labels.flatMap(() => [0.5, 0.3, 0.2]) });
    const { points } = operatingPoints({ ...input, classNames, chosenOn: rows([0, 1]), appliedTo: rows([0, 1, 2]) });
    expect(points.map(({ class: name, chosen }) => [name, chosen === null])).toEqual([
      ["a", false],
      ["b", false],
      ["c", true],
    ]);
    expect(points[2]).toMatchObject({ applied: null, reason: expect.stringMatching(/none of them is/) });
    // All rows are the same: no threshold is better than none.
    expect(points[0]).toMatchObject({ chosen: { threshold: null }, applied: { counts: { truePositives: 0 } } });
    expect(() => operatingPoints({ ...input, positives: ["maybe"] })).toThrow(
      /positives: expected names among no, yes.*maybe/,
    );
  });
});
