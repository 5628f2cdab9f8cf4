import { describe, expect, test } from "vitest";
import {
  aucCovariance,
  type ClassifiedCases,
  calibrationLines,
  classificationIntervals,
  classificationMetrics,
  curveBands,
  decisionCurve,
  delongTest,
  fitTemperature,
  holmAdjusted,
  mcnemarTest,
  type OperatingRule,
  operatingPoints,
  wilsonInterval,
} from "../../../../src/results/metrics/index.ts";
import { chiSquaredTail, twoSidedNormal } from "../../../../src/results/metrics/tail-probability.ts";
import { localisation } from "../../../../src/results/visual/index.ts";
// Written by bench/peers/clinical_reference.py.
import peers from "../fixtures/clinical-peers.json" with { type: "json" };

type Case = (typeof peers.classification)[number];
type Figures = Readonly<Record<string, number | null>>;

const casesOf = ({ rows, unit, labels }: Case): ClassifiedCases & { classNames: string[] } => ({
  probabilities: rows.flat().map((whole) => whole / unit),
  labels,
  classNames: (rows[0] as number[]).map((_, k) => `class ${k}`),
});

const scoresOf = ({ rows, unit, labels }: Case, k: number) => ({
  scores: rows.map((row) => (row[k] as number) / unit),
  positive: labels.map((label) => Number(label === k)),
});

/** The relative tolerance is that of sums of a hundred doubles in another order. */
function expectClose(got: Figures, want: Figures, tolerance = 1e-12): void {
  for (const [name, value] of Object.entries(want)) {
    if (value === null) expect.soft(got[name], name).toBeNull();
    else
      expect.soft(Math.abs((got[name] as number) - value), name).toBeLessThanOrEqual(tolerance * (1 + Math.abs(value)));
  }
}

const numbered = (values: readonly (number | null)[] = []): Figures => Object.fromEntries(values.entries());

const valuesOf = (estimates: Readonly<Record<string, { value: number | null }>>): Figures =>
  Object.fromEntries(Object.entries(estimates).map(([name, { value }]) => [name, value]));

describe.each(peers.classification)("$name", (peer) => {
  const cases = casesOf(peer);

  test("every figure is scikit-learn's, with null for what it leaves undefined", () => {
    const { figures, perClass } = classificationIntervals({ ...cases, seed: 1, resamples: 40 });
    expectClose(valuesOf(figures), peer.overall);
    expect(Object.keys(figures)).toEqual([...Object.keys(peer.overall), "ece"]);
    perClass.forEach((one, k) => {
      expect(Object.keys(one.figures)).toEqual(Object.keys(peer.perClass[k] ?? {}));
      expectClose(valuesOf(one.figures), peer.perClass[k] as Figures);
    });
  });

  test("the figures are those of classificationMetrics", () => {
    const { figures } = classificationIntervals({ ...cases, seed: 1, resamples: 40 });
    const metrics = classificationMetrics(cases);
    const { accuracy, balancedAccuracy, f1Macro, aucMacro, averagePrecisionMacro, kappa, kappaQuadratic } = metrics;
    const { mcc, logLoss, brier, ece } = metrics;
    const all = { accuracy, balancedAccuracy, f1Macro, aucMacro, averagePrecisionMacro, kappa, kappaQuadratic };
    expectClose(valuesOf(figures), { ...all, mcc, logLoss, brier, ece });
  });
});

