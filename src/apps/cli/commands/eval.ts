import { verbs } from "../../../config/index.ts";
import { formatNumber, formatRecord } from "../output.ts";
import type { EvalResult } from "../verbs.ts";
import type { VerbCommand } from "./command.ts";

export const evaluate: VerbCommand<typeof verbs.evaluate> = {
  verb: verbs.evaluate,
  summary: "Measure a classifier on one split of a data set, all patches shown.",
  example: "eval --checkpoint runs/finetune/best.safetensors --data-path images --split test",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.evaluate(options, hooks);
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
