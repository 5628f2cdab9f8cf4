import type { EncoderConfig } from "../models/config.ts";
import { gridOf } from "../models/config.ts";
import { withPositionGrid } from "./load-weights.ts";
import { readSafetensorsFile } from "./safetensors-file.ts";
import type { StoredTensor } from "./safetensors.ts";

/**
 * The tensors of a checkpoint to start from, ours or another program's under timm/MAE keys, with the position table
 * interpolated to the model's grid. Another program's grid is taken to be square, as its table does not say.
 */
export async function readStartingWeights(path: string, config: EncoderConfig): Promise<ReadonlyMap<string, StoredTensor>> {
  const { tensors, metadata } = await readSafetensorsFile(path);
  const table = tensors.get("pos_embed");
  if (!table) return tensors;
  const side = Math.sqrt((table.shape[1] ?? 1) - 1);
  const described = metadata.msmae === undefined ? undefined : (JSON.parse(metadata.msmae) as { config: EncoderConfig });
  const from = described ? gridOf(described.config) : { height: side, width: side };
  const to = gridOf(config);
  return withPositionGrid(tensors, [from.height, from.width], [to.height, to.width]);
}
