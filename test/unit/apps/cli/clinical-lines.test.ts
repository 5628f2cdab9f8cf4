import { expect, test } from "vitest";
import { classificationLines } from "../../../../src/apps/cli/classification-lines.ts";
import { classes } from "../../../../src/inference/outcomes/classes.ts";
import {
  applyTemperature,
  calibrationLines,
  classificationIntervals,
  operatingPoints,
  subgroupIntervals,
  temperatureEffect,
} from "../../../../src/results/metrics/index.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const random = RandomStream.for(6, "evaluation");
const classNames = ["no", "yes"];
const labels = Array.from({ length: 80 }, (_, at) => at % 2);
const logits = labels.flatMap((label) => [0, 2 * random.normal() + 2 * label - 1]);
const probabilities = applyTemperature(logits, 2, 1);
const input = { probabilities, labels, classNames, seed: 1, resamples: 60 };
const result = {
  ...{ probabilities, logits: Float64Array.from(logits), labels: Int32Array.from(labels) },
  ...{ indices: Uint32Array.from(labels.keys()), paths: [] },
};
const measured = classes.measure(result, { classNames });
const plain = classes.figures(measured) as Parameters<typeof classificationLines>[0];

test("each figure has its interval beside it, each part of the report a title", () => {
  const { figures: intervals, perClass: intervalsPerClass, resampling } = classificationIntervals(input);
  const values = labels.map((_, at) => (at < 12 ? "f" : "m"));
  const lines = classificationLines({
    ...plain,
    ...{ intervals, intervalsPerClass, resampling },
    operatingPoint: operatingPoints({ ...input, chosenOn: input, appliedTo: input, rules: [{ kind: "youden" }] }),
    calibration: {
      perClass: calibrationLines(input).perClass,
      temperature: { ...temperatureEffect(logits, labels, 2, 2), applied: false, fittedOn: 80 },
    },
    subgroups: [subgroupIntervals({ ...input, column: "sex", values })],
    patients: {
      ...classificationIntervals(input),
      ...{ of: "lesion", confusion: [], images: 90, mostImages: 4, mixed: 2, leftOut: 0, aggregation: "top-2" },
      chosenOn: null,
    },
    budgetCurve: [
      {
        ...{ keepRatio: 0.25, tokens: 50, accuracy: intervals.accuracy, aucMacro: intervals.aucMacro },
        ...{ secondsPerImage: 0.0125, timing: { batch: 4, runs: 7 }, flops: { thop: 0.3, fvcore: 0.3 } },
      },
    ],
  });
  const { value, low, high } = intervals.accuracy;
  const short = (number: number | null) => String(Number((number as number).toPrecision(4)));
  expect(lines.find((line) => line.startsWith("accuracy "))).toContain(
    `${short(value)} (${short(low)} to ${short(high)})`,
  );
  const titles = lines.filter((line) => line.endsWith(":"));
  expect(titles).toEqual([
    "per class:",
    "confusion (rows: true class, columns: predicted):",
    "per class, with 95 % intervals:",
    "at thresholds chosen on 80 validation images:",
    "calibration:",
    "per lesion, by top-2:",
    "by sex:",
    "on shares of the patches:",
  ]);
  expect(lines.some((line) => line.startsWith("f  n 12  accuracy") && line.endsWith("too few to tell"))).toBe(true);
  expect(lines.some((line) => line.startsWith("m  n 68  accuracy") && !line.includes("too few"))).toBe(true);
  expect(lines.at(-1)).toMatch(/^share 0\.25 {2}accuracy .* {2}aucMacro .* {2}ms per image 12\.5$/);
  expect(lines.some((line) => line.startsWith("temperature 2, which the checkpoint does not have: log-loss"))).toBe(
    true,
  );
  expect(lines.join("\n")).not.toMatch(/bootstrap-percentile|\.value|undefined|NaN/);
});

test("without a report they are as they were", () => {
  const lines = classificationLines(plain);
  expect(lines.find((line) => line.startsWith("accuracy "))).not.toContain("(");
  expect(lines.at(-1)).toMatch(/^ ?\d+ +\d+$/);
});
