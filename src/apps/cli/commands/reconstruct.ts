import { verbs } from "../../../config/index.ts";
import { formatNumber } from "../output.ts";
import { nameOf, type VerbCommand, writeLines } from "./command.ts";

export const reconstruct: VerbCommand<typeof verbs.reconstruct> = {
  verb: verbs.reconstruct,
  summary: "Draw what a pre-trained model makes of hidden patches, beside the original.",
  example: "reconstruct --checkpoint runs/pretrain/last.safetensors scan-1.png --output-dir reconstructions",
  async run(options, context) {
    await writeLines(
      context.verbs.reconstruct(options, context.hooks),
      context,
      (line) => `${nameOf(line)}  ${line.image}  loss ${formatNumber(line.loss)}`,
    );
  },
};
