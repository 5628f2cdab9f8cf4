import { verbs } from "../../../config/index.ts";
import type { SeededDifference } from "../../../results/metrics/index.ts";
import { formatNumber } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const reproduce = resultVerb({
  options: verbs.reproduce,
  summary: "Run the paper's comparison, or a plan of your own, from data to a table.",
  example: "reproduce --dataset phantom --scale smoke --output-dir runs/phantom",
  notes:
    "Each run has a folder of its own and none is run twice: the same command goes on where it stopped, and several processes may share the folder.",
  run: async (options, hooks) => (await import("../../../experiments/reproduce.ts")).reproduce(options, hooks),
  view: ({ table, differences, losses, left, reportPath }) => [
    ...table
      .filter(({ metric }) => metric === table[0]?.metric)
      .map(
        ({ method, metric, mean, std, low, high, seeds }) =>
          `${method}  ${metric} ${formatNumber(mean)}${std === null ? "" : ` ± ${formatNumber(std)}`}  (${formatNumber(low)} to ${formatNumber(high)})  ${seeds} seeds`,
      ),
    ...differences.map(({ first, second, figures }) => {
      const { delta, low, high } = figures[table[0]?.metric ?? ""] as SeededDifference;
      return `${first} - ${second}  ${formatNumber(delta)}  (${formatNumber(low)} to ${formatNumber(high)})`;
    }),
    ...losses.map(({ first, second, stage, equal, difference, low, high, margin }) => {
      const [mean, from, to, most] = [difference, low, high, margin].map(formatNumber);
      return `${first} - ${second}, ${stage}  training loss ${mean}  (${from} to ${to}), ${equal ? "equal" : "not shown to be equal"} within ${most}`;
    }),
    ...(left.length === 0 ? [] : [`Left for another time: ${left.length} steps`]),
    `Report: ${reportPath}`,
  ],
});
