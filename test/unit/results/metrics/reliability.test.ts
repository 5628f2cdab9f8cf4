import { expect, test } from "vitest";
import {
  classificationMetrics,
  decisionCurve,
  decisionCurves,
  reliabilityBins,
  wilsonInterval,
} from "../../../../src/results/metrics/index.ts";

const classNames = ["a", "b", "c"];
const probabilities = [0.7, 0.2, 0.1, 0.68, 0.22, 0.1, 0.69, 0.2, 0.11, 0.3, 0.3, 0.4];
const labels = [0, 0, 1, 2];
const input = { probabilities, labels, classNames };

test("bins of a reliability diagram have Wilson intervals of their cases, or of the patients that have some", () => {
  const bins = reliabilityBins(input);
  expect(bins.map(({ low: _low, high: _high, ...bin }) => bin)).toEqual(classificationMetrics(input).calibration);
  const full = bins.filter(({ count }) => count > 0);
  expect(full.map(({ count, low, high }) => [count, low, high])).toEqual([
    [1, ...wilsonInterval(1, 1)],
    [3, ...wilsonInterval(2 / 3, 3)],
  ]);
  const [, clustered] = reliabilityBins({ ...input, groups: ["p", "p", "q", "p"] }).filter(({ count }) => count > 0);
  expect([clustered?.low, clustered?.high]).toEqual(wilsonInterval(2 / 3, 2));
  expect(bins.find(({ count }) => count === 0)).toMatchObject({ low: null, high: null });
});

test("decision curves are those of each class's probability", () => {
  const curves = decisionCurves(input);
  expect(curves.map((curve) => curve.class)).toEqual(classNames);
  expect(curves[1]).toEqual({ class: "b", ...decisionCurve([0.2, 0.22, 0.2, 0.3], [0, 0, 1, 0]) });
});
