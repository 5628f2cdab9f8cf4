import type { LayoutChoice } from "../config/checkpoint-layouts.ts";
import { type EncoderConfig, gridOf, patchCount } from "../method/models/config.ts";
import type { Grid } from "../method/nn/pos-embed.ts";
import { MsmaeError } from "../support/errors.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import type { CubicOptions } from "./cubic-taps.ts";
import { stored } from "./layouts/own-form.ts";
import { withPositionGrid } from "./load-weights.ts";
import { kindOf } from "./model-file.ts";
import { type PatchKernel, withChannels, withPatchSize } from "./patch-kernel.ts";
import type { StoredTensor } from "./safetensors.ts";
import { toFloat32 } from "./tensor-values.ts";

/** A checkpoint to start from, its tensors brought to the model's sizes. */
export interface StartingWeights extends Checkpoint {
  /** Keys of the tensors that were brought to another size, and what was done. */
  resized: ReadonlyMap<string, string>;
}

export interface Fitting extends CubicOptions {
  /** The layout that another program's file is said to have. */
  from?: LayoutChoice | undefined;
  /** Bring the kernel of patches to another size of patches, instead of leaving it as it is. */
  resizePatches?: boolean | undefined;
}

/**
 * The tensors of a checkpoint to start from, ours or another program's, for a model: its position table is interpolated to
 * the model's grid, its kernel of patches brought to the model's channels. Where another program's table has a square number
 * of patches, its grid is taken to be square, as the table does not say; else it must have as many as the model.
 *
 * @param config the model's encoder; undefined where it has none, and tensors stay as they are.
 * @throws MsmaeError Checkpoint for a damaged file, a model that ours cannot be, or a table of an unknown grid.
 */
export async function readStartingWeights(
  path: string,
  config: EncoderConfig | undefined,
  options: Fitting = {},
): Promise<StartingWeights> {
  const inputSize = config && { height: config.inputHeight, width: config.inputWidth };
  return fitted(path, await readCheckpoint(path, { from: options.from, inputSize }), config, options);
}

/** A checkpoint's tensors brought to a model's sizes, as {@link readStartingWeights}. */
export function fitted(
  path: string,
  checkpoint: Checkpoint,
  config: EncoderConfig | undefined,
  options: Fitting = {},
): StartingWeights {
  const resized = new Map<string, string>();
  if (!config) return { ...checkpoint, resized };
  const tensors = new Map(checkpoint.tensors);
  const kernel = tensors.get("patch_embed.proj.weight");
  const fitting = kernel && fittedKernel(kernel, config, options);
  if (fitting) {
    tensors.set("patch_embed.proj.weight", fitting.tensor);
    resized.set("patch_embed.proj.weight", fitting.told);
  }
  const table = tensors.get("pos_embed");
  // A table of another rank is no table of ours: loading will name it among what does not fit.
  if (table?.shape.length !== 3) return { ...checkpoint, tensors, resized };
  const patches = (table.shape[1] as number) - 1;
  const from = gridOfTable(path, patches, checkpoint, config);
  const to = gridOf(config);
  if (from.height === to.height && from.width === to.width) return { ...checkpoint, tensors, resized };
  resized.set("pos_embed", `positions ${from.height}x${from.width} as ${to.height}x${to.width}`);
  const placed = withPositionGrid(tensors, [from.height, from.width], [to.height, to.width], options);
  return { ...checkpoint, tensors: placed, resized };
}

/** Refuses a checkpoint of ours that has no vision transformer to start from. @throws MsmaeError Checkpoint */
export function requireEncoder(path: string, { description }: Pick<StartingWeights, "description">): void {
  if (!description) return;
  const kind = kindOf(description);
  if (kind.encoder(description.config)) return;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: "a checkpoint with a vision transformer, whose features can be read",
    got: kind.title,
    todo: "use one of another kind",
  });
}

/** A kernel for other channels or patches; undefined where it fits, or where no rule brings it to fit. */
function fittedKernel(
  tensor: StoredTensor,
  { inChans, patchSize }: EncoderConfig,
  { resizePatches = false }: Fitting,
): { tensor: StoredTensor; told: string } | undefined {
  const [width, channels, rows, columns] = tensor.shape;
  if (tensor.shape.length !== 4 || width === undefined || channels === undefined) return undefined;
  if (rows === undefined || columns === undefined) return undefined;
  const told: string[] = [];
  let kernel: PatchKernel = { shape: [width, channels, rows, columns], values: toFloat32(tensor) };
  const grey = withChannels(kernel, inChans);
  if (channels !== inChans && grey) {
    kernel = grey;
    told.push(`${channels} channels as ${inChans} (${inChans === 1 ? "summed" : "a third each"})`);
  }
  if (resizePatches && (rows !== patchSize || columns !== patchSize)) {
    kernel = withPatchSize(kernel, patchSize);
    told.push(`patches of ${rows} as ${patchSize} pixels`);
  }
  if (told.length === 0) return undefined;
  return { tensor: stored(kernel.shape, Float32Array.from(kernel.values)), told: told.join(", ") };
}

function gridOfTable(
  path: string,
  patches: number,
  { description, source, tensors }: Checkpoint,
  config: EncoderConfig,
): Grid {
  const side = Math.sqrt(patches);
  const square = { height: side, width: side };
  const own = description && kindOf(description).encoder(description.config);
  const said = source?.facts.inputSize;
  const patchSize = tensors.get("patch_embed.proj.weight")?.shape[2] ?? config.patchSize;
  const beside = said ? [{ height: said.height / patchSize, width: said.width / patchSize }] : [];
  const candidates = own ? [gridOf(own)] : [...beside, square, gridOf(config)];
  const grid = candidates.find(({ height, width }) => Number.isInteger(height) && height * width === patches);
  if (grid) return grid;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: `positions of ${own ? "the grid it describes" : `a square grid or of the model's ${patchCount(config)} patches`}`,
    got: `${patches} positions`,
    todo: "set --input-size and --patch-size to those the checkpoint was trained with",
  });
}
