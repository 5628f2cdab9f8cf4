import { verbs } from "../../../config/index.ts";
import { nameOf, type VerbCommand, writeLines } from "./command.ts";

export const maps: VerbCommand<typeof verbs.maps> = {
  verb: verbs.maps,
  summary: "Draw where a model looks: attention maps over image files.",
  example: "maps --checkpoint runs/pretrain/last.safetensors scan-1.png --output-dir maps",
  async run(options, context) {
    await writeLines(
      context.verbs.attentionMaps(options, context.hooks),
      context,
      (line) => `${nameOf(line)}  ${line.overlay}  ${line.weights}`,
    );
  },
};
