import { type EncoderConfig, type GlobalPool, patchCount } from "../method/models/config.ts";
import type { DecoderPreset } from "../method/models/presets.ts";
import { MsmaeError } from "../support/errors.ts";

/**
 * How multiply-adds are counted; one multiply-add counts as one.
 *
 * - `thop`: linear layers and convolutions, and 4 per element of a LayerNorm's input; the attention products
 *   q·kᵀ and softmax·v are left out, because they are no modules. This is the convention of the paper.
 * - `fvcore`: linear layers, convolutions and the attention products, and 5 per element of a LayerNorm's input.
 *
 * Neither counts biases, softmax, GELU, additions or pooling.
 */
export type FlopConvention = "thop" | "fvcore";

/**
 * The encoder counted. `numClasses` 0 means that there is no head; `globalPool` "avg", which is the default, applies the
 * final norm to the pooled token alone, "cls" to every token.
 */
type CountedEncoder = EncoderConfig & { globalPool?: GlobalPool };

/** How many patches run where; all of them by default. */
export interface PatchCounts {
  /** Patches that the encoder's blocks see (the cls token comes on top). */
  kept?: number;
  /**
   * Patches that are embedded. By default all: the published program embeds every patch and drops the others
   * afterwards. Give the number kept where only those are embedded.
   */
  embedded?: number;
  /** Patches that the decoder sees: kept and masked ones, without the thrown. */
  decoded?: number;
}

/**
 * Multiply-adds of one image's forward pass through a classifier.
 *
 * @throws MsmaeError "Config" when the input is no whole number of patches or more patches are kept than there are.
 * Source: rules of thop 0.1.1 and fvcore 0.1.5, worked out so that ViT-B/16 at 224² with 5 classes gives the published
 * 16.862 G and 17.581 G.
 */
export function classifierMultiplyAdds(
  shape: CountedEncoder,
  convention: FlopConvention,
  { kept, embedded }: PatchCounts = {},
): number {
  const all = checkedPatchCount(shape, { kept, embedded });
  const tokens = (kept ?? all) + 1;
  const normTokens = (shape.globalPool ?? "avg") === "avg" ? 1 : tokens;
  return (
    patchEmbedding(shape, embedded ?? all) +
    blocks(shape.embedDim, shape.depth, shape.mlpRatio, tokens, convention) +
    layerNorm(normTokens, shape.embedDim, convention) +
    shape.embedDim * shape.numClasses
  );
}

/**
 * Multiply-adds of one image's forward pass in pre-training: encoder with its classification head on the cls token,
 * decoder and prediction.
 *
 * @throws MsmaeError "Config" as {@link classifierMultiplyAdds}.
 */
export function pretrainingMultiplyAdds(
  shape: CountedEncoder & DecoderPreset,
  convention: FlopConvention,
  { kept, embedded, decoded }: PatchCounts = {},
): number {
  const all = checkedPatchCount(shape, { kept, embedded, decoded });
  const width = shape.decoderEmbedDim;
  const encoderTokens = (kept ?? all) + 1;
  const decoderTokens = (decoded ?? all) + 1;
  const patchValues = shape.patchSize ** 2 * shape.inChans;
  return (
    classifierMultiplyAdds({ ...shape, globalPool: "cls" }, convention, { kept, embedded }) +
    encoderTokens * shape.embedDim * width +
    blocks(width, shape.decoderDepth, shape.mlpRatio, decoderTokens, convention) +
    layerNorm(decoderTokens, width, convention) +
    decoderTokens * width * patchValues
  );
}

/** Counts of one model with all patches and with some, under one convention. */
export interface MaskedSaving {
  /** Multiply-adds with all patches. */
  full: number;
  /** Multiply-adds with the kept patches alone. */
  masked: number;
  /** masked / full. */
  ratio: number;
}

/** What keeping some patches saves a classifier, under both conventions by name. */
export function classifierSaving(shape: CountedEncoder, patches: PatchCounts): Record<FlopConvention, MaskedSaving> {
  const saving = (convention: FlopConvention): MaskedSaving => {
    const full = classifierMultiplyAdds(shape, convention);
    const masked = classifierMultiplyAdds(shape, convention, patches);
    return { full, masked, ratio: masked / full };
  };
  return { thop: saving("thop"), fvcore: saving("fvcore") };
}

function patchEmbedding({ patchSize, inChans, embedDim }: CountedEncoder, patches: number): number {
  return patches * patchSize ** 2 * inChans * embedDim;
}

function blocks(width: number, depth: number, mlpRatio: number, tokens: number, convention: FlopConvention): number {
  const qkvAndProjection = 4 * width * width;
  const mlp = 2 * width * Math.trunc(width * mlpRatio);
  const attention = convention === "fvcore" ? 2 * tokens * tokens * width : 0;
  return depth * (tokens * (qkvAndProjection + mlp) + attention + 2 * layerNorm(tokens, width, convention));
}

function layerNorm(tokens: number, width: number, convention: FlopConvention): number {
  return tokens * width * (convention === "thop" ? 4 : 5);
}

function checkedPatchCount(shape: CountedEncoder, counts: PatchCounts): number {
  const all = patchCount(shape);
  if (!Number.isInteger(shape.inputHeight / shape.patchSize) || !Number.isInteger(shape.inputWidth / shape.patchSize)) {
    throw new MsmaeError("Config", {
      where: "multiply-add count",
      expected: `an input that is a whole number of ${shape.patchSize}-pixel patches`,
      got: `${shape.inputHeight}x${shape.inputWidth}`,
      todo: "change --input-size or --patch-size",
    });
  }
  for (const [name, count] of Object.entries(counts)) {
    if (count !== undefined && !(Number.isInteger(count) && count >= 0 && count <= all)) {
      throw new MsmaeError("Config", {
        where: `multiply-add count, ${name} patches`,
        expected: `a whole number in 0..${all}`,
        got: String(count),
        todo: "pass counts of patches, without the cls token",
      });
    }
  }
  return all;
}
