import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const linprobe = resultVerb({
  options: verbs.linprobe,
  summary: "Train a linear classifier on what a frozen encoder makes of images, to see what it knows.",
  example:
    "linprobe --data-path images --model vit_tiny_patch16 --finetune runs/pretrain/last.safetensors --output-dir runs/probe",
  notes:
    "The encoder works once for each image, unless images are augmented. classifier.safetensors is for eval and predict.",
  run: async (options, hooks) => (await import("../../../training/tasks/linprobe.ts")).linprobe(options, hooks),
  view: formatRecord,
});
