import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { resultVerb } from "../verb.ts";

export const pretrain = resultVerb({
  options: verbs.pretrain,
  summary: "Pre-train a masked autoencoder on a folder of labelled images.",
  example: "pretrain --data-path images --model msmae_vit_tiny_patch16 --epochs 60 --output-dir runs/pretrain",
  notes:
    "With fewer than 300 epochs, the epochs of warm-up, map refreshes and attention start scale along unless given.",
  run: async (options, hooks) => (await import("../../../training/tasks/pretrain.ts")).pretrain(options, hooks),
  view: formatRecord,
});
