import { add, concat, gather, input, mul, reshape, scalar, split } from "../../engine/graph/builders.ts";
import { type Graph, graph } from "../../engine/graph/graph.ts";
import type { Value } from "../../engine/graph/types.ts";
import {
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
  type Parameters,
  parameterInputs,
} from "../../engine/parameters/specs.ts";
import { type Remembering, trainingOutputs } from "../../engine/parameters/training-outputs.ts";
import { type TokenLayout, tokenRows } from "../nn/attention.ts";
import { block, blockSpecs, type SharedRows } from "../nn/block.ts";
import { layerNorm, linear } from "../nn/layers.ts";
import { crossEntropy, meanSquaredError, softmaxCrossEntropy } from "../nn/losses.ts";
import { sinCosPositionEmbedding } from "../nn/pos-embed.ts";
import { checkConfig, gridOf, type MaeConfig, patchCount, patchValues } from "./config.ts";
import { embed, encode, encoderSpecs, type PatchInputs, patchInputs } from "./encoder.ts";

/** Which loss the pre-training head gets: cross-entropy, or the published program's doubly softmaxed one. */
export type ClsLoss = "ce" | "softmax-ce";

/** How many patches of each image the encoder sees and the decoder paints. The others are thrown away. */
export interface PretrainTokens {
  kept: number;
  masked: number;
}

export interface PretrainGraphOptions extends PretrainTokens, Remembering {
  batch: number;
  /** By its name, or a loss of the head's logits with inputs of its own in place of `classTargets`. */
  clsLoss: ClsLoss | ((logits: Value) => Value);
  clsLossWeight: number;
}

/** The tensors of a pre-training model, under MAE's checkpoint keys. */
export function maeSpecs(config: MaeConfig): ParameterSpec[] {
  checkConfig(config);
  const { embedDim, numClasses, decoderEmbedDim, decoderDepth, mlpRatio } = config;
  const table = sinCosPositionEmbedding(decoderEmbedDim, gridOf(config));
  const length = 1 + patchCount(config);
  return [
    ...encoderSpecs(config, "fixed"),
    ...layerNormSpecs("norm", embedDim),
    ...linearSpecs("head", embedDim, numClasses),
    ...linearSpecs("decoder_embed", embedDim, decoderEmbedDim),
    { name: "mask_token", shape: [1, 1, decoderEmbedDim], role: "trainable", init: { kind: "normal", std: 0.02 } },
    {
      name: "decoder_pos_embed",
      shape: [1, length, decoderEmbedDim],
      role: "fixed",
      init: { kind: "table", data: table },
    },
    ...Array.from({ length: decoderDepth }, (_, i) =>
      blockSpecs(`decoder_blocks.${i}`, decoderEmbedDim, mlpRatio),
    ).flat(),
    ...layerNormSpecs("decoder_norm", decoderEmbedDim),
    ...linearSpecs("decoder_pred", decoderEmbedDim, patchValues(config)),
  ];
}

/**
 * One pre-training step: loss and the gradient of every trainable tensor.
 *
 * Inputs: `patches` and `positions` of the kept patches (see PatchInputs), `maskPositions` [masked · batch] int64,
 * `targets` [masked · batch, p·p·C] float32 in (row, column, channel) order, `classTargets` [batch, classes] float32.
 * Outputs: `loss`, `reconstructionLoss`, `classificationLoss`, and `grad/<key>`.
 *
 * Source: method.md sections 1 and 4.
 */
export function pretrainGraph(config: MaeConfig, options: PretrainGraphOptions): Graph {
  const { batch, kept, masked, clsLoss, clsLossWeight } = options;
  const specs = maeSpecs(config);
  const p = parameterInputs(specs);
  const visible = patchInputs(config, batch, kept);
  const latent = encodeVisible(p, config, visible, batch, kept);
  const prediction = decode(latent, visible, p, config, { batch, kept, masked }, "masked");
  const targets = input("targets", [masked * batch, patchValues(config)]);
  const reconstructionLoss = meanSquaredError(prediction, targets);

  const cls = tokenRows(latent, { tokens: 1 + kept, batch }, { from: 0, to: 1 });
  const logits = linear(cls, p, "head");
  const classificationLoss = typeof clsLoss === "function" ? clsLoss(logits) : lossByName(clsLoss, logits);
  const loss = add(reconstructionLoss, mul(classificationLoss, scalar(clsLossWeight)));
  return graph(`pretrain-${kept}-${masked}`, {
    loss,
    reconstructionLoss,
    classificationLoss,
    ...trainingOutputs(loss, p, options),
  });
}

