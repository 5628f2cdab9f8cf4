import type { EncoderConfig, MaeConfig } from "./config.ts";

/** The sizes of an encoder that a model's name stands for; image size, channels and classes are chosen beside it. */
export type EncoderPreset = Pick<EncoderConfig, "patchSize" | "embedDim" | "depth" | "numHeads" | "mlpRatio">;

/** The sizes of a decoder that goes with it. */
export type DecoderPreset = Pick<MaeConfig, "decoderEmbedDim" | "decoderDepth" | "decoderNumHeads">;

const paperDecoder: DecoderPreset = { decoderEmbedDim: 512, decoderDepth: 8, decoderNumHeads: 16 };

/**
 * Presets by size. base, large and huge are the paper's; small, tiny, mini and micro are ours for small machines.
 * micro has two blocks only: with more, it gathers a lesion before the last one, whose attention is the map.
 * Source: ViT (Dosovitskiy et al. 2021), MAE (He et al. 2022); method.md section 1.
 */
const sizes: Readonly<Record<string, { encoder: EncoderPreset; decoder: DecoderPreset }>> = {
  micro_patch8: {
    encoder: { patchSize: 8, embedDim: 96, depth: 2, numHeads: 3, mlpRatio: 4 },
    decoder: { decoderEmbedDim: 64, decoderDepth: 2, decoderNumHeads: 2 },
  },
  mini_patch16: {
    encoder: { patchSize: 16, embedDim: 192, depth: 6, numHeads: 3, mlpRatio: 4 },
    decoder: { decoderEmbedDim: 128, decoderDepth: 2, decoderNumHeads: 4 },
  },
  tiny_patch16: {
    encoder: { patchSize: 16, embedDim: 192, depth: 12, numHeads: 3, mlpRatio: 4 },
    decoder: { decoderEmbedDim: 192, decoderDepth: 4, decoderNumHeads: 3 },
  },
  small_patch16: {
    encoder: { patchSize: 16, embedDim: 384, depth: 12, numHeads: 6, mlpRatio: 4 },
    decoder: { decoderEmbedDim: 256, decoderDepth: 4, decoderNumHeads: 4 },
  },
  base_patch16: {
    encoder: { patchSize: 16, embedDim: 768, depth: 12, numHeads: 12, mlpRatio: 4 },
    decoder: paperDecoder,
  },
  large_patch16: {
    encoder: { patchSize: 16, embedDim: 1024, depth: 24, numHeads: 16, mlpRatio: 4 },
    decoder: paperDecoder,
  },
  huge_patch14: {
    encoder: { patchSize: 14, embedDim: 1280, depth: 32, numHeads: 16, mlpRatio: 4 },
    decoder: paperDecoder,
  },
};

/** Pre-training models by name: each with its decoder. */
export const pretrainPresets: Readonly<Record<string, EncoderPreset & DecoderPreset>> = Object.fromEntries(
  Object.entries(sizes).map(([size, { encoder, decoder }]) => [`msmae_vit_${size}`, { ...encoder, ...decoder }]),
);

/** Encoders by name: of classifiers and segmenters. */
export const encoderPresets: Readonly<Record<string, EncoderPreset>> = Object.fromEntries(
  Object.entries(sizes).map(([size, { encoder }]) => [`vit_${size}`, encoder]),
);
