import { verbs } from "../../../config/index.ts";
import type { Comparison } from "../../../inference/comparison/compare.ts";
import { figuresLine } from "../classification-lines.ts";
import { formatNumber, formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

type Difference = Comparison["differences"][number];

export const compare = resultVerb({
  options: verbs.compare,
  summary: "Compare models on the same images: every difference with its interval and its test.",
  example:
    "compare runs/finetune/best.safetensors runs/vit/best.safetensors --data-path images --output-dir runs/compare",
  notes:
    "Models are called by the folders of their checkpoints. Differences are the first model's figure less the second's.",
  run: async (options, hooks) => (await import("../../../inference/comparison/compare.ts")).compare(options, hooks),
  view({ models, differences, names, ...told }) {
    const overall = [...new Set(differences.filter(isOverall).map(({ metric }) => metric))];
    // One figure of each class says enough on a screen.
    const ofClasses = differences.find((row) => !isOverall(row) && TOLD.includes(row.metric))?.metric;
    const shown = differences.filter((row) => isOverall(row) || row.metric === ofClasses);
    return [
      ...formatRecord({ ...told, names }),
      "",
      "models:",
      ...models.map(({ name, checkpoint, model, ...figures }) => {
        const known = Object.entries(figures).filter(([metric]) => overall.includes(metric));
        return figuresLine({ name, model, checkpoint, ...Object.fromEntries(known) });
      }),
      "",
      "differences (all of them by --json):",
      ...shown.map((row) => differenceLine(row, models.length > 2)),
    ];
  },
});

const TOLD = ["auc", "dice"];

function isOverall({ class: name }: Difference): boolean {
  return name === undefined;
}

function differenceLine(row: Difference, corrected: boolean): string {
  const { first, second, metric, class: name, delta, low, high, p, pHolm, test, reason } = row;
  const start = `${first} - ${second}  ${name === undefined ? metric : `${metric} of ${name}`}`;
  if (delta === null) return `${start}  not defined${reason === undefined ? "" : `: ${reason}`}`;
  const range = low === null || high === null ? "" : `  (${formatNumber(low)} to ${formatNumber(high)})`;
  const holm = corrected && pHolm !== null ? ` (corrected ${formatNumber(pHolm)})` : "";
  return `${start}  ${formatNumber(delta)}${range}${p === null ? "" : `  p ${formatNumber(p)}${holm}  ${test}`}`;
}
