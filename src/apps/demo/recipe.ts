import type { DemoOptions, FinetuneInput, PretrainInput, SegmentInput } from "../../config/index.ts";
import type { Split } from "../../data/dataset.ts";

/** Side of the phantoms and of the network's input, in pixels: 64 patches of 8 × 8. */
export const imageSize = 64;

/** How many phantoms are drawn. A test set of 200 gives the accuracy to about 3 percentage points. */
export const imagesPerClass: Record<Split, number> = { train: 500, val: 20, test: 50 };

const batchSize = 64;

function common({ seed, threads, device, workers }: DemoOptions, dataPath: string) {
  return {
    dataPath,
    inputSize: { height: imageSize, width: imageSize },
    inChans: 1 as const,
    batchSize,
    // A lesion is a hundredth of the image: the paper's crops, down to a fifth of it, often cut it away.
    cropMinScale: 0.6,
    // Short runs need no checkpoints besides the last and the best.
    saveEvery: 1000,
    ...{ seed, threads, device, workers },
  };
}

/**
 * Supervised pre-training by the small recipe on a schedule of a minute: random masks, one refresh of the attention maps, then
 * masks that leave the encoder what is attended most. Attention finds the lesion while all patches take turns in being
 * seen: so most epochs are random. Crops are milder.
 */
export function pretrainRecipe(options: DemoOptions, dataPath: string, outputDir: string): PretrainInput {
  return {
    ...common(options, dataPath),
    outputDir,
    recipe: "small",
    model: "msmae_vit_micro_patch8",
    epochs: 24,
    lr: 1.5e-3,
    warmupEpochs: 2,
    mapWarmupEpochs: 19,
    mapInterval: 19,
    attentionStartEpoch: 20,
  };
}

/** Fine-tuning by the small recipe: on the quarter attended most, then the last epochs on all patches, as in evaluation. */
export function finetuneRecipe(
  options: DemoOptions,
  dataPath: string,
  outputDir: string,
  checkpoint: string,
): FinetuneInput {
  return {
    ...common(options, dataPath),
    outputDir,
    model: "vit_micro_patch8",
    recipe: "small",
    finetune: checkpoint,
    epochs: 8,
    lr: 1e-3,
    warmupEpochs: 1,
    // So small a network, trained so shortly, does not overfit.
    dropPath: 0,
  };
}

/**
 * Outlining: a light head on the encoder that pre-training left, trained together on all patches. Small batches at a high
 * rate, because three epochs must do what the paper takes 200 for.
 */
export function segmentRecipe(
  options: DemoOptions,
  dataPath: string,
  outputDir: string,
  checkpoint: string,
): SegmentInput {
  return {
    ...common(options, dataPath),
    outputDir,
    model: "vit_micro_patch8",
    finetune: checkpoint,
    head: "light",
    headWidth: 32,
    epochs: 3,
    batchSize: 16,
    // A lesion is a hundredth of the image: the whole cross-entropy sharpens its edge sooner than half of it.
    loss: "ce-dice",
    optimizer: "adamw",
    lr: 5e-3,
    warmupEpochs: 0.3,
    cropMinScale: 0.8,
    hflip: 0.5,
    // Bodies lie one way.
    rot90: false,
  };
}
