import { verbs } from "../../../config/index.ts";
import { formatNumber } from "../output.ts";
import { filesVerb } from "../verb.ts";

export const reconstruct = filesVerb({
  options: verbs.reconstruct,
  summary: "Draw what a pre-trained model makes of hidden patches, beside the original.",
  example: "reconstruct --checkpoint runs/pretrain/last.safetensors scan-1.png --output-dir reconstructions",
  async *run(options, hooks) {
    yield* (await import("../../../inference/reconstruct.ts")).reconstruct(options, hooks);
  },
  view: ({ image, loss }) => `${image}  loss ${formatNumber(loss)}`,
});
