// Measures weights of this package on a data set that they have not seen; a JSON line for each run, accuracies in percent:
//
//   node weights/evaluate.ts msmae:micro-phantoms btmd-clean.csv runs/weights 0.18
//   node weights/evaluate.ts msmae:micro-phantoms phantoms runs/weights
//
// The last is the share of the training labels that is used; `phantoms` are drawn, of another kind than the weights'. k-NN and a linear probe ask the frozen encoder, the probe also one of
// drawn weights; fine-tuning starts from the weights and from scratch, each with three seeds, at equal epochs.
import { join } from "node:path";
import { makePhantoms } from "../src/experiments/phantom/make-phantoms.ts";
import { knn } from "../src/inference/knn.ts";
import { describeModelFile } from "../src/interop/model-file.ts";
import type { EncoderConfig } from "../src/method/models/config.ts";
import { finetune } from "../src/training/tasks/finetune.ts";
import { linprobe } from "../src/training/tasks/linprobe.ts";

const [weights = "", given = "", runs = "runs/weights", share = "1"] = process.argv.slice(2);
const dataPath = given === "phantoms" ? await otherPhantoms() : given;
const { description } = await describeModelFile(weights);
const { inputHeight, inputWidth, patchSize, inChans } = description.config as EncoderConfig;
const data = { dataPath, labelShare: Number(share), threads: 1 } as const;
const sizes = {
  ...{ model: description.model.replace("msmae_", ""), patchSize, inChans: inChans as 1 | 3 },
  inputSize: { height: inputHeight, width: inputWidth },
};
const starts = { pretrained: { finetune: weights }, scratch: { init: "scratch" } } as const;

const neighbours = await knn({ ...data, checkpoint: weights, k: [1, 5, 20] });
say("k-NN", `k ${neighbours.k}`, neighbours);
for (const [start, from] of Object.entries(starts)) {
  const outputDir = join(runs, `linprobe-${start}`);
  say("linear probe", start, await linprobe({ ...data, ...sizes, ...from, outputDir, epochs: 30 }));
}
for (const seed of [0, 1, 2]) {
  for (const [start, from] of Object.entries(starts)) {
    const outputDir = join(runs, `finetune-${start}-${seed}`);
    // As in docs/results.md: the layer decay that is best for each start, the same masks for both, which are none.
    const recipe = start === "scratch" ? ({ method: "vit", layerDecay: 1 } as const) : ({ method: "mae" } as const);
    const options = { ...data, ...sizes, ...from, ...recipe, outputDir, seed, epochs: 20, batchSize: 32, lr: 1.5e-3 };
    say("fine-tuning", start, await finetune({ ...options, cropMinScale: 0.6, saveEvery: 1000 }), seed);
  }
}

/** Few, with larger and fainter lesions and no decoys. */
async function otherPhantoms(): Promise<string> {
  const imagesPerClass = { train: 50, val: 40, test: 150 };
  const style = { lesion: 1.3, contrast: 0.5, distractors: 0 };
  return (await makePhantoms({ outputDir: join(runs, "phantoms"), seed: 7, imagesPerClass, style })).root;
}

function say(how: string, start: string, { accuracy, aucMacro }: Figures, seed?: number): void {
  console.log(JSON.stringify({ how, start, seed, accuracy: Number((100 * accuracy).toFixed(1)), aucMacro }));
}

interface Figures {
  accuracy: number;
  aucMacro: number | null;
}
