import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const inspect = resultVerb({
  options: verbs.inspect,
  summary: "Say what a checkpoint holds.",
  example: "inspect runs/finetune/best.safetensors",
  run: async (options) => (await import("../../../interop/inspect.ts")).inspect(options),
  view: (result) => formatRecord({ ...result, keys: `${result.keys.length} tensors` }),
});
