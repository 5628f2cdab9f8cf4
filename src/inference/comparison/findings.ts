import { compareFindings, FINDINGS_FIGURES, findingsIntervals, findingsMetrics } from "../../results/metrics/index.ts";
import { type GatheredFindings, findings as outcomeOfFindings, thresholdsOf } from "../outcomes/findings.ts";
import { type AlignedNames, alignedNames } from "./aligned-names.ts";
import type { Answered } from "./compared-model.ts";
import type { Comparer } from "./comparer.ts";

const outcome = outcomeOfFindings();

/** Findings, each at the model's own threshold: DeLong and the paired bootstrap. */
export const findings: Comparer<GatheredFindings> = {
  check: alignedNames,
  compare(models, seed) {
    const aligned = alignedNames(models);
    const { names } = aligned;
    const said = models.map((model, k) => inOrder(model, aligned, k));
    const [{ truth, groups }] = said as [Said];
    const { differences, resampling } = compareFindings({ models: said, truth, names, groups, seed });
    const own = said.map((one, k) => {
      const input = { ...one, names, seed: models[k]?.description.seed as number };
      const { figures: intervals, perFinding: intervalsPerFinding, resampling: drawn } = findingsIntervals(input);
      return { ...findingsMetrics(input), intervals, intervalsPerFinding, resampling: drawn };
    });
    return {
      names,
      models: own.map((metrics) => ({ metrics, figures: outcome.figures(metrics) })),
      differences,
      resampling,
      table: {
        columns: names.flatMap((name) => [name, ...models.map((model) => `p(${name}, ${model.name})`)]),
        rows: groups.map((_, i) =>
          names.flatMap((_name, k) => {
            const at = i * names.length + k;
            const value = truth[at] as number;
            const told = said.map(({ probabilities }) => String(probabilities[at]));
            return [Number.isNaN(value) ? "" : String(value), ...told];
          }),
        ),
      },
      section: {
        figures: FINDINGS_FIGURES.map((metric) => ({
          metric,
          estimates: own.map(({ intervals }) => intervals[metric]),
        })),
        main: "aucMean",
        each: "Finding",
        ofClasses: ["auc", "sensitivity", "specificity"],
        roc: names.map((name, k) => ({
          class: name,
          curves: own.map(({ roc, perFinding }) => ({ curve: roc[k]?.curve ?? null, auc: perFinding[k]?.auc ?? null })),
        })),
        rules: [
          "Each finding counts on the images of which it is known, from each model's own threshold on.",
          "Resamples are not drawn by finding, so that rare findings may lack an interval.",
        ],
      },
    };
  },
};

interface Said {
  name: string;
  /** [cases, findings] */
  probabilities: Float64Array;
  truth: Float64Array;
  /** [findings] */
  thresholds: number[];
  groups: string[];
}

/** What a model said of the common cases, findings in the order of all. */
function inOrder(model: Answered<GatheredFindings>, { places }: AlignedNames, k: number): Said {
  const { name, description, result, at } = model;
  const own = places[k] as number[];
  const thresholds = thresholdsOf(description);
  const select = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(at.flatMap((row) => own.map((place) => values[row * own.length + place] as number)));
  return {
    name,
    probabilities: select(result.probabilities),
    truth: select(result.truth),
    thresholds: own.map((place) => thresholds[place] as number),
    groups: at.map((row) => result.groups[row] as string),
  };
}
