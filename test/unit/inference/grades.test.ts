import { expect, test } from "vitest";
import { balancedClasses, classes } from "../../../src/inference/outcomes/classes.ts";
import { gradeProbabilities, grades } from "../../../src/inference/outcomes/grades.ts";
import { gradeSteps } from "../../../src/method/value-feeds.ts";

test("the probability of a grade is that of reaching it and not going on", () => {
  const odds = (p: number) => Math.log(p / (1 - p));
  const got = gradeProbabilities([odds(0.8), odds(0.5), odds(0.25), odds(0.1), odds(0.9), odds(0.9)], 4);
  const want = [0.2, 0.4, 0.3, 0.1, 0.9, 0.01, 0.009, 0.081];
  want.forEach((value, at) => {
    expect(got[at]).toBeCloseTo(value, 14);
  });
});

test("steps of a grade: up to it, not beyond it, and those behind are nobody's", () => {
  const nan = Number.NaN;
  expect([...gradeSteps([0, 1, 2, 3], 4)]).toEqual([0, nan, nan, 1, 0, nan, 1, 1, 0, 1, 1, 1]);
});

test("the best epoch of grades is that of the highest quadratic kappa, of classes the highest accuracy, balanced where training is", () => {
  const probabilities = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0);
  const labels = Int32Array.of(0, 1, 2, 1);
  const said = { probabilities, labels, logits: new Float32Array(8), indices: new Uint32Array(4), paths: [] };
  const metrics = grades.measure(said, { classNames: ["a", "b", "c"] });
  expect(metrics.kappaQuadratic).not.toBeCloseTo(metrics.accuracy, 3);
  expect(grades.validation(metrics)).toMatchObject({ score: metrics.kappaQuadratic });
  expect(grades.validation(metrics).metrics.kappaQuadratic).toBe(metrics.kappaQuadratic);
  expect(classes.validation(metrics).score).toBe(0.75);
  // Of the classes 1, 0.5 and 1 are right.
  expect(balancedClasses.validation(metrics).score).toBeCloseTo(2.5 / 3, 12);
  expect(balancedClasses.validation(metrics).metrics.balancedAccuracy).toBeCloseTo(2.5 / 3, 12);
  expect(Object.keys(classes.validation(metrics).metrics)).toEqual(["accuracy", "f1Macro", "aucMacro", "logLoss"]);
});
