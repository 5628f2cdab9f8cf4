import { add, gemm, input, reduceMean, reshape } from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import { conv2dSpecs } from "../../engine/layers/convolution.ts";
import {
  type Initializer,
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
  type Parameters,
} from "../../engine/parameters/specs.ts";
import { MsmaeError } from "../../support/errors.ts";
import { attention } from "../nn/attention.ts";
import { blockSpecs, scaled } from "../nn/block.ts";
import { layerNorm, linear, mlp } from "../nn/layers.ts";
import type { Grid } from "../nn/pos-embed.ts";
import {
  biasedByPlace,
  intoWindows,
  mergedPatches,
  outOfWindows,
  relativePlaces,
  type Windows,
  windowsOf,
} from "../nn/windows.ts";
import { gridOf, type PatchedImages, patchCount, patchValues } from "./config.ts";
import { dropPathFactors } from "./encoder.ts";
import type { Network } from "./network.ts";

/** The sizes of a Swin Transformer that its name stands for. */
export interface SwinPreset {
  patchSize: number;
  /** Width of the first stage; each later stage has twice that of the one before it. */
  embedDim: number;
  /** Blocks of each stage. */
  depths: readonly number[];
  /** Heads of each stage. */
  numHeads: readonly number[];
  /** Patches along each side of a window. */
  windowSize: number;
  mlpRatio: number;
}

export type SwinConfig = SwinPreset & PatchedImages;

/** Swin Transformers by name; micro is ours for small machines. Source: Liu et al. 2021, section 3.3. */
export const swinPresets: Readonly<Record<string, SwinPreset>> = {
  swin_micro_patch4_window7: {
    patchSize: 4,
    embedDim: 24,
    depths: [2, 2, 2],
    numHeads: [2, 4, 8],
    windowSize: 7,
    mlpRatio: 4,
  },
  swin_tiny_patch4_window7: {
    patchSize: 4,
    embedDim: 96,
    depths: [2, 2, 6, 2],
    numHeads: [3, 6, 12, 24],
    windowSize: 7,
    mlpRatio: 4,
  },
};

/** timm's for this network. */
const normEpsilon = 1e-5;
const init: Initializer = { kind: "truncated-normal", std: 0.02 };

interface SwinBlock {
  /** Among the blocks of all stages. */
  index: number;
  prefix: string;
  dim: number;
  heads: number;
  windows: Windows;
}

/** Blocks over one grid of patches; before them, in all stages but the first, four patches become one. */
interface SwinStage {
  prefix: string;
  dim: number;
  grid: Grid;
  blocks: SwinBlock[];
}

function stagesOf(config: SwinConfig, from = gridOf(config)): SwinStage[] {
  const { embedDim, depths, numHeads, windowSize } = config;
  let [grid, index] = [from, 0];
  return depths.map((depth, stage): SwinStage => {
    const dim = embedDim * 2 ** stage;
    const prefix = `layers.${stage}`;
    if (stage > 0) grid = { height: Math.ceil(grid.height / 2), width: Math.ceil(grid.width / 2) };
    const blocks = Array.from({ length: depth }, (_, i) => ({
      index: index++,
      prefix: `${prefix}.blocks.${i}`,
      dim,
      heads: numHeads[stage] as number,
      windows: windowsOf(grid, windowSize, i % 2 === 1),
    }));
    return { prefix, dim, grid, blocks };
  });
}

/**
 * A Swin Transformer under timm's keys, with timm's first values. Inputs: `patches` of whole images in order, rows
 * [patches · batch, C·p·p] as vision transformers are fed; `dropPath` [blocks, 2, batch] where a rate is not 0.
 *
 * Rows stay in the order that they are fed in, patch before image (decision 0002), so that windows, shifts and merging are
 * moves of whole rows.
 *
 * Source: Liu et al. 2021, "Swin Transformer: hierarchical vision transformer using shifted windows".
 */