describe.each(peers.classification.filter(({ intervals }) => intervals))("$name, intervals", (peer) => {
  test("are SciPy's of resamples within classes, within the error of drawing", () => {
    const { figures, perClass } = classificationIntervals({ ...casesOf(peer), seed: 2, resamples: 20_000 });
    const found = { accuracy: figures.accuracy, logLoss: figures.logLoss };
    const first = perClass[0]?.figures;
    const all = { ...found, "0 auc": first?.auc, "0 ppv": first?.ppv };
    for (const [name, [low, high]] of Object.entries(peer.intervals ?? {}) as [keyof typeof all, [number, number]][]) {
      // Four standard errors of a 2.5th percentile of 20,000 draws, twice; an accuracy moves in steps of 1 / n.
      const tolerance = name === "accuracy" ? 1 / peer.labels.length + 1e-9 : 0.03 * (high - low);
      expect.soft(Math.abs((all[name]?.low as number) - low), `${name} low`).toBeLessThan(tolerance);
      expect.soft(Math.abs((all[name]?.high as number) - high), `${name} high`).toBeLessThan(tolerance);
    }
  });
});

describe.each(peers.classification.filter(({ lineIntervals }) => lineIntervals))(
  "$name, intervals of lines",
  (peer) => {
    test("are those of statsmodels' regressions on resamples within classes", () => {
      const line = calibrationLines({ ...casesOf(peer), seed: 2, resamples: 6000 }).perClass[0];
      for (const [name, [low, high]] of Object.entries(peer.lineIntervals ?? {}) as ["slope", [number, number]][]) {
        // Four standard errors of the 2.5th percentile of 6,000 draws, twice.
        expect.soft(Math.abs((line?.[name].low as number) - low), `${name} low`).toBeLessThan(0.05 * (high - low));
        expect.soft(Math.abs((line?.[name].high as number) - high), `${name} high`).toBeLessThan(0.05 * (high - low));
      }
    });
  },
);

describe.each(peers.classification.filter(({ operating }) => operating))("$name, by threshold", (peer) => {
  const classes = (peer.rows[0] as number[]).map((_, k) => k);
  const cases = casesOf(peer);

  test("thresholds of every rule and what they give on other cases are scikit-learn's", () => {
    const half = (odd: number): ClassifiedCases => {
      const at = peer.labels.map((_, index) => index).filter((index) => index % 2 === odd);
      return {
        probabilities: at.flatMap((index) => (peer.rows[index] as number[]).map((whole) => whole / peer.unit)),
        labels: at.map((index) => peer.labels[index] as number),
      };
    };
    const rules = peer.operating?.[0]?.map(({ rule }) => rule as OperatingRule) ?? [];
    const { points } = operatingPoints({
      classNames: cases.classNames,
      positives: cases.classNames,
      chosenOn: half(0),
      appliedTo: half(1),
      rules,
      seed: 1,
      resamples: 40,
    });
    const want = peer.operating?.flat() ?? [];
    expect(points).toHaveLength(want.length);
    points.forEach(({ chosen, applied, rule }, at) => {
      const { counts, threshold, rule: asked, ...figures } = want[at] as (typeof want)[number];
      expect(rule).toEqual(asked);
      expect(chosen?.threshold).toBe(threshold);
      expect(applied?.counts).toEqual(counts);
      expectClose(valuesOf(applied?.figures ?? {}), figures);
    });
  });

  test("curves on a grid are those of scikit-learn's points", () => {
    const { perClass } = curveBands({ ...cases, seed: 1, resamples: 40, steps: 20 });
    for (const k of classes) {
      const { roc, precisionRecall } = perClass[k] as (typeof perClass)[number];
      expect(roc.at).toEqual(peers.grid);
      expectClose(numbered(roc.value), numbered(peer.curves?.[k]?.roc));
      expectClose(numbered(precisionRecall.value), numbered(peer.curves?.[k]?.precisionRecall));
    }
  });

  test("net benefit is that of scikit-learn's counts", () => {
    for (const k of classes) {
      const want = peer.decision?.[k] as { thresholds: number[]; model: number[]; treatAll: number[] };
      const { scores, positive } = scoresOf(peer, k);
      const { model, treatAll, treatNone } = decisionCurve(scores, positive, want.thresholds);
      expectClose(numbered(model), numbered(want.model));
      expectClose(numbered(treatAll), numbered(want.treatAll));
      expect(treatNone).toEqual(want.thresholds.map(() => 0));
    }
  });

  test("calibration lines are statsmodels' logistic regressions", () => {
    const { perClass } = calibrationLines({ ...cases, seed: 1, resamples: 40 });
    for (const k of classes) {
      const { class: _, ...line } = perClass[k] as (typeof perClass)[number];
      expectClose(valuesOf(line), peer.lines?.[k] as Figures, 1e-9);
    }
  });

  test("the temperature is the root that SciPy finds, and scikit-learn's within its own tolerance", () => {
    const logits = peer.rows.flat().map((whole) => Math.log(Math.max(1e-3, whole / peer.unit)));
    const { temperature } = fitTemperature(logits, peer.labels, classes.length);
    const want = peer.temperature as { temperature: number; sklearn: number };
    expectClose({ temperature }, { temperature: want.temperature }, 1e-12);
    expectClose({ temperature }, { temperature: want.sklearn }, 1e-6);
  });
});

