import { type Resampling, type ResamplingOptions, resamplingOf } from "./classification-intervals.ts";
import { delongTest } from "./delong.ts";
import { delongRow, type ModelDifference, pairedRows } from "./difference-rows.ts";
import { checkFindings, type FindingsInput, type KnownFinding } from "./findings.ts";
import { findingsStatistic } from "./findings-intervals.ts";
import { corrected } from "./holm.ts";
import { pairedDifferences, pairsOf } from "./paired-differences.ts";

/** What {@link compareFindings} takes. */
export interface FindingsComparisonInput extends Pick<FindingsInput, "truth" | "names">, ResamplingOptions {
  /** Each one's answers of the same cases in the same order. */
  models: readonly ({ name: string } & Pick<FindingsInput, "probabilities" | "thresholds">)[];
}

/**
 * Compares models of several findings on the same cases, as rows: figures over all findings, then of each finding over the
 * cases of which it is known, at each model's own thresholds. All are by the paired bootstrap, save AUCs of single findings where
 * every case stands by itself, which are DeLong's.
 *
 * @throws MsmaeError "Data" or "Shape" as `findingsMetrics` and `bootstrapIntervals`.
 */
export function compareFindings({ models, truth, names, groups, seed, resamples }: FindingsComparisonInput): {
  differences: ModelDifference[];
  resampling: Resampling;
} {
  const cases = truth.length / names.length;
  const statistics = models.map((model) => findingsStatistic({ ...model, truth, names }));
  const paired = pairedDifferences({ cases, groups, seed, resamples, models: statistics });
  const called = models.map(({ name }) => name);
  const rows = pairedRows(paired, called, (name) => {
    const [of, metric] = name.split(" ") as [string, string?];
    return metric === undefined ? { metric: of } : { metric, class: names[Number(of)] };
  });
  if (paired.groups < cases) return { differences: rows, resampling: resamplingOf(paired) };
  const known = models.map((model) => checkFindings({ ...model, truth, names }));
  const pairs = pairsOf(models.length);
  const auc = names.map((_, k) => {
    const of = (model: number): KnownFinding => known[model]?.[k] as KnownFinding;
    return corrected(pairs.map(([a, b]) => delongTest(of(a).scores, of(b).scores, of(a).positive)));
  });
  const perPair = rows.length / pairs.length;
  const differences = rows.map((row, at) => {
    const test = row.metric === "auc" && auc[names.indexOf(row.class as string)]?.[Math.floor(at / perPair)];
    return test ? delongRow(row, test) : row;
  });
  return { differences, resampling: resamplingOf(paired) };
}
