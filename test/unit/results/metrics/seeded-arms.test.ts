import { describe, expect, test } from "vitest";
import {
  type ClassAnswersFigure,
  classAnswers,
  classificationMetrics,
  joinedAnswers,
  type SeededArm,
  seededArms,
  valuedAnswers,
} from "../../../../src/results/metrics/index.ts";

const labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2];
const right = labels;
const half = [0, 0, 1, 1, 1, 1, 0, 0, 2, 0];
const none = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0];
const cases = labels.map((_, at) => `${at}.png`);
const arm = (name: string, ...seeds: number[][]): SeededArm<ClassAnswersFigure> => ({
  name,
  seeds: seeds.map((predictions) => classAnswers(cases, labels, predictions, 3)),
});

describe("arms over seeds", () => {
  test("have means and deviations of the figures that classificationMetrics gives", () => {
    const told = seededArms({ arms: [arm("a", half, none)], sameCases: true, differences: [], seed: 1, resamples: 50 });
    const oneHot = (predictions: number[]) => predictions.flatMap((k) => [0, 1, 2].map((other) => Number(other === k)));
    const [first, second] = [half, none].map((predictions) =>
      classificationMetrics({ probabilities: oneHot(predictions), labels, classNames: ["x", "y", "z"] }),
    );
    for (const figure of ["accuracy", "balancedAccuracy", "f1Macro"] as const) {
      const [a, b] = [first?.[figure] as number, second?.[figure] as number];
      const { mean, std } = told.arms[0]?.figures[figure] ?? {};
      expect(mean).toBeCloseTo((a + b) / 2, 14);
      expect(std).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 14);
    }
  });

  test("of more figures than one kind have all of them, a case that does not define one without a part in it", () => {
    const own = classAnswers(cases, labels, half, 3);
    const values = labels.map((_, at) => (at < 8 ? Number(at < 2) : Number.NaN));
    const both = joinedAnswers(own, valuedAnswers(cases, { pointing: values }));
    const once = new Uint32Array(cases.length).fill(1);
    expect(both.measure(once)).toEqual({ ...own.measure(once), pointing: 0.25 });
    expect(both).toMatchObject({ cases, strata: labels, right: own.right });
  });

  test("the same draw measures all arms: a difference is certain where one is right wherever the other is", () => {
    const arms = [arm("good", right, right), arm("bad", none, none)];
    const { differences } = seededArms({ arms, sameCases: true, differences: [["good", "bad"]], seed: 1 });
    expect(differences[0]?.figures.accuracy).toMatchObject({ delta: 1, low: 1, high: 1 });
    expect(differences[0]?.figures.accuracy.p).toBeCloseTo(2 / 2001, 12);
    expect(differences[0]?.figures.accuracy.seedsAbove).toBe(2);
    // Ten images, on each of which the first alone is right: 2 · 0.5^10.
    expect(differences[0]?.mcnemar?.map(({ p }) => p)).toEqual([2 / 1024, 2 / 1024]);
    const same = seededArms({
      arms: [arm("a", half), arm("b", half)],
      sameCases: true,
      differences: [["a", "b"]],
      seed: 1,
    });
    expect(same.differences[0]?.figures.accuracy).toEqual({ delta: 0, low: 0, high: 0, p: 1, seedsAbove: 0 });
  });

  test("seeds are drawn anew beside cases", () => {
    const told = seededArms({ arms: [arm("a", right, none)], sameCases: true, differences: [], seed: 1 });
    // Of two seeds one in four resamples has the first twice, one in four the second twice.
    expect(told.arms[0]?.figures.accuracy).toMatchObject({ mean: 0.5, low: 0, high: 1 });
    const alone = seededArms({ arms: [arm("a", right)], sameCases: true, differences: [], seed: 1 });
    expect(alone.arms[0]?.figures.accuracy).toMatchObject({ mean: 1, std: null, low: 1, high: 1 });
  });

  test("as many cases of every class are drawn as there are", () => {
    // Only class 2, of two cases, has one right and one wrong: accuracy takes three values.
    const almost = [...labels.slice(0, 9), 0];
    const [told] = seededArms({ arms: [arm("a", almost)], sameCases: true, differences: [], seed: 1 }).arms;
    expect(told?.figures.accuracy).toMatchObject({ low: 0.8, high: 1 });
  });

  test("of other cases in each seed these are drawn by themselves, and other cases between arms are refused", () => {
    const own = (name: string): SeededArm<ClassAnswersFigure> => ({
      name,
      seeds: [classAnswers(["a", "b"], [0, 1], [0, 1], 2), classAnswers(["c", "d", "e"], [1, 0, 1], [1, 0, 0], 2)],
    });
    const input = { sameCases: false, differences: [], seed: 1 };
    const told = seededArms({ ...input, arms: [own("a")] });
    expect(told.arms[0]?.figures.accuracy.mean).toBeCloseTo((1 + 2 / 3) / 2, 14);
    const other = { name: "b", seeds: [...own("b").seeds].reverse() };
    expect(() => seededArms({ ...input, arms: [own("a"), other] })).toThrow(/seed 0: .* others of b/);
    expect(() => seededArms({ ...input, arms: [] })).toThrow(/no arms/);
    expect(() => seededArms({ ...input, arms: [own("a")], differences: [["a", "c"]] })).toThrow(/differences with c/);
  });

  test("cases that all seeds share are drawn once for all of them", () => {
    // With every seed the same image is wrong: drawn apart, the mean over seeds would spread less.
    const wrong = [0, ...new Array(9).fill(1)];
    const seeds = Array.from({ length: 8 }, () => classAnswers(cases, new Array(10).fill(1), wrong, 2));
    const of = (sameCases: boolean) =>
      seededArms({ arms: [{ name: "a", seeds }], differences: [], sameCases, seed: 1 }).arms[0]?.figures.accuracy;
    const width = (told: ReturnType<typeof of>) => (told?.high ?? 0) - (told?.low ?? 0);
    expect(width(of(true))).toBeGreaterThan(1.5 * width(of(false)));
  });

  test("figures that cases have themselves are averaged over those that define them, without McNemar's test", () => {
    const dice = (...values: number[]) => valuedAnswers(["a", "b", "c"], { dice: values });
    const arms = [
      { name: "x", seeds: [dice(0.5, Number.NaN, 1)] },
      { name: "y", seeds: [dice(0.25, Number.NaN, 0.75)] },
    ];
    const told = seededArms({ arms, differences: [["x", "y"]], sameCases: true, seed: 1 });
    expect(told.arms[0]?.figures.dice.mean).toBe(0.75);
    expect(told.differences[0]?.figures.dice.delta).toBe(0.25);
    expect(told.differences[0]).not.toHaveProperty("mcnemar");
  });
});
