import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const convert = resultVerb({
  options: verbs.convert,
  summary: "Bring a checkpoint of another program to ours, or one of ours to another program.",
  example: "convert mae_pretrain_vit_base.pth mae.safetensors",
  notes:
    "Training takes such checkpoints as they are by --finetune. What is read from which layout, and how, stands in docs/interop.md.",
  run: async (options, hooks) => (await import("../../../interop/convert.ts")).convert(options, hooks),
  view: ({ missing, unexpected, reshaped, ...result }) =>
    formatRecord({
      ...result,
      missing: told(missing),
      unexpected: told(unexpected),
      reshaped: told(reshaped),
    }),
});

/** A count with the first of the keys. */
function told(keys: readonly string[]): string {
  if (keys.length === 0) return "none";
  return `${keys.length}: ${keys.slice(0, 4).join(", ")}${keys.length > 4 ? ", …" : ""}`;
}
