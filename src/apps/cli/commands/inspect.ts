import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const inspect: VerbCommand<"inspect"> = {
  name: "inspect",
  summary: "Say what a checkpoint holds.",
  example: "inspect runs/finetune/best.safetensors",
  async run(options, { verbs, output }) {
    const result = await verbs.inspect(options.checkpoint);
    await output.write(result, formatRecord({ ...result, keys: `${result.keys.length} tensors` }));
  },
};