export const swin: Network<SwinConfig> = {
  specs(config) {
    checkHeads(config);
    const { patchSize, inChans, embedDim, depths, numClasses, mlpRatio } = config;
    const width = embedDim * 2 ** (depths.length - 1);
    return [
      ...conv2dSpecs("patch_embed.proj", {
        inChannels: inChans,
        outChannels: embedDim,
        kernel: [patchSize, patchSize],
        bias: true,
      }),
      ...layerNormSpecs("patch_embed.norm", embedDim),
      ...stagesOf(config).flatMap((stage, i) => [
        ...(i === 0 ? [] : mergeSpecs(stage)),
        ...stage.blocks.flatMap((block) => swinBlockSpecs(block, mlpRatio)),
      ]),
      ...layerNormSpecs("norm", width),
      ...linearSpecs("head.fc", width, numClasses, init),
    ];
  },
  logits(p, config, { batch, dropPathRates = [] }) {
    const { embedDim } = config;
    const patches = input("patches", [patchCount(config) * batch, patchValues(config)]);
    const kernel = reshape(p("patch_embed.proj.weight"), [embedDim, patchValues(config)]);
    const embedded = gemm(patches, kernel, p("patch_embed.proj.bias"), { transB: true });
    let rows = layerNorm(embedded, p, "patch_embed.norm", normEpsilon);
    let grid = gridOf(config);
    const stages = stagesOf(config, grid);
    const depth = stages.reduce((sum, { blocks }) => sum + blocks.length, 0);
    const skips = dropPathRates.some((rate) => rate > 0);
    const factors = skips ? dropPathFactors(input("dropPath", [depth, 2, batch]), depth, batch) : [];
    for (const stage of stages) {
      if (stage.grid !== grid) rows = merge(rows, p, stage.prefix, grid, batch);
      grid = stage.grid;
      for (const block of stage.blocks) {
        rows = swinBlock(rows, p, block, batch, dropPathRates[block.index] ? factors[block.index] : undefined);
      }
    }
    const normalized = layerNorm(rows, p, "norm", normEpsilon);
    const width = normalized.shape[1] as number;
    const pooled = reduceMean(reshape(normalized, [grid.height * grid.width, batch, width]), [0]);
    return linear(pooled, p, "head.fc");
  },
};

function mergeSpecs({ prefix, dim }: SwinStage): ParameterSpec[] {
  const reduction = {
    name: `${prefix}.downsample.reduction.weight`,
    shape: [dim, 2 * dim],
    role: "trainable",
  } as const;
  return [...layerNormSpecs(`${prefix}.downsample.norm`, 2 * dim), { ...reduction, init }];
}

/** Four neighbours become one patch of twice the width. */
function merge(rows: Value, p: Parameters, prefix: string, grid: Grid, batch: number): Value {
  const merged = layerNorm(mergedPatches(rows, grid, batch), p, `${prefix}.downsample.norm`, normEpsilon);
  return gemm(merged, p(`${prefix}.downsample.reduction.weight`), undefined, { transB: true });
}

const tableOf = (prefix: string) => `${prefix}.attn.relative_position_bias_table`;

function swinBlockSpecs({ prefix, dim, heads, windows }: SwinBlock, mlpRatio: number): ParameterSpec[] {
  const shape = [relativePlaces(windows.size), heads];
  return [...blockSpecs(prefix, dim, mlpRatio, init), { name: tableOf(prefix), shape, role: "trainable", init }];
}

/** A block whose patches see those of their own window. */
function swinBlock(
  rows: Value,
  p: Parameters,
  { prefix, heads, windows }: SwinBlock,
  batch: number,
  dropPath: readonly [Value, Value] | undefined,
): Value {
  const { size, count } = windows;
  const layout = { tokens: size[0] * size[1], batch: count[0] * count[1] * batch };
  const biased = (scores: Value) => biasedByPlace(scores, p(tableOf(prefix)), windows, batch);
  const seen = intoWindows(layerNorm(rows, p, `${prefix}.norm1`, normEpsilon), windows, batch);
  const attended = attention(seen, p, `${prefix}.attn`, layout, heads, { biased });
  const residual = add(rows, scaled(outOfWindows(attended, windows, batch), dropPath?.[0]));
  const normalized = layerNorm(residual, p, `${prefix}.norm2`, normEpsilon);
  return add(residual, scaled(mlp(normalized, p, `${prefix}.mlp`), dropPath?.[1]));
}

/** @throws MsmaeError Config for stages that heads do not divide. */
function checkHeads({ embedDim, depths, numHeads }: SwinConfig): void {
  const fits = (heads: number | undefined, stage: number) =>
    heads !== undefined && (embedDim * 2 ** stage) % heads === 0;
  if (depths.length === numHeads.length && depths.every((_, stage) => fits(numHeads[stage], stage))) return;
  throw new MsmaeError("Config", {
    where: "model",
    expected: "heads for each stage that divide its width",
    got: `embedDim ${embedDim}, numHeads [${numHeads.join(", ")}] of ${depths.length} stages`,
    todo: "choose another model",
  });
}