describe.each(peers.delong)("DeLong, $name", ({ positive, first, second, ...want }) => {
  test("AUCs, covariance, z and p are those of the definition over all pairs", () => {
    const found = aucCovariance([first, second], positive);
    expectClose(numbered(found?.auc), numbered(want.auc));
    expectClose(numbered(found?.covariance.flat()), numbered(want.covariance.flat()));
    const { z, p, auc } = delongTest(first, second, positive);
    expectClose({ z, p, first: auc[0] }, { z: want.z, p: want.p, first: want.auc[0] as number }, 1e-10);
  });
});

test.each(peers.mcnemar)("McNemar of $firstOnly and $secondOnly is statsmodels'", ({ p, ...want }) => {
  const both = [1, 1, 1, 0, 0];
  const alone = (count: number, value: number): number[] => Array<number>(count).fill(value);
  const first = [...both, ...alone(want.firstOnly, 1), ...alone(want.secondOnly, 0)];
  const second = [...both, ...alone(want.firstOnly, 0), ...alone(want.secondOnly, 1)];
  const { p: found, statistic, ...rest } = mcnemarTest(first, second);
  expect(rest).toEqual({ method: want.method, firstOnly: want.firstOnly, secondOnly: want.secondOnly });
  expectClose({ statistic }, { statistic: want.statistic });
  expect(Math.abs(found / p - 1)).toBeLessThan(1e-11);
});

test("Holm's correction is statsmodels', tests without a value counting as none", () => {
  const adjusted = holmAdjusted(peers.holm.p);
  expect(adjusted[1]).toBeNull();
  expectClose(numbered(adjusted.filter((p) => p !== null)), numbered(peers.holm.adjusted));
});

test("tail probabilities are SciPy's, far out too", () => {
  for (const [z, p] of peers.normal as [number, number][]) {
    expect.soft(Math.abs(twoSidedNormal(z) / p - 1), `normal ${z}`).toBeLessThan(1e-12);
  }
  for (const [x, p] of peers.chiSquared as [number, number][]) {
    expect.soft(Math.abs(chiSquaredTail(x) / p - 1), `chi-squared ${x}`).toBeLessThan(1e-12);
  }
});

test("Wilson's interval is statsmodels'", () => {
  for (const [hits, n, low, high] of peers.wilson as [number, number, number, number][]) {
    expectClose(numbered(wilsonInterval(hits / n, n)), numbered([low, high]));
  }
});

test("shares and AUCs of maps and of the centre are NumPy's and scikit-learn's", () => {
  const { height, width, map, mask, maps, centre } = peers.localisation;
  const found = localisation({ maps: [{ height, width, data: map }], masks: [{ height, width, data: mask }], seed: 1 });
  for (const name of ["insideShare", "auc"] as const) {
    expectClose({ maps: found[name].maps.value }, { maps: maps[name] });
    expectClose({ centre: found[name].centre.value }, { centre: centre[name] });
  }
});
