import { formatRecord } from "../output.ts";
import type { VerbCommand } from "./command.ts";

export const pretrain: VerbCommand<"pretrain"> = {
  name: "pretrain",
  summary: "Pre-train a masked autoencoder on a folder of labelled images.",
  example: "pretrain --data-path images --model msmae_vit_tiny_patch16 --epochs 60 --output-dir runs/pretrain",
  notes:
    "With fewer than 300 epochs, the epochs of warm-up, map refreshes and attention start scale along unless given.",
  async run(options, { verbs, hooks, output }) {
    const result = await verbs.pretrain(options, hooks);
    await output.write(result, formatRecord(result));
  },
};
