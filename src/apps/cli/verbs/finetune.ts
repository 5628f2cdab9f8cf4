import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const finetune = resultVerb({
  options: verbs.finetune,
  summary: "Train a classifier from a pre-trained checkpoint, with attention-driven masking.",
  example:
    "finetune --data-path images --model vit_tiny_patch16 --finetune runs/pretrain/last.safetensors --epochs 30 --output-dir runs/finetune",
  notes: "With fewer than 100 epochs, the epochs of warm-up and between map refreshes scale along unless given.",
  run: async (options, hooks) => (await import("../../../training/tasks/finetune.ts")).finetune<object>(options, hooks),
  view: formatRecord,
});
