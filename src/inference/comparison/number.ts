import {
  NUMBER_FIGURES,
  type NumberFigure,
  numberIntervals,
  numberMetrics,
  numberStatistic,
  pairedDifferences,
  pairedRows,
} from "../../results/metrics/index.ts";
import type { GatheredNumbers } from "../outcomes/number.ts";
import { alignedNames } from "./aligned-names.ts";
import type { Answered } from "./compared-model.ts";
import type { Comparer } from "./comparer.ts";

/** Figures of which a difference says which model is better. */
const COMPARED: readonly NumberFigure[] = ["mae", "rmse", "r2", "correlation"];

/** One number of an image: the paired bootstrap of errors. */
export const number: Comparer<GatheredNumbers> = {
  check: alignedNames,
  compare(models, seed) {
    const { names } = alignedNames(models);
    const said = models.map(ofCases);
    const [{ truth, groups }] = said as [Said];
    const statistics = said.map(numberStatistic);
    const paired = pairedDifferences({ cases: groups.length, groups, models: statistics, seed });
    const called = models.map(({ name }) => name);
    const rows = pairedRows(paired, called, (metric) => ({ metric }));
    const own = said.map((input, k) => {
      const { figures: intervals, resampling } = numberIntervals({
        ...input,
        seed: models[k]?.description.seed as number,
      });
      return { ...numberMetrics(input), intervals, resampling };
    });
    const { groups: drawn, mixedGroups, resamples } = paired;
    return {
      names,
      models: own.map((metrics) => ({ metrics, figures: metrics })),
      differences: rows.filter(({ metric }) => COMPARED.some((figure) => figure === metric)),
      resampling: { groups: drawn, mixedGroups, resamples },
      table: {
        columns: [names[0] as string, ...called.map((name) => `predicted(${name})`)],
        rows: groups.map((_, i) => {
          const value = truth[i] as number;
          return [Number.isNaN(value) ? "" : String(value), ...said.map(({ predicted }) => String(predicted[i]))];
        }),
      },
      section: {
        figures: NUMBER_FIGURES.map((metric) => ({ metric, estimates: own.map(({ intervals }) => intervals[metric]) })),
        main: "mae",
        each: "Class",
        ofClasses: [],
        rules: [`Errors are in the unit of ${names[0]}; images of which it is not known count for nothing.`],
      },
    };
  },
};

interface Said {
  /** [cases] */
  predicted: number[];
  truth: number[];
  groups: string[];
}

function ofCases({ result, at }: Answered<GatheredNumbers>): Said {
  return {
    predicted: at.map((row) => result.predicted[row] as number),
    truth: at.map((row) => result.truth[row] as number),
    groups: at.map((row) => result.groups[row] as string),
  };
}
