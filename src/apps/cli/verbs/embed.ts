import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const embed = resultVerb({
  options: verbs.embed,
  summary: "Write what a frozen encoder makes of images, and draw which of them it takes for alike.",
  example:
    "embed --checkpoint runs/pretrain/last.safetensors --data-path images --color-by class,split --output-dir runs/embed",
  notes:
    "Colours that part the picture by scanner, site or split show that the encoder goes by what is not the disease.",
  run: async (options, hooks) => (await import("../../../inference/embed.ts")).embed(options, hooks),
  view: formatRecord,
});
