import type { Dataset, Sample } from "../../data/dataset.ts";
import { targetOf } from "../../data/targets/target.ts";
import type { ModelDescription } from "../../interop/model-file.ts";
import { applyTemperature, type ClassificationMetrics, classificationMetrics } from "../../results/metrics/index.ts";
import type { ClinicalFigures } from "../../results/report/index.ts";
import { RandomStream } from "../../support/random.ts";
import { classIndices } from "./class-indices.ts";
import type { Gathered, Outcome } from "./outcome.ts";

/** What is to be known of a model: the names of its classes, in the order of its logits, and their temperature. */
type Classes = Pick<ModelDescription, "classNames" | "temperature">;

/** What a classifier says of a set of images, in the order of its batches. */
export interface Classification extends Gathered {
  /** [n, classes], each row summing to 1. */
  probabilities: Float64Array;
  /** [n, classes] whose softmax the probabilities are without a temperature. */
  logits: Float32Array | Float64Array;
  /** [n] true class indices. */
  labels: Int32Array;
  /** [n] patient, lesion or file of each; absent where nobody asks. */
  groups?: readonly string[];
}

/** What a classifier says of one image. */
export interface ClassPrediction {
  /** The name of the most probable class. */
  class: string;
  /** By class name, summing to 1. */
  probabilities: Record<string, number>;
}

/** Points of curves, which stand in metrics.json alone. */
type ClinicalCurves = "curves" | "decisionCurves" | "reliability";

/** The metrics of a classifier that are told beside the curves behind them. */
export type ClassificationFigures = Omit<ClassificationMetrics, "roc" | "calibration" | "undefinedMetrics"> &
  Partial<Omit<ClinicalFigures, "calibrationLines" | "temperature" | ClinicalCurves>> & {
    /** With the report: the line of each class, and what the temperature does. */
    calibration?: { perClass: ClinicalFigures["calibrationLines"] } & Pick<ClinicalFigures, "temperature">;
  };

/** What the outputs of n images, row by row, say of their classes. */
interface ClassOutputs {
  /** [n, classes] */
  probabilities(outputs: ArrayLike<number>, classes: number): Float64Array;
  /** [n, classes] of which the probabilities are the softmax. */
  logits(outputs: ArrayLike<number>, classes: number): Float64Array;
}

const softmaxed: ClassOutputs = {
  probabilities: softmaxRows,
  logits: (outputs) => Float64Array.from(outputs),
};

/**
 * One class for each image: `logits` [batch, classes] against the samples' labels.
 * Source: method.md section 5, evaluation.
 */
export const classes = classesBy(softmaxed, ({ accuracy }) => ({ name: "accuracy", value: accuracy }));

/** The same where all classes weigh alike in training: they do when the best epoch is picked as well. */
export const balancedClasses = classesBy(softmaxed, ({ balancedAccuracy }) => ({
  name: "balancedAccuracy",
  value: balancedAccuracy,
}));

/**
 * One class for each image, by what its outputs mean.
 *
 * @param scoreOf what picks the best epoch.
 */
