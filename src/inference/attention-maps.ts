import { type MapsInput, type MapsOptions, resolveOptions, verbs } from "../config/index.ts";
import { encodeNpy } from "../formats/npy.ts";
import { gridOf, patchCount } from "../method/models/config.ts";
import { encodePng } from "../results/report/png.ts";
import { overlayMap, type RgbImage } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { attentionGraph, mapsOfBatch } from "./attention.ts";
import { listPictures } from "./list-pictures.ts";
import { drawings, outputNames } from "./output-names.ts";
import { type FileFailure, nameOf, readFiles } from "./read-files.ts";
import { runBatches } from "./run-batches.ts";
import { encoderOf, openModel, readingOf } from "./session.ts";

/** Where one file's attention map was written. */
export interface MapFiles {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  /** PNG: the map as a heat map over the image. */
  overlay: string;
  /** NumPy file: float32 [gh, gw] in [0, 1], the heads made one as the model, or `mapHeads`, says. */
  weights: string;
}

const suffixes = ["-attention.png", "-attention.npy"];
/** Longest side of an overlay, in pixels. */
const PICTURE_SIDE = 1024;

/**
 * Attention maps of image files, of a classifier or a pre-trained model: where the last block's cls token looks.
 * A line for each file in order; a file that cannot be read has a line with its error.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Data when the output folder holds maps, is in use or
 * cannot be written; Device when the engine fails; the signal's reason.
 * Source: method.md section 2.
 */
export async function* attentionMaps(
  input: MapsInput | MapsOptions,
  hooks: RunHooks = {},
): AsyncGenerator<MapFiles | FileFailure, void, void> {
  const options = resolveOptions(verbs.maps, input);
  const { checkpoint, outputDir, overwrite, slices } = options;
  const kind = drawings("attention maps", /-attention\.(png|npy)$/, options.files);
  await using folder = await OutputFolder.claim(outputDir, { verb: "maps", kind, overwrite, onEvent: hooks.onEvent });
  const model = await openModel(checkpoint, undefined, options, hooks);
  try {
    const { mapHeads, mapBlocks } = options;
    const own = encoderOf(checkpoint, model);
    const encoder = { ...own, ...(mapHeads && { mapHeads }), ...(mapBlocks && { mapBlocks }) };
    const reading = readingOf(model.description, options);
    const files = await listPictures(options.files, { slices, sliceAxis: reading.sliceAxis });
    const targets = await outputNames(files, outputDir, suffixes);
    const { height, width } = gridOf(encoder);
    const patches = patchCount(encoder);
    const batchSize = Math.min(options.batchSize, files.length);
    const graph = attentionGraph(encoder, batchSize);
    const batches = readFiles(files, { config: encoder, batchSize, reading, pictureSide: PICTURE_SIDE });
    hooks.onEvent?.({ type: "phase", name: "attention maps", total: files.length });
    let done = 0;
    for await (const { batch, outputs } of runBatches({ ...model, graph, batches, batchSize, signal: hooks.signal })) {
      const maps = outputs.attention && mapsOfBatch(outputs.attention, batch.indices.length, encoder);
      for (const file of batch.files) {
        if ("error" in file || !maps) {
          yield file as FileFailure;
          continue;
        }
        const data = maps.slice(file.slot * patches, (file.slot + 1) * patches);
        const [overlay, weights] = targets[file.index] as [string, string];
        const drawn = overlayMap(file.picture as RgbImage, { height, width, data });
        await writeFileAtomic(folder.at(overlay), await encodePng(drawn));
        await writeFileAtomic(folder.at(weights), encodeNpy(data, [height, width]));
        await folder.publish();
        yield { ...nameOf(file), overlay: folder.at(overlay), weights: folder.at(weights) };
      }
      done += batch.files.length;
      hooks.onEvent?.({ type: "phase-progress", done });
    }
  } finally {
    await model.close();
  }
}
