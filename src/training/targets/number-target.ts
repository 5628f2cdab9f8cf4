import type { FinetuneOptions } from "../../config/index.ts";
import { targetOf } from "../../data/targets/target.ts";
import { input } from "../../engine/graph/builders.ts";
import { number } from "../../inference/outcomes/number.ts";
import { weightedHuber } from "../../method/nn/losses.ts";
import { valueFeeds } from "../../method/value-feeds.ts";
import type { NumberMetrics } from "../../results/metrics/index.ts";
import { MsmaeError } from "../../support/errors.ts";
import { cardResults } from "../model-card.ts";
import type { RunData } from "../setup.ts";
import type { TrainingTarget } from "./training-target.ts";

/** What fine-tuning tells of the best weights of a model of a number. */
export type NumberFigures = Pick<NumberMetrics, "mae" | "rmse" | "r2">;

/**
 * One number: the Huber loss of its distance from the training mean, in training deviations, where it is known. Mean and
 * deviation stand in the checkpoint.
 *
 * @throws MsmaeError Data where training images do not have at least two numbers.
 */
export function numberTarget({ batchSize }: FinetuneOptions, { folder }: RunData, name: string): TrainingTarget {
  const known = folder.splits.train
    .map(({ values }) => values?.[0] ?? Number.NaN)
    .filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
  if (!(deviation > 0)) {
    throw new MsmaeError("Data", {
      where: `column ${name}`,
      expected: "at least two different numbers of training images",
      got: known.length === 0 ? "none" : `${known[0]} in all ${known.length}`,
      todo: "choose another column with --number",
    });
  }
  return {
    outputs: 1,
    loading: { target: { kind: "values" } },
    counts: { [name]: known.length },
    loss: (logits) =>
      weightedHuber(logits, input("valueTargets", [batchSize, 1]), input("valueWeights", [batchSize, 1])),
    feeds(batch, mixes) {
      const counted = targetOf(batch, "values").values.map((value) => (value - mean) / deviation);
      return { ...valueFeeds(counted, mixes) };
    },
    outcome: number,
    validation: number,
    validated() {},
    describe: () => ({ classNames: [name], target: { kind: "number", mean, deviation } }),
    state: () => ({}),
    restore() {},
    told(metrics, split) {
      const { mae, rmse, r2 } = metrics as NumberMetrics;
      const figures: NumberFigures = { mae, rmse, r2 };
      const results = cardResults(split, [
        ["Mean absolute error", "mae", mae],
        ["Root mean squared error", "rmse", rmse],
        ["R²", "r_squared", r2],
      ]);
      return { figures, results };
    },
    output: ([told = name]) => `one number: ${told}`,
  };
}
