import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { NetworkKind } from "../method/kinds/network.ts";
import { MsmaeError } from "../support/errors.ts";
import type { CubicOptions } from "./cubic-taps.ts";
import { type Grid, interpolatePositionEmbedding } from "./position-embedding.ts";
import type { StoredTensor } from "./safetensors.ts";
import { toFloat32 } from "./tensor-values.ts";

/** How the keys of a checkpoint become those of a model. */
export interface WeightMapping {
  /** The model's key for a checkpoint's key, or undefined for one that is left out on purpose. */
  rename(key: string): string | undefined;
  /** Whether a key of the model may keep its initial value where the checkpoint has none. */
  fresh(key: string): boolean;
}

export interface LoadOptions {
  /** What to name in errors: the checkpoint's path. */
  where: string;
  /** Load what fits where something is missing, unexpected or of another shape, instead of failing. */
  allowPartial?: boolean;
  /** As it is unless told otherwise. */
  mapping?: WeightMapping;
}

/** What became of every key, in the checkpoint's or the model's order. */
export interface LoadReport {
  loaded: string[];
  /** Keys of the model that the checkpoint lacks. */
  missing: string[];
  /** Keys of the checkpoint that the model lacks. */
  unexpected: string[];
  reshaped: { key: string; expected: readonly number[]; got: readonly number[] }[];
  /** Keys of the checkpoint left out on purpose. */
  dropped: string[];
  /** Keys of the model that keep their initial value on purpose. */
  fresh: string[];
}

/** PyTorch counts batches beside running statistics, for a kind of mean that nothing here has. */
const BATCH_COUNT = /(^|\.)num_batches_tracked$/;

const SAME: WeightMapping = { rename: (key) => key, fresh: () => false };

/**
 * From a pre-trained model to a classifier: without decoder, mask token and pre-training head. With average pooling the
 * final `norm` has no use, and `fc_norm` starts anew.
 *
 * Source: section 5 of the method.
 */
export function classifierFromPretraining(globalPool: "avg" | "cls"): WeightMapping {
  const average = globalPool === "avg";
  const leftOut = average ? /^(decoder_|mask_token$|head\.|norm\.)/ : /^(decoder_|mask_token$|head\.)/;
  const fresh = average ? /^(head|fc_norm)\./ : /^head\./;
  return { rename: (key) => (leftOut.test(key) ? undefined : key), fresh: (key) => fresh.test(key) };
}

/**
 * From a pre-trained model or a classifier to a segmenter, whose heads start anew: without decoder, mask token, head and final
 * norms.
 *
 * Source: section 6 of the method.
 */
export const segmenterFromEncoder: WeightMapping = {
  rename: (key) => (/^(decoder_|mask_token$|head\.|norm\.|fc_norm\.)/.test(key) ? undefined : key),
  fresh: (key) => key.startsWith("heads."),
};

/**
 * From another program's vision transformer to a model to pre-train: the head starts anew, and the decoder where it has none;
 * the decoder's table is that of the grid.
 */
export function pretrainingFromOthers(tensors: ReadonlyMap<string, StoredTensor>): WeightMapping {
  const started = tensors.has("decoder_embed.weight")
    ? /^(head\.|decoder_pos_embed$)/
    : /^(head\.|decoder_|mask_token$)/;
  const leftOut = /^(head\.|fc_norm\.|decoder_pos_embed$)/;
  return { rename: (key) => (leftOut.test(key) ? undefined : key), fresh: (key) => started.test(key) };
}

/** From another program's checkpoint of a network, with `keys`: its head is of other classes, and starts anew. */
export function networkFromOthers(
  { head, rename }: Pick<NetworkKind, "head" | "rename">,
  keys: ReadonlySet<string>,
): WeightMapping {
  const own = (key: string) => {
    const name = rename(key, keys);
    return name?.startsWith(head) ? undefined : name;
  };
  return { rename: own, fresh: (key) => key.startsWith(head) };
}

/**
 * From any model with a vision transformer to the features that a head of a classifier reads, the heads left out. The norm of
 * the other way to pool is left out too; where the checkpoint has none for this one, features are normalised without a
 * scale and a shift of their own.
 */
