import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const flops = resultVerb({
  options: verbs.flops,
  summary: "Count a model's operations with and without masking, and time both; of other networks all in one.",
  example: "flops --model vit_base_patch16",
  notes: "Both conventions count a multiply-add as one; thop leaves out the attention products, fvcore counts them.",
  run: async (options, hooks) => (await import("../../../inference/flops.ts")).flops(options, hooks),
  view: formatRecord,
});
