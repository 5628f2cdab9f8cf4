import { expect, test } from "vitest";
import { findingsIntervals, findingsMetrics } from "../../../../src/results/metrics/index.ts";
import { renderReport } from "../../../../src/results/report/index.ts";
import sklearn from "../metrics/sklearn-findings.json" with { type: "json" };

const names = ["a <1>", "b", "rare"];
/** The last finding is there in one image only. */
const truth = sklearn.truth.map((value, at) => (at % 3 === 2 ? Number(at === 2) : (value ?? Number.NaN)));
const { probabilities, thresholds } = sklearn;

test("findings stand one below the other with their intervals, and it is said where there is none", async () => {
  const input = { probabilities, truth, names, thresholds, seed: 1, resamples: 200 };
  const metrics = findingsMetrics(input);
  const { figures: intervals, perFinding: intervalsPerFinding, resampling } = findingsIntervals(input);
  const findings = { title: "three", metrics: { ...metrics, intervals, intervalsPerFinding, resampling } };
  const page = await renderReport({ title: "findings", findings });
  const { value, low, high } = intervalsPerFinding[0]?.figures.auc ?? {};
  const shown = (number: number | null | undefined) => (number as number).toFixed(3);
  const row = /<tr><th scope="row">a &#60;1&#62;<\/th>(.*?)<\/tr>/s.exec(page)?.[1];
  expect(row).toContain(`${shown(value)}<br><small class="spread">(${shown(low)} to ${shown(high)})</small>`);
  expect(row).toContain(`>${metrics.perFinding[0]?.known}</td>`);
  expect(page).toMatch(
    /Mean AUC<\/th><td class="number">0\.\d{3}<\/td>\s*<td>– \(not defined on \d+ of 200 resamples\)/,
  );
  expect(page).toMatch(/Log-loss[^<]*<\/th><td class="number">\d\.\d{3}<\/td>\s*<td>\d\.\d{3} to \d\.\d{3}</);
  expect(page.match(/aria-label="ROC curves: a &#60;1&#62; \(/g)).toHaveLength(1);
  expect(page).not.toMatch(/NaN|undefined<|\[object/);
});