function lossByName(name: ClsLoss, logits: Value): Value {
  const criterion = name === "ce" ? crossEntropy : softmaxCrossEntropy;
  return criterion(logits, input("classTargets", logits.shape));
}

/**
 * Predictions for looking at: `prediction` [(kept + masked) · batch, p·p·C], kept patches first, and `latent`
 * [(1 + kept) · batch, D], the normalised encoder output. Inputs as in {@link pretrainGraph} without the targets.
 */
export function reconstructionGraph(config: MaeConfig, tokens: PretrainTokens & { batch: number }): Graph {
  const p = parameterInputs(maeSpecs(config));
  const visible = patchInputs(config, tokens.batch, tokens.kept);
  const latent = encodeVisible(p, config, visible, tokens.batch, tokens.kept);
  return graph("reconstruct", { prediction: decode(latent, visible, p, config, tokens, "all"), latent });
}

/** Normalised encoder output of cls and kept patches, rows [(1 + kept) · batch, D]. */
function encodeVisible(p: Parameters, config: MaeConfig, visible: PatchInputs, batch: number, kept: number): Value {
  const tokens = embed(p, visible, config, batch);
  return layerNorm(encode(tokens, p, config, { tokens: 1 + kept, batch }), p, "norm", config.normEpsilon);
}

/**
 * Pixel predictions, rows [tokens · batch, p·p·C]. The decoder's order of tokens is cls, kept, masked: attention does
 * not depend on order, every token carries its own position, and so nothing is ever shuffled back. Where only the
 * masked patches are wanted, the last block and the prediction run for them alone.
 */
function decode(
  latent: Value,
  { positions }: PatchInputs,
  p: Parameters,
  config: MaeConfig,
  { batch, kept, masked }: PretrainTokens & { batch: number },
  wanted: "masked" | "all",
): Value {
  const { decoderEmbedDim, decoderDepth, decoderNumHeads, normEpsilon } = config;
  const table = reshape(p("decoder_pos_embed"), [1 + patchCount(config), decoderEmbedDim]);
  const embedded = linear(latent, p, "decoder_embed");
  const [cls, patches] = split(embedded, [batch, kept * batch], 0) as [Value, Value];
  // The cls row of the table is zero: the cls token needs no position.
  const visible = add(patches, gather(table, positions as Value, 0));
  const maskToken = reshape(p("mask_token"), [1, decoderEmbedDim]);
  const maskPositions = input("maskPositions", [masked * batch], "int64");
  const hidden = add(maskToken, gather(table, maskPositions, 0));
  const layout: TokenLayout = { tokens: 1 + kept + masked, batch };
  const range = { from: wanted === "masked" ? 1 + kept : 1, to: layout.tokens };
  const seen = [cls, visible];
  const places = add(maskToken, table);
  let rows = concat([...seen, hidden], 0);
  for (let i = 0; i < decoderDepth; i++) {
    const queries = i === decoderDepth - 1 ? range : undefined;
    const shared = i === 0 && !queries ? maskRowsOnce(seen, places, maskPositions) : undefined;
    rows = block(rows, p, `decoder_blocks.${i}`, layout, decoderNumHeads, { queries, shared, normEpsilon });
  }
  return linear(layerNorm(rows, p, "decoder_norm", normEpsilon), p, "decoder_pred");
}

/**
 * The rows of seen tokens, and one for each place of a mask token, which is the same in all images: before the first block
 * has mixed them, what is made of mask tokens is made once for the whole batch. Absent where there are no more of them than places.
 */
function maskRowsOnce(seen: readonly Value[], places: Value, maskPositions: Value): SharedRows | undefined {
  const count = places.shape[0] as number;
  if ((maskPositions.shape[0] as number) <= count) return undefined;
  const rows = concat([...seen, places], 0);
  return {
    rows,
    spread(made) {
      const [ofSeen, ofPlaces] = split(made, [(rows.shape[0] as number) - count, count], 0) as [Value, Value];
      return concat([ofSeen, gather(ofPlaces, maskPositions, 0)], 0);
    },
  };
}