export function featuresFromEncoder(globalPool: "avg" | "cls"): WeightMapping {
  const [own, other] = globalPool === "avg" ? ["fc_norm.", "norm."] : ["norm.", "fc_norm."];
  const leftOut = (key: string) => /^(decoder_|mask_token$|heads?\.)/.test(key) || key.startsWith(other);
  return {
    rename: (key) => (leftOut(key) ? undefined : key),
    fresh: (key) => key.startsWith("head.") || key.startsWith(own),
  };
}

/**
 * Copies a checkpoint's tensors, converted to float32, into the parameters of a store: all of them, or none.
 *
 * @throws MsmaeError "Checkpoint" that lists missing, unexpected and reshaped keys, unless `allowPartial` and some fit;
 * or for a value that is not finite in float32, with which every output would be NaN.
 */
export function loadWeights(
  store: ParameterStore,
  tensors: ReadonlyMap<string, StoredTensor>,
  options: LoadOptions,
): LoadReport {
  const { where, allowPartial = false, mapping = SAME } = options;
  const report: LoadReport = { loaded: [], missing: [], unexpected: [], reshaped: [], dropped: [], fresh: [] };
  const fitting = new Map<string, StoredTensor>();
  const seen = new Set<string>();
  for (const [source, tensor] of tensors) {
    const key = BATCH_COUNT.test(source) ? undefined : mapping.rename(source);
    if (key === undefined) report.dropped.push(source);
    else if (!store.has(key)) report.unexpected.push(source);
    else {
      seen.add(key);
      const expected = store.shapeOf(key);
      if (sameShape(expected, tensor.shape)) fitting.set(key, tensor);
      else report.reshaped.push({ key, expected, got: tensor.shape });
    }
  }
  for (const key of store.names) {
    if (!seen.has(key)) (mapping.fresh(key) ? report.fresh : report.missing).push(key);
  }
  const faults = report.missing.length + report.unexpected.length + report.reshaped.length;
  if (faults > 0 && !allowPartial) throw misfit(where, report);
  // A start from nothing would pass for one from the checkpoint.
  if (fitting.size === 0) throw misfit(where, report, "give a checkpoint of this kind of model");
  const values = [...fitting].map(([key, tensor]) => [key, finite(where, key, toFloat32(tensor))] as const);
  for (const [key, data] of values) {
    store.parameter(key).set(data);
    report.loaded.push(key);
  }
  store.changed();
  return report;
}

function finite(where: string, key: string, values: Float32Array): Float32Array {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new MsmaeError("Checkpoint", {
    where: `${where}: "${key}"`,
    expected: "finite numbers",
    got: `${values[at]} at index ${at}`,
    todo: "use a checkpoint from before the training diverged, or one that another program did not overflow",
  });
}

/**
 * The checkpoint's tensors with `pos_embed` [1, L+1, D] brought to another grid; the same map where the grids agree.
 *
 * @throws MsmaeError "Shape" where `pos_embed` does not fit the grid `from`.
 */
export function withPositionGrid(
  tensors: ReadonlyMap<string, StoredTensor>,
  from: Grid,
  to: Grid,
  options: CubicOptions = {},
): ReadonlyMap<string, StoredTensor> {
  const tensor = tensors.get("pos_embed");
  if (tensor === undefined || sameShape(from, to)) return tensors;
  const width = tensor.shape[2] ?? 0;
  const data = Float32Array.from(interpolatePositionEmbedding(toFloat32(tensor), width, from, to, options));
  const resized: StoredTensor = {
    dtype: "F32",
    shape: [1, 1 + to[0] * to[1], width],
    bytes: new Uint8Array(data.buffer),
  };
  return new Map([...tensors, ["pos_embed", resized]]);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Keys of each kind that an error names before it only counts. */
const LISTED = 12;

const CHECK =
  "check model, input size, patch size, channels and number of classes, or pass --allow-partial to load what fits";

function misfit(where: string, { missing, unexpected, reshaped }: LoadReport, todo = CHECK): MsmaeError {
  const list = (kind: string, keys: string[]) => {
    const more = keys.length > LISTED ? `, and ${keys.length - LISTED} more` : "";
    return keys.length === 0 ? [] : [`${keys.length} ${kind} (${keys.slice(0, LISTED).join(", ")}${more})`];
  };
  const shapes = reshaped.map(({ key, expected, got }) => `${key}: [${got}] instead of [${expected}]`);
  return new MsmaeError("Checkpoint", {
    where,
    expected: "every key of the model, and no other",
    got: [...list("missing", missing), ...list("unexpected", unexpected), ...list("reshaped", shapes)].join("; "),
    todo,
  });
}
