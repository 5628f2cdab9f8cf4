import { add, mul, reshape } from "../../engine/graph/builders.ts";
import type { Value } from "../../engine/graph/types.ts";
import {
  type Initializer,
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
  type Parameters,
} from "../../engine/parameters/specs.ts";
import { attention, type TokenLayout, type TokenRange, tokenRows } from "./attention.ts";
import { layerNorm, mlp } from "./layers.ts";

/** The different rows among those of all tokens. */
export interface SharedRows {
  /** [fewer, D] */
  rows: Value;
  /** Gives each token its row: [fewer, W] to [tokens · batch, W]. */
  spread: (rows: Value) => Value;
}

/** What a block may be asked beside its plain forward pass. */
export interface BlockOptions {
  /** Compute these tokens only; all tokens still give keys and values. */
  queries?: TokenRange | undefined;
  /** What attention is made of, where several tokens have the same row and all ask. */
  shared?: SharedRows | undefined;
  /**
   * Drop-path factors of the attention and the MLP branch, each [batch]: 0 where an image skips the branch,
   * 1 / (1 - rate) where it keeps it.
   */
  dropPath?: readonly [Value, Value];
  /** Of the norms, where it is not the method's. */
  normEpsilon?: number | undefined;
}

/** The specs of a pre-norm transformer block, its linear layers starting as {@link linearSpecs} unless told otherwise. */
export function blockSpecs(prefix: string, dim: number, mlpRatio: number, init?: Initializer): ParameterSpec[] {
  const hidden = Math.round(dim * mlpRatio);
  return [
    ...layerNormSpecs(`${prefix}.norm1`, dim),
    ...linearSpecs(`${prefix}.attn.qkv`, dim, 3 * dim, init),
    ...linearSpecs(`${prefix}.attn.proj`, dim, dim, init),
    ...layerNormSpecs(`${prefix}.norm2`, dim),
    ...linearSpecs(`${prefix}.mlp.fc1`, dim, hidden, init),
    ...linearSpecs(`${prefix}.mlp.fc2`, hidden, dim, init),
  ];
}

/** A pre-norm transformer block over rows [tokens · batch, D]. Source: ViT (Dosovitskiy et al. 2021). */
export function block(
  x: Value,
  p: Parameters,
  prefix: string,
  layout: TokenLayout,
  numHeads: number,
  options: BlockOptions = {},
): Value {
  const { queries = { from: 0, to: layout.tokens }, shared, dropPath, normEpsilon: epsilon } = options;
  const attending = shared?.rows ?? x;
  p.startBlock(attending);
  const asking = layerNorm(attending, p, `${prefix}.norm1`, epsilon);
  const attended = attention(asking, p, `${prefix}.attn`, layout, numHeads, { queries, spread: shared?.spread });
  const residual = add(tokenRows(x, layout, queries), scaled(attended, dropPath?.[0]));
  const hidden = mlp(layerNorm(residual, p, `${prefix}.norm2`, epsilon), p, `${prefix}.mlp`);
  return add(residual, scaled(hidden, dropPath?.[1]));
}

/** Rows [tokens · batch, D] times a factor per image [batch]; as they are without one. */
export function scaled(rows: Value, factors: Value | undefined): Value {
  if (!factors) return rows;
  const batch = factors.shape[0] as number;
  const [count, dim] = rows.shape as [number, number];
  const perToken = reshape(rows, [count / batch, batch, dim]);
  return reshape(mul(perToken, reshape(factors, [batch, 1])), [count, dim]);
}