export function classesBy(
  meaning: ClassOutputs,
  scoreOf: (metrics: ClassificationMetrics) => { name: string; value: number },
): Outcome<Classification, ClassificationMetrics & Partial<ClinicalFigures>, Classes> {
  const rowsOf = (outputs: ArrayLike<number>, { classNames, temperature }: Classes): Float64Array =>
    temperature === undefined
      ? meaning.probabilities(outputs, classNames.length)
      : applyTemperature(meaning.logits(outputs, classNames.length), classNames.length, temperature);
  return {
    tells: "classes",
    target: { kind: "class" },
    samplesFor: relabel,
    line({ values }, model): ClassPrediction | undefined {
      const { classNames } = model;
      const row = rowsOf(values.logits ?? [], model);
      if (!row.every(Number.isFinite)) return undefined;
      const probabilities = Object.fromEntries(classNames.map((name, k): [string, number] => [name, row[k] as number]));
      return { class: classNames[likeliest(row)] as string, probabilities };
    },
    gather(model) {
      const outputs: number[] = [];
      const labels: number[] = [];
      const indices: number[] = [];
      const paths: string[] = [];
      const groups: string[] = [];
      return {
        add(batch, told) {
          for (const { values } of told) outputs.push(...(values.logits ?? []));
          labels.push(...targetOf(batch, "class").labels);
          indices.push(...batch.indices);
          paths.push(...batch.paths);
          groups.push(...batch.groups);
        },
        finish: () => ({
          probabilities: rowsOf(outputs, model),
          logits: meaning.logits(outputs, model.classNames.length),
          labels: Int32Array.from(labels),
          groups,
          indices: Uint32Array.from(indices),
          paths,
        }),
      };
    },
    measure: ({ probabilities, labels }, { classNames }) =>
      classificationMetrics({ probabilities, labels, classNames }),
    figures({
      roc: _roc,
      calibration: _bins,
      undefinedMetrics: _undefined,
      curves: _curves,
      decisionCurves: _decisions,
      reliability: _reliability,
      calibrationLines,
      temperature,
      ...figures
    }) {
      if (!calibrationLines) return figures;
      const calibration = { perClass: calibrationLines, ...(temperature && { temperature }) };
      return { ...figures, calibration };
    },
    validation(measured) {
      const { accuracy, f1Macro, aucMacro, logLoss } = measured;
      const { name, value: score } = scoreOf(measured);
      const metrics = { accuracy, f1Macro, ...(aucMacro === null ? {} : { aucMacro }), logLoss, [name]: score };
      return { metrics, score, loss: logLoss };
    },
    columns: ({ classNames }) => ["class", "predicted", ...classNames.map((name) => `p(${name})`)],
    row({ probabilities, labels }, i, { classNames }) {
      const row = rowOf(probabilities, i, classNames.length);
      const truth = classNames[labels[i] as number] as string;
      return [truth, classNames[likeliest(row)] as string, ...Array.from(row, String)];
    },
    report: (metrics, split) => ({ evaluation: { split, metrics } }),
    caption({ probabilities, labels }, i, { classNames }) {
      const row = rowOf(probabilities, i, classNames.length);
      const best = likeliest(row);
      const sure = Math.round((row[best] as number) * 100);
      return `${classNames[labels[i] as number]}, predicted ${classNames[best]} (${sure} %)`;
    },
    examples: ({ labels }, count, seed) => oneOfEach(labels, count, seed),
  };
}

/**
 * Samples with the model's class indices, which may be in another order or more than the data set's. Equal numbers are
 * the same class however they are written.
 *
 * @throws MsmaeError Data when the data set has classes that the model does not know.
 */
export function relabel(
  { classNames }: Pick<Dataset, "classNames">,
  samples: readonly Sample[],
  description: Classes,
  dataPath: string,
): Sample[] {
  const indices = classIndices(classNames, description.classNames, `classes of ${dataPath}`);
  return samples.map((sample) => ({ ...sample, label: indices[sample.label] as number }));
}

/** Up to `count` images, one of each stratum in turn, drawn from the seed; sorted by stratum. */
export function oneOfEach(strata: ArrayLike<number>, count: number, seed: number): number[] {
  const order = Array.from(RandomStream.for(seed, "evaluation").permutation(strata.length));
  const distinct = [...new Set(Array.from(strata))].sort((a, b) => a - b);
  const ofStratum = distinct.map((stratum) => order.filter((i) => strata[i] === stratum));
  const chosen: number[] = [];
  for (let round = 0; round < strata.length && chosen.length < count; round++) {
    chosen.push(...ofStratum.flatMap((images) => images[round] ?? []));
  }
  return chosen.slice(0, count).sort((a, b) => (strata[a] as number) - (strata[b] as number));
}

/** Softmax of each row of `logits` [n, classes], in float64. */
export function softmaxRows(logits: ArrayLike<number>, classes: number): Float64Array {
  return applyTemperature(logits, classes, 1);
}

/** Whether what was gathered are classes, or grades, and their probabilities. */
export function isClassification(result: Gathered): result is Classification {
  return "probabilities" in result && "labels" in result;
}

/** Row `i` of values [n, classes]. */
export function rowOf<T extends Float32Array | Float64Array>(values: T, i: number, classes: number): T {
  return values.subarray(i * classes, (i + 1) * classes) as T;
}

/** The class of the largest value of a row, the first of equals. */
export function likeliest(row: Float64Array): number {
  return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
}
