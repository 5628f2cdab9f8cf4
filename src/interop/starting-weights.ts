import { type EncoderConfig, gridOf, patchCount } from "../method/models/config.ts";
import type { Grid } from "../method/nn/pos-embed.ts";
import { MsmaeError } from "../support/errors.ts";
import { withPositionGrid } from "./load-weights.ts";
import { kindOf, type ModelDescription, parseDescription } from "./model-file.ts";
import type { StoredTensor } from "./safetensors.ts";
import { readTensorFile } from "./tensor-file.ts";
import { unwrapped } from "./unwrapping.ts";

export interface StartingWeights {
  tensors: ReadonlyMap<string, StoredTensor>;
  /** What one of our own files says of itself; another program's says nothing. */
  description: ModelDescription | undefined;
}

/**
 * The tensors of a checkpoint to start from, ours or another program's under timm/MAE keys, with the position table
 * interpolated to the model's grid. Where another program's table has a square number of patches, its grid is taken to
 * be square, as the table does not say; else it must have as many as the model. Names of wrappers (`module.`) are left
 * out of its keys.
 *
 * @param config the model's encoder; undefined where it has no positions to interpolate.
 * @throws MsmaeError Checkpoint for a damaged file, a description that is none, or a table of an unknown grid.
 */
export async function readStartingWeights(path: string, config: EncoderConfig | undefined): Promise<StartingWeights> {
  const { tensors: stored, metadata } = await readTensorFile(path);
  const description = parseDescription(path, metadata);
  const tensors = description ? stored : unwrapped(stored);
  const table = tensors.get("pos_embed");
  // A table of another rank is no table of ours: loading will name it among what does not fit.
  if (table?.shape.length !== 3 || !config) return { tensors, description };
  const patches = (table.shape[1] as number) - 1;
  const from = gridOfTable(path, patches, description, config);
  const to = gridOf(config);
  return { tensors: withPositionGrid(tensors, [from.height, from.width], [to.height, to.width]), description };
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

function gridOfTable(
  path: string,
  patches: number,
  description: ModelDescription | undefined,
  config: EncoderConfig,
): Grid {
  const side = Math.sqrt(patches);
  const square = { height: side, width: side };
  const own = description && kindOf(description).encoder(description.config);
  const candidates = own ? [gridOf(own)] : [square, gridOf(config)];
  const grid = candidates.find(({ height, width }) => Number.isInteger(height) && height * width === patches);
  if (grid) return grid;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: `positions of ${own ? "the grid it describes" : `a square grid or of the model's ${patchCount(config)} patches`}`,
    got: `${patches} positions`,
    todo: "set --input-size and --patch-size to those the checkpoint was trained with",
  });
}
