import { MsmaeError } from "../../support/errors.ts";
import type { Grid } from "../nn/pos-embed.ts";

/** What every model of images has: the size of its input in pixels, its channels, and the classes it is told of. */
export interface ImageModelConfig {
  inputHeight: number;
  inputWidth: number;
  inChans: number;
  numClasses: number;
}

/**
 * How the attention of several heads becomes one map: each head scaled to [0, 1] and those averaged, as in the paper, or the
 * average scaled, in which a head that looks everywhere alike has no part.
 */
export const HEAD_FUSIONS = ["min-max", "mean"] as const;
export type HeadFusion = (typeof HEAD_FUSIONS)[number];

/** Whose cls attention makes a map: the last block's, as in the paper, or that of the heads of all blocks. */
export const MAP_BLOCKS = ["last", "all"] as const;
export type MapBlocks = (typeof MAP_BLOCKS)[number];

/** The shape of a Vision Transformer's encoder. Sizes in pixels and features. */
export interface EncoderConfig extends ImageModelConfig {
  patchSize: number;
  embedDim: number;
  depth: number;
  numHeads: number;
  mlpRatio: number;
  /** How its attention is read as a map. Default `min-max`. */
  mapHeads?: HeadFusion | undefined;
  /** Default `last`. */
  mapBlocks?: MapBlocks | undefined;
  /** Of its norms, the decoder's included. Default 1e-6; Hugging Face's models have 1e-12. */
  normEpsilon?: number | undefined;
}

/** A pre-training model: the encoder with its classification head, and the MAE decoder. */
export interface MaeConfig extends EncoderConfig {
  decoderEmbedDim: number;
  decoderDepth: number;
  decoderNumHeads: number;
}

/** How a classifier pools its tokens: the mean of the patch tokens, or the cls token. */
export type GlobalPool = "avg" | "cls";

export interface ClassifierConfig extends EncoderConfig {
  globalPool: GlobalPool;
}

/** Images that a model sees as patches. */
export type PatchedImages = ImageModelConfig & Pick<EncoderConfig, "patchSize">;

/** The patch grid of a model's input. */
export function gridOf({ inputHeight, inputWidth, patchSize }: PatchedImages): Grid {
  return { height: inputHeight / patchSize, width: inputWidth / patchSize };
}

/** Patches per image. */
export function patchCount(config: PatchedImages): number {
  const { height, width } = gridOf(config);
  return height * width;
}

/** Pixel values per patch. */
export function patchValues({ patchSize, inChans }: PatchedImages): number {
  return patchSize * patchSize * inChans;
}

/** Refuses a configuration whose numbers do not fit together, naming every problem. @throws MsmaeError Config */
export function checkConfig(config: EncoderConfig | MaeConfig): void {
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  for (const [key, value] of Object.entries(config)) {
    if (typeof value === "number")
      expect(
        value > 0 && (key === "mlpRatio" || key === "normEpsilon" || Number.isInteger(value)),
        `${key} = ${value}`,
      );
  }
  const { inputHeight, inputWidth, patchSize, embedDim, numHeads } = config;
  const fits = inputHeight % patchSize === 0 && inputWidth % patchSize === 0;
  expect(fits, `input ${inputHeight}x${inputWidth} not divisible by patch size ${patchSize}`);
  expect(embedDim % numHeads === 0, `embedDim ${embedDim} not divisible by numHeads ${numHeads}`);
  expect(embedDim % 4 === 0, `embedDim ${embedDim} not divisible by 4`);
  if ("decoderEmbedDim" in config) {
    const { decoderEmbedDim, decoderNumHeads } = config;
    expect(
      decoderEmbedDim % decoderNumHeads === 0,
      `decoderEmbedDim ${decoderEmbedDim} not divisible by decoderNumHeads ${decoderNumHeads}`,
    );
    expect(decoderEmbedDim % 4 === 0, `decoderEmbedDim ${decoderEmbedDim} not divisible by 4`);
  }
  if (problems.length === 0) return;
  throw new MsmaeError("Config", {
    where: "model",
    expected: "positive sizes that divide evenly",
    got: problems.join("; "),
    todo: "change --input-size, --patch-size or the model",
  });
}
