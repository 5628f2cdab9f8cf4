import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const segment = resultVerb({
  options: verbs.segment,
  summary: "Train a segmenter on images with masks, from a pre-trained encoder.",
  example:
    "segment --data-path images --model vit_tiny_patch16 --head light --finetune runs/pretrain/last.safetensors --epochs 50 --output-dir runs/segment",
  notes: "Masks come with a CSV file's column mask, masks/ beside images/, or an MSD or nnU-Net folder.",
  run: async (options, hooks) => (await import("../../../training/tasks/segment.ts")).segment(options, hooks),
  view: formatRecord,
});
