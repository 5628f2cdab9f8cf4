import { targetOf } from "../../data/targets/target.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { bestThresholds, type FindingsMetrics, findingsMetrics } from "../../results/metrics/index.ts";
import type { FindingsWithIntervals } from "../../results/report/index.ts";
import { oneOfEach } from "./classes.ts";
import type { Gathered, Outcome } from "./outcome.ts";
import { withValues } from "./value-samples.ts";

/** What is to be known of a model: the names of its findings, and from which probabilities on they count as there. */
type FindingsModel = Pick<ModelDescription, "classNames" | "target">;

/** What a model says of a set of images, in the order of its batches. */
export interface GatheredFindings extends Gathered {
  /** [n, findings] each in [0, 1]. */
  probabilities: Float64Array;
  /** [n, findings] 1, 0, or NaN where nobody knows. */
  truth: Float32Array;
  /** [n] patient, lesion or file of each. */
  groups: readonly string[];
}

/** What a model says of one image. */
export interface FindingsPrediction {
  /** The findings whose probability reaches their threshold. */
  findings: string[];
  /** By finding. */
  probabilities: Record<string, number>;
}

/** The metrics that are told beside the curves behind them. */
export type FindingsFigures = Omit<FindingsMetrics, "roc"> & Partial<FindingsWithIntervals>;

/** The threshold of a finding where no validation split chose one. */
const UNCHOSEN = 0.5;

/**
 * Several findings, each there or not: `logits` [batch, findings] against the samples' values.
 *
 * @param thresholds the model's, or chosen on the images that are measured, as on a validation split.
 */
export function findings(
  thresholds: "given" | "chosen" = "given",
): Outcome<GatheredFindings, FindingsMetrics & Partial<FindingsWithIntervals>, FindingsModel, FindingsPrediction> {
  return {
    tells: "findings",
    target: { kind: "values" },
    values: ({ classNames }) => ({ kind: "findings", names: classNames }),
    samplesFor: (data, samples, { classNames }, dataPath) => withValues(data, samples, classNames, dataPath),
    line({ values }, model): FindingsPrediction | undefined {
      const { classNames } = model;
      const row = Array.from(values.logits ?? [], logistic);
      if (!row.every(Number.isFinite)) return undefined;
      return {
        findings: reaching(row, model),
        probabilities: Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number])),
      };
    },
    gather() {
      const probabilities: number[] = [];
      const truth: number[] = [];
      const indices: number[] = [];
      const paths: string[] = [];
      const groups: string[] = [];
      return {
        add(batch, told) {
          for (const { values } of told) for (const logit of values.logits ?? []) probabilities.push(logistic(logit));
          truth.push(...targetOf(batch, "values").values);
          indices.push(...batch.indices);
          paths.push(...batch.paths);
          groups.push(...batch.groups);
        },
        finish: () => ({
          probabilities: Float64Array.from(probabilities),
          truth: Float32Array.from(truth),
          indices: Uint32Array.from(indices),
          paths,
          groups,
        }),
      };
    },
    measure({ probabilities, truth }, model) {
      const said = { probabilities, truth, names: model.classNames };
      return findingsMetrics({
        ...said,
        thresholds: thresholds === "chosen" ? bestThresholds(said) : thresholdsOf(model),
      });
    },
    figures({ roc: _roc, ...figures }): FindingsFigures {
      return figures;
    },
    validation({ aucMean, averagePrecisionMean, f1Mean, logLoss }) {
      const known = Object.entries({ aucMean, averagePrecisionMean, f1Mean, logLoss }).filter(
        ([, value]) => value !== null,
      );
      const metrics = Object.fromEntries(known) as Record<string, number>;
      return { metrics, score: aucMean ?? 0, loss: logLoss ?? 0 };
    },
    columns: ({ classNames }) => classNames.flatMap((name) => [name, `p(${name})`]),
    row({ probabilities, truth }, i, { classNames }) {
      return classNames.flatMap((_, k) => {
        const at = i * classNames.length + k;
        const value = truth[at] as number;
        return [Number.isNaN(value) ? "" : `${value}`, String(probabilities[at])];
      });
    },
    report(metrics, split) {
      const title = titleOf(metrics, split);
      return hasIntervals(metrics) ? { findings: { title, metrics } } : { figures: { title, rows: rowsOf(metrics) } };
    },
    caption({ probabilities, truth }, i, model) {
      const { classNames } = model;
      const [from, to] = [i * classNames.length, (i + 1) * classNames.length];
      const there = classNames.filter((_, k) => truth[from + k] === 1);
      const told = reaching([...probabilities.subarray(from, to)], model);
      return `${there.join(", ") || "no finding"}; predicted ${told.join(", ") || "none"}`;
    },
    examples({ truth, paths }, count, seed) {
      const width = truth.length / paths.length;
      // Images of each first finding, and of none.
      const first = paths.map((_, i) => truth.subarray(i * width, (i + 1) * width).indexOf(1));
      return oneOfEach(first, count, seed);
    },
  };
}

/** The names of those whose probability reaches their threshold. */
function reaching(probabilities: readonly number[], model: FindingsModel): string[] {
  const thresholds = thresholdsOf(model);
  return model.classNames.filter((_, k) => (probabilities[k] as number) >= (thresholds[k] as number));
}

/** From which probability on each finding counts as there. */
export function thresholdsOf({ classNames, target }: FindingsModel): readonly number[] {
  return (target?.kind === "findings" && target.thresholds) || classNames.map(() => UNCHOSEN);
}

function hasIntervals(
  metrics: FindingsMetrics & Partial<FindingsWithIntervals>,
): metrics is FindingsMetrics & FindingsWithIntervals {
  return metrics.intervals !== undefined;
}

function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

function titleOf({ n, findings: names }: FindingsMetrics, split: string): string {
  return `How well it tells ${names.length} ${names.length === 1 ? "finding" : "findings"}: ${n} ${split} images`;
}

function rowsOf({ aucMean, averagePrecisionMean, f1Mean, perFinding }: FindingsMetrics) {
  const told = (value: number | null) => (value === null ? "not defined" : value.toFixed(3));
  return [
    { name: "Mean AUC", value: told(aucMean), meaning: "over the findings that some images have and some have not" },
    { name: "Mean average precision", value: told(averagePrecisionMean), meaning: "area under precision and recall" },
    { name: "Mean F1", value: told(f1Mean), meaning: "at the thresholds below" },
    ...perFinding.map((figures) => ({
      name: figures.finding,
      value: `AUC ${told(figures.auc)}`,
      meaning:
        `in ${figures.positives} of the ${figures.known} images of which it is known; average precision ` +
        `${told(figures.averagePrecision)}; from probability ${figures.threshold.toFixed(3)} on F1 ${told(figures.f1)}, ` +
        `sensitivity ${told(figures.sensitivity)}, specificity ${told(figures.specificity)}`,
    })),
  ];
}
