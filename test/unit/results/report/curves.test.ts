import { describe, expect, test } from "vitest";
import {
  applyTemperature,
  calibrationLines,
  classificationIntervals,
  curveBands,
  decisionCurves,
  reliabilityBins,
  temperatureEffect,
} from "../../../../src/results/metrics/index.ts";
import { clinicalParts } from "../../../../src/results/report/clinical/parts.ts";
import type { ClinicalFigures } from "../../../../src/results/report/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

/** The figures of made cases, their classes told apart by chance and half by truth. */
function figuresOf(classes: number): ClinicalFigures {
  const random = RandomStream.for(3, "evaluation");
  const labels = Array.from({ length: 90 }, (_, at) => at % classes);
  const logits = labels.flatMap((label) =>
    Array.from({ length: classes }, (_, k) => random.normal() + (k === label ? 1.5 : 0)),
  );
  const classNames = Array.from({ length: classes }, (_, k) => `class-${k}`);
  const probabilities = applyTemperature(logits, classes, 1);
  const input = { probabilities, labels, classNames, seed: 1, resamples: 60 };
  const { figures: intervals, perClass: intervalsPerClass, resampling } = classificationIntervals(input);
  return {
    ...{ intervals, intervalsPerClass, resampling },
    calibrationLines: calibrationLines(input).perClass,
    curves: curveBands(input).perClass,
    decisionCurves: decisionCurves(input),
    reliability: reliabilityBins(input),
    temperature: { ...temperatureEffect(logits, labels, classes, 1.25), applied: true },
  };
}

const pageOf = async (figures: ClinicalFigures): Promise<string> =>
  (await clinicalParts(figures)).map(({ markup }) => markup).join("\n");
const drawnClasses = (page: string, curve: string): (string | undefined)[] =>
  [...page.matchAll(new RegExp(`aria-label="${curve} curve of (\\S+) against`, "g"))].map(([, name]) => name);

describe("curves of a clinical report", () => {
  test("of two classes are those of the second, side by side", async () => {
    const page = await pageOf(figuresOf(2));
    for (const curve of ["ROC", "Precision-recall", "Decision"]) {
      expect(drawnClasses(page, curve)).toEqual(["class-1"]);
    }
    expect(page.match(/class="charts"/g)).toHaveLength(1);
  });

  test("of many classes are small ones of each, with their figures and intervals", async () => {
    const figures = figuresOf(5);
    const page = await pageOf(figures);
    for (const curve of ["ROC", "Precision-recall", "Decision"]) {
      expect(drawnClasses(page, curve)).toEqual([0, 1, 2, 3, 4].map((k) => `class-${k}`));
    }
    expect(page.match(/class="multiples"/g)).toHaveLength(3);
    const { value, low, high } = figures.intervalsPerClass[3]?.figures.auc ?? {};
    expect(page).toContain(`class-3: AUC ${value?.toFixed(3)} (${low?.toFixed(3)} to ${high?.toFixed(3)})`);
  });

  test("stand in tables too, at points of their grids", async () => {
    const figures = figuresOf(3);
    const page = await pageOf(figures);
    const cell = (shown: string, small: string) => `${shown}<br><small class="spread">(${small})</small>`;
    const percent = (share: number | null | undefined) => (100 * (share as number)).toFixed(1);
    const { roc, precisionRecall } = figures.curves[2] as ClinicalFigures["curves"][number];
    // Specificity 90 %, recall 80 %.
    expect(page).toContain(cell(percent(roc.value[10]), `${percent(roc.low[10])} to ${percent(roc.high[10])}`));
    const { value, low, high } = precisionRecall;
    expect(page).toContain(cell(percent(value[80]), `${percent(low[80])} to ${percent(high[80])}`));
    const { model, treatAll } = figures.decisionCurves[2] as ClinicalFigures["decisionCurves"][number];
    const benefit = (net: number | undefined) => (net as number).toFixed(3).replace("-", "−");
    expect(page).toContain(cell(benefit(model[19]), `all: ${benefit(treatAll[19])}`));
  });

  test("are told apart without colours, in the page's light and dark ones", async () => {
    const page = await pageOf(figuresOf(2));
    const decision = page.slice(page.indexOf('aria-label="Decision curve'));
    const dashes = [...decision.matchAll(/stroke-dasharray="([\d,]+)"/g)].map(([, dash]) => dash);
    expect(dashes).toEqual(expect.arrayContaining(["6,4", "2,3"]));
    expect(page).toContain("solid: by the model; dashed: everybody; dotted: nobody");
    expect(page).not.toMatch(/(stroke|fill)="#/);
  });

  test("of a rare class have ticks that differ", async () => {
    const rare = figuresOf(2);
    const [, curve] = rare.decisionCurves;
    const small = { ...(curve as ClinicalFigures["decisionCurves"][number]), prevalence: 0.012 };
    const decisionCurves = [rare.decisionCurves[0], { ...small, model: small.model.map((net) => net / 50) }] as never;
    const page = await pageOf({ ...rare, decisionCurves });
    const decision = page.slice(page.indexOf('aria-label="Decision curve'));
    const ticks = [...decision.matchAll(/text-anchor="end"[^>]*>([−\d.]+)</g)].map(([, text]) => text);
    expect(ticks.length).toBeGreaterThan(2);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  test("of a class that does not occur are left out", async () => {
    const figures = figuresOf(3);
    const nothing = {
      ...figures.curves[0],
      roc: { at: [0, 1], value: [null, null], low: [null, null], high: [null, null] },
    };
    const page = await pageOf({ ...figures, curves: [nothing as never, ...figures.curves.slice(1)] });
    expect(drawnClasses(page, "ROC")).toEqual(["class-1", "class-2"]);
    expect(drawnClasses(page, "Decision")).toEqual(["class-1", "class-2"]);
  });
});

test("the temperature is told: as the checkpoint's, as what would be, or why there is none", async () => {
  const figures = figuresOf(2);
  const temperature = figures.temperature as NonNullable<ClinicalFigures["temperature"]>;
  const { before, after } = temperature;
  const page = await pageOf(figures);
  expect(page).toContain("divides logits by 1.25");
  expect(page).toContain(`${before.logLoss.toFixed(3)}</td>\n<td class="number">${after.logLoss.toFixed(3)}`);
  const without = await pageOf({ ...figures, temperature: { ...temperature, applied: false, fittedOn: 40 } });
  expect(without).toContain("figures here are without one. The 40 validation images ask for 1.25");
  const reason = "every case is right";
  const refused = await pageOf({ ...figures, temperature: { ...temperature, applied: false, fittedOn: 40, reason } });
  expect(refused).toContain("the 40 validation images give none: every case is right");
});
