import {
  classificationIntervals,
  classificationMetrics,
  classifierDifferences,
  compareClassifiers,
  OVERALL_FIGURES,
} from "../../results/metrics/index.ts";
import type { Classification } from "../outcomes/classes.ts";
import { classes as outcome } from "../outcomes/classes.ts";
import { type AlignedNames, alignedNames } from "./aligned-names.ts";
import type { Answered } from "./compared-model.ts";
import type { Comparer } from "./comparer.ts";

/** One class of an image: McNemar, DeLong and the paired bootstrap. */
export const classes: Comparer<Classification> = {
  check: alignedNames,
  compare(models, seed) {
    const aligned = alignedNames(models);
    const { names: classNames } = aligned;
    const said = models.map((model, k) => inOrder(model, aligned, k));
    const [{ labels, groups }] = said as [Said];
    const all = said.map(({ probabilities }, k) => ({ name: models[k]?.name as string, probabilities }));
    const { pairs, resampling } = compareClassifiers({ models: all, labels, classNames, groups, seed });
    const own = said.map(({ probabilities }, k) => {
      const input = { probabilities, labels, groups, classNames, seed: models[k]?.description.seed as number };
      const { figures: intervals, perClass, resampling: drawn } = classificationIntervals(input);
      return { ...classificationMetrics(input), intervals, intervalsPerClass: perClass, resampling: drawn };
    });
    return {
      names: classNames,
      models: own.map((metrics) => ({ metrics, figures: outcome.figures(metrics) })),
      differences: classifierDifferences({ n: labels.length, pairs, resampling }),
      resampling,
      tests: {
        pairs: pairs.map(({ first, second, mcnemar, perClass }) => ({ first, second, mcnemar, auc: aucs(perClass) })),
      },
      table: tableOf(models, said, classNames),
      section: {
        figures: OVERALL_FIGURES.map((metric) => ({
          metric,
          estimates: own.map(({ intervals }) => intervals[metric]),
        })),
        main: "accuracy",
        each: "Class",
        ofClasses: ["auc", "sensitivity", "specificity"],
        roc: classNames.map((name, k) => ({
          class: name,
          curves: own.map(({ roc, perClass }) => ({ curve: roc[k]?.curve ?? null, auc: perClass[k]?.auc ?? null })),
        })),
        discordant: pairs.map(({ mcnemar }) => mcnemar),
      },
    };
  },
};

interface Said {
  /** [cases, classes] */
  probabilities: Float64Array;
  /** [cases] */
  labels: Int32Array;
  groups: string[] | undefined;
}

/** What a model said of the common cases, classes in the order of all. */
function inOrder({ result, at }: Answered<Classification>, { names, places }: AlignedNames, model: number): Said {
  const { probabilities, labels, groups } = result;
  const own = places[model] as number[];
  const width = names.length;
  const rows = at.flatMap((row) => own.map((place) => probabilities[row * width + place] as number));
  return {
    probabilities: Float64Array.from(rows),
    labels: Int32Array.from(at, (row) => own.indexOf(labels[row] as number)),
    groups: groups && at.map((row) => groups[row] as string),
  };
}

function aucs(perClass: ReturnType<typeof compareClassifiers>["pairs"][number]["perClass"]) {
  return perClass.map(({ class: name, auc }) => ({ class: name, ...auc }));
}

function tableOf(models: readonly Answered[], said: readonly Said[], classNames: readonly string[]) {
  const columns = models.flatMap(({ name }) => [
    `predicted(${name})`,
    ...classNames.map((label) => `p(${label}, ${name})`),
  ]);
  const [{ labels }] = said as [Said];
  const rows = Array.from(labels, (label, i) => [
    classNames[label] as string,
    ...said.flatMap(({ probabilities }) => {
      const row = probabilities.subarray(i * classNames.length, (i + 1) * classNames.length);
      return [classNames[row.indexOf(Math.max(...row))] as string, ...Array.from(row, String)];
    }),
  ]);
  return { columns: ["class", ...columns], rows };
}
