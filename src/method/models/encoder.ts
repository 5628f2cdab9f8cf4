import { add, concat, expand, gather, gemm, input, reshape, split } from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { ParameterSpec, Parameters } from "../../engine/parameters/specs.ts";
import type { TokenLayout, TokenRange } from "../nn/attention.ts";
import { block, blockSpecs } from "../nn/block.ts";
import { sinCosPositionEmbedding } from "../nn/pos-embed.ts";
import { type EncoderConfig, gridOf, patchCount, patchValues } from "./config.ts";

/** The specs of patch embedding, tokens, positions and blocks, in checkpoint order. */
export function encoderSpecs(config: EncoderConfig, positions: "fixed" | "trained"): ParameterSpec[] {
  const { patchSize, inChans, embedDim, depth, mlpRatio } = config;
  const table = sinCosPositionEmbedding(embedDim, gridOf(config));
  return [
    { name: "cls_token", shape: [1, 1, embedDim], role: "trainable", init: { kind: "normal", std: 0.02 } },
    {
      name: "pos_embed",
      shape: [1, 1 + patchCount(config), embedDim],
      role: positions === "trained" ? "trainable" : "fixed",
      init: { kind: "table", data: table },
    },
    {
      name: "patch_embed.proj.weight",
      shape: [embedDim, inChans, patchSize, patchSize],
      role: "trainable",
      init: { kind: "xavier-uniform" },
    },
    { name: "patch_embed.proj.bias", shape: [embedDim], role: "trainable", init: { kind: "zeros" } },
    ...Array.from({ length: depth }, (_, i) => blockSpecs(`blocks.${i}`, embedDim, mlpRatio)).flat(),
  ];
}

/**
 * The tokens that enter the encoder.
 * - `patches` [tokens · batch, C·p·p] float32: pixels of the patches that run, each in (channel, row, column) order;
 * - `positions` [tokens · batch] int64: their places in the position table, patch index + 1; absent when all patches
 *   run in their own order.
 * Rows follow {@link TokenLayout}.
 */
export interface PatchInputs {
  patches: Value;
  positions: Value | undefined;
}

/** Graph inputs for `kept` patches per image, or for all of them in order. */
export function patchInputs(config: EncoderConfig, batch: number, kept: number | "all"): PatchInputs {
  const count = (kept === "all" ? patchCount(config) : kept) * batch;
  return {
    patches: input("patches", [count, patchValues(config)]),
    positions: kept === "all" ? undefined : input("positions", [count], "int64"),
  };
}

/** cls and patch tokens with their positions, rows [(1 + patches) · batch, D]. Patches that are not fed are never embedded. */
export function embed(p: Parameters, { patches, positions }: PatchInputs, config: EncoderConfig, batch: number): Value {
  const { embedDim } = config;
  const rows = patches.shape[0] as number;
  const kernel = reshape(p("patch_embed.proj.weight"), [embedDim, patchValues(config)]);
  const embedded = gemm(patches, kernel, p("patch_embed.proj.bias"), { transB: true });
  const table = reshape(p("pos_embed"), [1 + patchCount(config), embedDim]);
  const [clsPosition, patchPositions] = split(table, [1, patchCount(config)], 0) as [Value, Value];
  const placed = positions
    ? add(embedded, gather(table, positions, 0))
    : reshape(
        add(reshape(embedded, [rows / batch, batch, embedDim]), reshape(patchPositions, [rows / batch, 1, embedDim])),
        [rows, embedDim],
      );
  const cls = expand(add(reshape(p("cls_token"), [1, embedDim]), clsPosition), [batch, embedDim]);
  return concat([cls, placed], 0);
}

/** What the encoder's blocks may be asked beside the plain forward pass. */
export interface EncoderOptions {
  /** Drop-path factors [depth, 2, batch] (see BlockOptions.dropPath); blocks of rate 0 are left alone. */
  dropPath?: { factors: Value; rates: readonly number[] };
  /** The tokens that the last block computes; the others are needed by nothing after it. */
  lastQueries?: TokenRange;
  /** Run only the blocks before this one. */
  blocks?: number;
  /** The first block that runs. Default 0. */
  from?: number;
}

/** Rows of tokens through the blocks of the encoder, without the final norm. */
export function encode(
  x: Value,
  p: Parameters,
  config: EncoderConfig,
  layout: TokenLayout,
  options: EncoderOptions = {},
): Value {
  return encodeBlocks(x, p, config, layout, options).at(-1) ?? x;
}

/** As {@link encode}, the rows after each block. */
export function encodeBlocks(
  x: Value,
  p: Parameters,
  config: EncoderConfig,
  layout: TokenLayout,
  { dropPath, lastQueries, blocks = config.depth, from = 0 }: EncoderOptions = {},
): Value[] {
  const factors = dropPath && dropPathFactors(dropPath.factors, config.depth, layout.batch);
  const after: Value[] = [];
  let rows = x;
  for (let i = from; i < blocks; i++) {
    rows = block(rows, p, `blocks.${i}`, layout, config.numHeads, {
      dropPath: dropPath?.rates[i] === 0 ? undefined : factors?.[i],
      queries: i === config.depth - 1 ? lastQueries : undefined,
      normEpsilon: config.normEpsilon,
    });
    after.push(rows);
  }
  return after;
}

/** The factors of each block's two branches, [batch] each, of those of all blocks [depth, 2, batch]. */
export function dropPathFactors(factors: Value, depth: number, batch: number): (readonly [Value, Value])[] {
  const rows = split(reshape(factors, [depth * 2, batch]), new Array<number>(depth * 2).fill(1), 0);
  const factorOf = (i: number) => reshape(rows[i] as Value, [batch]);
  return Array.from({ length: depth }, (_, i) => [factorOf(2 * i), factorOf(2 * i + 1)] as const);
}
