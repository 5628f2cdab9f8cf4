import { formatNumber, formatRecord } from "../output.ts";
import type { EvalResult } from "../verbs.ts";
import type { VerbCommand } from "./command.ts";

export const evaluate: VerbCommand<"eval"> = {
  name: "eval",
  summary: "Measure a classifier on one split of a data set, all patches shown.",
  example: "eval --checkpoint runs/finetune/best.safetensors --data-path images --split test",
  async run(options, { verbs, hooks, output }) {
    const result = await verbs.evaluate(options, hooks);
    await output.write(result, describe(result));
  },
};

function describe({ perClass, confusion, ...figures }: EvalResult): string[] {
  const classes = perClass.map((row) =>
    Object.entries(row)
      .map(([name, value]) => (typeof value === "number" ? `${name} ${formatNumber(value)}` : String(value)))
      .join("  "),
  );
  const width = Math.max(1, ...confusion.flat().map((count) => String(count).length));
  const matrix = confusion.map((row) => row.map((count) => String(count).padStart(width)).join(" "));
  return [
    ...formatRecord(figures),
    "",
    "per class:",
    ...classes,
    "",
    "confusion (rows: true class, columns: predicted):",
    ...matrix,
  ];
}
