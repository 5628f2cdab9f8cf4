/** The sizes that a model's name stands for; image size, channels and classes are chosen beside it. */
export interface Preset {
  patchSize: number;
  embedDim: number;
  depth: number;
  numHeads: number;
  mlpRatio: number;
  decoderEmbedDim: number;
  decoderDepth: number;
  decoderNumHeads: number;
}

const paperDecoder = { decoderEmbedDim: 512, decoderDepth: 8, decoderNumHeads: 16 };

/**
 * Presets by size. base, large and huge are the paper's; small, tiny, mini and micro are ours for small machines.
 * micro has two blocks only: with more, it gathers a lesion before the last one, whose attention is the map.
 * Source: ViT (Dosovitskiy et al. 2021), MAE (He et al. 2022); method.md section 1.
 */
const sizes: Readonly<Record<string, Preset>> = {
  micro_patch8: {
    patchSize: 8,
    embedDim: 96,
    depth: 2,
    numHeads: 3,
    mlpRatio: 4,
    decoderEmbedDim: 64,
    decoderDepth: 2,
    decoderNumHeads: 2,
  },
  mini_patch16: {
    patchSize: 16,
    embedDim: 192,
    depth: 6,
    numHeads: 3,
    mlpRatio: 4,
    decoderEmbedDim: 128,
    decoderDepth: 2,
    decoderNumHeads: 4,
  },
  tiny_patch16: {
    patchSize: 16,
    embedDim: 192,
    depth: 12,
    numHeads: 3,
    mlpRatio: 4,
    decoderEmbedDim: 192,
    decoderDepth: 4,
    decoderNumHeads: 3,
  },
  small_patch16: {
    patchSize: 16,
    embedDim: 384,
    depth: 12,
    numHeads: 6,
    mlpRatio: 4,
    decoderEmbedDim: 256,
    decoderDepth: 4,
    decoderNumHeads: 4,
  },
  base_patch16: { patchSize: 16, embedDim: 768, depth: 12, numHeads: 12, mlpRatio: 4, ...paperDecoder },
  large_patch16: { patchSize: 16, embedDim: 1024, depth: 24, numHeads: 16, mlpRatio: 4, ...paperDecoder },
  huge_patch14: { patchSize: 14, embedDim: 1280, depth: 32, numHeads: 16, mlpRatio: 4, ...paperDecoder },
};

/** Pre-training models by name. */
export const pretrainPresets: Readonly<Record<string, Preset>> = named("msmae_vit_");

/** Classifiers by name. */
export const classifierPresets: Readonly<Record<string, Preset>> = named("vit_");

function named(prefix: string): Record<string, Preset> {
  return Object.fromEntries(Object.entries(sizes).map(([size, preset]) => [`${prefix}${size}`, preset]));
}
