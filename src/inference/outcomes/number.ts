import { targetOf } from "../../data/targets/target.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { type NumberFigure, type NumberMetrics, numberMetrics } from "../../results/metrics/index.ts";
import type { NumberWithIntervals } from "../../results/report/index.ts";
import type { Gathered, Outcome } from "./outcome.ts";
import { withValues } from "./value-samples.ts";

/** What is to be known of a model: the number's name, and what its logit is counted from and in. */
type NumberModel = Pick<ModelDescription, "classNames" | "target">;

/** What a model says of a set of images, in the order of its batches. */
export interface GatheredNumbers extends Gathered {
  /** [n] in the number's own unit. */
  predicted: Float64Array;
  /** [n] NaN where nobody knows. */
  truth: Float32Array;
  /** [n] patient, lesion or file of each. */
  groups: readonly string[];
}

/** The metrics of a number, with intervals where a report was asked for. */
export type NumberFigures = NumberMetrics & Partial<NumberWithIntervals>;

/** What a model says of one image. */
export interface NumberPrediction {
  /** What is told, by its column. */
  name: string;
  value: number;
}

/** One number: `logits` [batch, 1], in deviations from the training mean, against the samples' values. */
export const number: Outcome<GatheredNumbers, NumberFigures, NumberModel, NumberPrediction> = {
  tells: "number",
  target: { kind: "values" },
  values: ({ classNames }) => ({ kind: "number", names: classNames }),
  samplesFor: (data, samples, { classNames }, dataPath) => withValues(data, samples, classNames, dataPath),
  line({ values }, model): NumberPrediction | undefined {
    const value = inUnit(values.logits?.[0] ?? Number.NaN, model);
    return Number.isFinite(value) ? { name: nameOf(model), value } : undefined;
  },
  gather(model) {
    const predicted: number[] = [];
    const truth: number[] = [];
    const indices: number[] = [];
    const paths: string[] = [];
    const groups: string[] = [];
    return {
      add(batch, told) {
        for (const { values } of told) predicted.push(inUnit(values.logits?.[0] ?? Number.NaN, model));
        truth.push(...targetOf(batch, "values").values);
        indices.push(...batch.indices);
        paths.push(...batch.paths);
        groups.push(...batch.groups);
      },
      finish: () => ({
        predicted: Float64Array.from(predicted),
        truth: Float32Array.from(truth),
        indices: Uint32Array.from(indices),
        paths,
        groups,
      }),
    };
  },
  measure: (result) => numberMetrics(result),
  figures: (metrics) => metrics,
  validation({ mae, rmse, r2, bias }) {
    return { metrics: { mae, rmse, ...(r2 !== null && { r2 }), bias }, score: -mae, loss: rmse };
  },
  columns: (model) => [nameOf(model), "predicted"],
  row: ({ predicted, truth }, i) => [shown(truth[i] as number), String(predicted[i])],
  report: (metrics, split, _cases, { predicted, truth }, model) => ({
    figures: { title: `How well it tells the number: ${metrics.n} ${split} images`, rows: rowsOf(metrics) },
    agreement: { name: nameOf(model), truth, predicted, metrics },
  }),
  caption: ({ predicted, truth }, i, model) =>
    `${nameOf(model)} ${shown(truth[i] as number) || "unknown"}, predicted ${rounded(predicted[i] as number)}`,
  examples: (result, count) => leastToMost(result, count),
};

/** Images from the least to the most truth, evenly over their ranks; those that are not known are left out. */
function leastToMost({ truth }: GatheredNumbers, count: number): number[] {
  const known = [...truth.keys()].filter((i) => !Number.isNaN(truth[i]));
  known.sort((a, b) => (truth[a] as number) - (truth[b] as number));
  const wanted = Math.min(count, known.length);
  const at = (k: number) => (wanted === 1 ? 0 : Math.round((k * (known.length - 1)) / (wanted - 1)));
  return Array.from({ length: wanted }, (_, k) => known[at(k)] as number);
}

function inUnit(logit: number, { target }: NumberModel): number {
  if (target?.kind === "number") return target.mean + target.deviation * logit;
  throw new Error("a model of a number that does not say what it is counted in");
}

function nameOf({ classNames: [name = "number"] }: NumberModel): string {
  return name;
}

function shown(value: number): string {
  return Number.isNaN(value) ? "" : String(value);
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function rowsOf(metrics: NumberFigures) {
  const plainly = (value: number | null) => (value === null ? "not defined" : rounded(value));
  const told = (figure: NumberFigure) => {
    const { low = null, high = null } = metrics.intervals?.[figure] ?? {};
    const range = low === null || high === null ? "" : ` (${rounded(low)} to ${rounded(high)})`;
    return `${plainly(metrics[figure])}${range}`.replaceAll("-", "−");
  };
  const intervals = metrics.resampling
    ? `; in brackets 95 % intervals by ${metrics.resampling.resamples} resamples of ${metrics.resampling.groups} patients, lesions or files`
    : "";
  return [
    {
      name: "Mean absolute error",
      value: told("mae"),
      meaning: `in the number's unit; always telling the median of these images gives ${plainly(metrics.maeOfMedian)}${intervals}`,
    },
    { name: "Root mean squared error", value: told("rmse"), meaning: "large errors count for more" },
    { name: "R²", value: told("r2"), meaning: "share of the variance explained; 0 is what their mean would tell" },
    { name: "Correlation", value: told("correlation"), meaning: "Pearson's; it does not see a bias" },
    { name: "Bias", value: told("bias"), meaning: "mean of predicted − true" },
    {
      name: "Limits of agreement",
      value: `${told("limitLow")} to ${told("limitHigh")}`,
      meaning: "within which 95 % of the differences lie if they are normally distributed (Bland and Altman)",
    },
  ];
}
