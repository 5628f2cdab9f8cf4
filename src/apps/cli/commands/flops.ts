import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const flops: VerbCommand<typeof verbs.flops> = {
  verb: verbs.flops,
  summary: "Count a model's operations with and without masking, and time both.",
  example: "flops --model vit_base_patch16",
  notes: "Both conventions count a multiply-add as one; thop leaves out the attention products, fvcore counts them.",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.flops(options, hooks);
    await output.write(result, formatRecord(result));
  },
};
