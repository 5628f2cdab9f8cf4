// Makes the weights of this package anew: draws the phantoms, pre-trains, and writes NAME.safetensors here.
//
//   node weights/make.ts micro-phantoms runs/weights
//
// One thread, CPU, fp32: 4 minutes of processor time for micro, 15 for mini, 50 for tiny. What is larger than micro is kept as float16.
import { join } from "node:path";
import { makePhantoms } from "../src/experiments/phantom/make-phantoms.ts";
import { readModelFile, writeModelFile } from "../src/interop/model-file.ts";
import { toFloat32 } from "../src/interop/tensor-values.ts";
import { halfBits } from "../src/support/half.ts";
import { pretrain } from "../src/training/tasks/pretrain.ts";

/** Sizes of models, how long each was trained at which peak learning rate, and in how many bits it is kept. */
const models = {
  "micro-phantoms": { model: "msmae_vit_micro_patch8", epochs: 40, lr: 1.5e-3, bits: 32 },
  "mini-phantoms": { model: "msmae_vit_mini_patch16", epochs: 60, lr: 1e-3, bits: 16 },
  "tiny-phantoms": { model: "msmae_vit_tiny_patch16", epochs: 150, lr: 1e-3, bits: 16 },
};

const [name = "", runs = "runs/weights"] = process.argv.slice(2);
if (!(name in models)) throw new Error(`node weights/make.ts ${Object.keys(models).join("|")} [RUNS]`);
const { model, epochs, lr, bits } = models[name as keyof typeof models];

const phantoms = await makePhantoms({
  outputDir: join(runs, "phantoms"),
  seed: 2026,
  imagesPerClass: { train: 300, val: 40, test: 50 },
  style: { contrast: 0.7, distractors: 2 },
});
const { checkpoint } = await pretrain(
  {
    ...{ dataPath: phantoms.root, outputDir: join(runs, name), recipe: "small", model, epochs, lr },
    ...{ inputSize: { height: 64, width: 64 }, patchSize: 8, inChans: 1, cropMinScale: 0.6 },
    ...{ batchSize: 32, saveEvery: 10, seed: 0, threads: 1 },
  },
  {
    onEvent: (event) => {
      if (event.type === "epoch") console.log(JSON.stringify(event));
    },
  },
);
const { description, tensors } = await readModelFile(checkpoint, { own: true });
await writeModelFile(
  join(import.meta.dirname, `${name}.safetensors`),
  { ...description, licence: "apache-2.0" },
  new Map(
    [...tensors].map(([key, tensor]) => {
      const values = toFloat32(tensor);
      return [key, { shape: tensor.shape, data: bits === 16 ? Uint16Array.from(values, halfBits) : values }];
    }),
  ),
);
