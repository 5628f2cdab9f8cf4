import { verbs } from "../../../config/index.ts";
import { filesVerb } from "../verb.ts";

export const maps = filesVerb({
  options: verbs.maps,
  summary: "Draw where a model looks: attention maps over image files.",
  example: "maps --checkpoint runs/pretrain/last.safetensors scan-1.png --output-dir maps",
  async *run(options, hooks) {
    yield* (await import("../../../inference/attention-maps.ts")).attentionMaps(options, hooks);
  },
  view: ({ overlay, weights }) => `${overlay}  ${weights}`,
});
