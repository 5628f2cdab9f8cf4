import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const inspect: VerbCommand<typeof verbs.inspect> = {
  verb: verbs.inspect,
  summary: "Say what a checkpoint holds.",
  example: "inspect runs/finetune/best.safetensors",
  async run(options, { verbs: library, output }) {
    const result = await library.inspect(options.checkpoint);
    await output.write(result, formatRecord({ ...result, keys: `${result.keys.length} tensors` }));
  },
};
