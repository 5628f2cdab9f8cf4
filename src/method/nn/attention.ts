import { concat, gemm, matMul, reshape, softmax, split, transpose } from "../../engine/graph/builders.ts";
import { formatShape } from "../../engine/graph/shape.ts";
import type { Value } from "../../engine/graph/types.ts";
import type { Parameters } from "../../engine/parameters/specs.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { Grid } from "./pos-embed.ts";

/**
 * How tokens lie in rows: row `n · batch + b` is token n of image b. Ranges of tokens (cls, kept, masked) are then
 * ranges of rows, and heads need no Transpose before their products.
 */
export interface TokenLayout {
  tokens: number;
  batch: number;
}

/** A contiguous range of tokens, `from` included, `to` excluded. */
export interface TokenRange {
  from: number;
  to: number;
}

/** The rows of a range of tokens. */
export function tokenRows(x: Value, { tokens, batch }: TokenLayout, { from, to }: TokenRange): Value {
  if (from === 0 && to === tokens) return x;
  const sizes = [from * batch, (to - from) * batch, (tokens - to) * batch];
  const kept = sizes.map((size, i) => ({ size, i })).filter(({ size }) => size > 0);
  const parts = split(
    x,
    kept.map(({ size }) => size),
    0,
  );
  return parts[kept.findIndex(({ i }) => i === 1)] as Value;
}

/**
 * The rows of all patches [height · width · B, D], row n · B + b, as images [B, D, height, width]: one Transpose. The
 * cls token's rows are no patches: leave them out before.
 *
 * @throws MsmaeError Shape when the rows are not those of whole grids.
 */
export function tokenImages(rows: Value, grid: Grid, batch: number): Value {
  const patches = grid.height * grid.width;
  const [count, dim] = rows.shape as [number, number];
  if (count !== patches * batch) {
    throw new MsmaeError("Shape", {
      where: "token rows to images",
      expected: `${patches} patches of each of ${batch} images`,
      got: formatShape(rows.shape),
      todo: "give the rows of all patches, without the cls token's",
    });
  }
  const perImage = transpose(reshape(rows, [patches, batch, dim]), [1, 2, 0]);
  return reshape(perImage, [batch, dim, grid.height, grid.width]);
}

/** What attention may be asked beside its plain form. */
export interface AttentionOptions {
  /** The tokens that ask. Default: all. */
  queries?: TokenRange;
  /** Adds to the scores [batch, heads, queries, tokens] before their softmax. */
  biased?(scores: Value): Value;
  /** Where all tokens ask and x has fewer rows than there are tokens: gives each token its row of what was made of them. */
  spread?: ((rows: Value) => Value) | undefined;
}

/**
 * Bytes of scores that are made at once: what is done to them, forward and in the derivatives, then finds them in a
 * processor's cache. Without, those of a batch of whole images go to memory and back at each step (decision 0024).
 */
const scoresAtOnce = 5e6;

/**
 * Multi-head self-attention over rows x [tokens · batch, D], before the residual connection. With `queries`, only
 * those tokens ask, and only their rows come out: all tokens still give keys and values. Where scores are large, heads
 * are taken a few at a time; results are the same.
 */
export function attention(
  x: Value,
  p: Parameters,
  prefix: string,
  layout: TokenLayout,
  numHeads: number,
  { queries = { from: 0, to: layout.tokens }, biased, spread = (rows) => rows }: AttentionOptions = {},
): Value {
  const dim = x.shape[1] as number;
  const asking = (queries.to - queries.from) * layout.batch;
  const groups = biased ? 1 : groupsOfHeads(numHeads, asking * layout.tokens * Float32Array.BYTES_PER_ELEMENT);
  const heads = numHeads / groups;
  const mixed = queriesKeysValues(x, p, prefix, layout, { queries, spread, groups }).map(([q, k, v]) => {
    const scores = attentionScores(q, k, layout, queries, heads);
    const weights = softmax(biased ? biased(scores) : scores, -1);
    const values = reshape(v, [layout.tokens, layout.batch, heads, dim / numHeads]);
    const sums = matMul(weights, values, { transBatchB: true });
    return reshape(transpose(sums, [2, 0, 1, 3]), [asking, dim / groups]);
  });
  return gemm(concat(mixed, 1), p(`${prefix}.proj.weight`), p(`${prefix}.proj.bias`), { transB: true });
}

/** In how many groups heads are taken, all of a size, the largest whose scores are at most {@link scoresAtOnce}. */
function groupsOfHeads(numHeads: number, bytesOfHead: number): number {
  let groups = 1;
  while (groups < numHeads && (numHeads % groups !== 0 || (numHeads / groups) * bytesOfHead > scoresAtOnce)) groups++;
  return groups;
}

/** Softmaxed attention [batch, heads, queries, tokens] of the asking tokens; values and projection are not computed. */
export function attentionProbabilities(
  x: Value,
  p: Parameters,
  prefix: string,
  layout: TokenLayout,
  numHeads: number,
  queries: TokenRange,
): Value {
  const dim = x.shape[1] as number;
  const [qWeight, kWeight] = split(p(`${prefix}.qkv.weight`), [dim, dim, dim], 0) as [Value, Value];
  const [qBias, kBias] = split(p(`${prefix}.qkv.bias`), [dim, dim, dim], 0) as [Value, Value];
  const q = gemm(tokenRows(x, layout, queries), qWeight, qBias, { transB: true });
  const k = gemm(x, kWeight, kBias, { transB: true });
  return softmax(attentionScores(q, k, layout, queries, numHeads), -1);
}

/** Queries [asking · batch, D / groups], keys and values [tokens · batch, D / groups] of each group of heads. */
function queriesKeysValues(
  x: Value,
  p: Parameters,
  prefix: string,
  layout: TokenLayout,
  { queries, spread, groups }: { queries: TokenRange; spread: (rows: Value) => Value; groups: number },
): [Value, Value, Value][] {
  const dim = x.shape[1] as number;
  const weight = p(`${prefix}.qkv.weight`);
  const bias = p(`${prefix}.qkv.bias`);
  let columns: Value[];
  if (queries.to - queries.from === layout.tokens) {
    columns = inColumns(spread(gemm(x, weight, bias, { transB: true })), 3 * groups);
  } else {
    const [qWeight, kvWeight] = split(weight, [dim, 2 * dim], 0) as [Value, Value];
    const [qBias, kvBias] = split(bias, [dim, 2 * dim], 0) as [Value, Value];
    const q = gemm(tokenRows(x, layout, queries), qWeight, qBias, { transB: true });
    const keysValues = gemm(x, kvWeight, kvBias, { transB: true });
    columns = [...inColumns(q, groups), ...inColumns(keysValues, 2 * groups)];
  }
  return Array.from({ length: groups }, (_, group) => {
    return [columns[group], columns[groups + group], columns[2 * groups + group]] as [Value, Value, Value];
  });
}

/** The columns of rows in parts of one width. */
function inColumns(rows: Value, parts: number): Value[] {
  return split(rows, new Array<number>(parts).fill((rows.shape[1] as number) / parts), 1);
}

function attentionScores(
  q: Value,
  k: Value,
  { tokens, batch }: TokenLayout,
  queries: TokenRange,
  numHeads: number,
): Value {
  const headDim = (q.shape[1] as number) / numHeads;
  const asking = reshape(q, [queries.to - queries.from, batch, numHeads, headDim]);
  const keys = reshape(k, [tokens, batch, numHeads, headDim]);
  return matMul(asking, keys, { transBatchA: true, transBatchB: true, transB: true, alpha: headDim ** -0.5 });
}
