import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const pretrain: VerbCommand<typeof verbs.pretrain> = {
  verb: verbs.pretrain,
  summary: "Pre-train a masked autoencoder on a folder of labelled images.",
  example: "pretrain --data-path images --model msmae_vit_tiny_patch16 --epochs 60 --output-dir runs/pretrain",
  notes:
    "With fewer than 300 epochs, the epochs of warm-up, map refreshes and attention start scale along unless given.",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.pretrain(options, hooks);
    await output.write(result, formatRecord(result));
  },
};
