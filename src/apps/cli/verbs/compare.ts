import { verbs } from "../../../config/index.ts";
import type { Comparison } from "../../../inference/comparison/compare.ts";
import { formatNumber, formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const compare = resultVerb({
  options: verbs.compare,
  summary: "Compare models on the same images: every difference with its interval and its test.",
  example:
    "compare runs/finetune/best.safetensors runs/vit/best.safetensors --data-path images --output-dir runs/compare",
  notes:
    "Models are called by the folders of their checkpoints. Differences are the first model's figure less the second's.",
  run: async (options, hooks) => (await import("../../../inference/comparison/compare.ts")).compare(options, hooks),
  view: ({ models, differences, names: _names, ...told }) => [
    ...formatRecord(told),
    "",
    "models:",
    ...models.map(({ name, checkpoint, model }) => `${name}  ${model}  ${checkpoint}`),
    "",
    "differences:",
    ...differences.map(differenceLine),
  ],
});

function differenceLine({
  first,
  second,
  metric,
  class: of,
  delta,
  low,
  high,
  ...tested
}: Comparison["differences"][number]) {
  const { p, pHolm, test, reason } = tested;
  const figure = of === undefined ? metric : `${metric} of ${of}`;
  if (delta === null) return `${first} - ${second}  ${figure}  not defined${reason === undefined ? "" : `: ${reason}`}`;
  const range = low === null || high === null ? "" : `  (${formatNumber(low)} to ${formatNumber(high)})`;
  const corrected = pHolm === p || pHolm === null ? "" : ` (corrected ${formatNumber(pHolm)})`;
  const probability = p === null ? "" : `  p ${formatNumber(p)}${corrected}  ${test}`;
  return `${first} - ${second}  ${figure}  ${formatNumber(delta)}${range}${probability}`;
}
