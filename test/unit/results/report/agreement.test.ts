import { expect, test, vi } from "vitest";
import { numberIntervals, numberMetrics } from "../../../../src/results/metrics/index.ts";
import { renderReport } from "../../../../src/results/report/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const random = RandomStream.for(12, "evaluation");
const truth = Array.from({ length: 120 }, (_, i) => (i % 10 === 4 ? Number.NaN : 20 + 60 * random.uniform()));
const predicted = truth.map((value, i) =>
  Number.isNaN(value) ? 50 : value + 2 + (i === 7 ? 40 : 3 * random.normal()),
);
const metrics = numberMetrics({ truth, predicted });
const { figures: intervals, resampling } = numberIntervals({ truth, predicted, seed: 1, resamples: 200 });

/** The vertical places of a chart's horizontal lines and bands, by their colour. */
const chartOf = (page: string, name: string) =>
  new RegExp(`<svg [^>]*aria-label="${name}[^"]*"[^>]*>(.*?)</svg>`, "s").exec(page)?.[1] ?? "";
const points = (chart: string) => chart.match(/aria-roledescription="point"/g)?.length ?? 0;

test("a number's images are drawn by how they agree, the limits dashed, without a warning of the chart's maker", async () => {
  const warn = vi.spyOn(console, "warn");
  const page = await renderReport({ title: "age", agreement: { name: "age <y>", truth, predicted, metrics } });
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
  expect(page).toContain("Image by image: age &#60;y&#62;");
  const agreement = chartOf(page, "Bland-Altman chart of");
  // Gaps are no points.
  expect(points(agreement)).toBe(108);
  expect(points(chartOf(page, "Predicted against true"))).toBe(108);
  // Both limits, and no bands without intervals.
  expect(agreement.match(/stroke-dasharray="6,4"/g)).toHaveLength(2);
  expect(agreement).not.toContain('opacity="0.2"');
  const [low, high] = [metrics.limitLow as number, metrics.limitHigh as number];
  const outside = truth.filter((value, i) => {
    const difference = (predicted[i] as number) - value;
    return difference < low || difference > high;
  }).length;
  expect(outside).toBeGreaterThan(0);
  expect(page).toContain(
    `${outside} of 108 lie outside of the limits; of normally distributed differences about 5 would`,
  );
  expect(page).not.toMatch(/Bands are|NaN|undefined/);
});

test("with intervals there are bands around the bias and both limits", async () => {
  const section = { name: "age", truth, predicted, metrics: { ...metrics, intervals, resampling } };
  const page = await renderReport({ title: "age", agreement: section });
  expect(chartOf(page, "Bland-Altman chart of").match(/opacity="0\.2"/g)).toHaveLength(3);
  expect(page).toContain("Bands are 95 % intervals");
});

test("of very many images some are drawn, and one image has no limits", async () => {
  const many = Array.from({ length: 7000 }, (_, i) => i);
  const section = { name: "n", truth: many, predicted: many, metrics: numberMetrics({ truth: many, predicted: many }) };
  const page = await renderReport({ title: "n", agreement: section });
  expect(points(chartOf(page, "Bland-Altman chart of"))).toBe(2334);
  expect(page).toContain("Of the 7000 images 2334 are drawn.");
  const one = { name: "n", truth: [3], predicted: [4], metrics: numberMetrics({ truth: [3], predicted: [4] }) };
  const alone = await renderReport({ title: "n", agreement: one });
  expect(alone).not.toContain("lie outside");
  expect(alone).not.toMatch(/stroke-dasharray="6,4"/);
});
