import { type ReconstructInput, type ReconstructOptions, resolveOptions, verbs } from "../config/index.ts";
import { pretrainedKind } from "../method/kinds/pretrained.ts";
import { patchCount } from "../method/models/config.ts";
import { encodePng } from "../results/report/png.ts";
import { reconstructionPanel } from "../results/visual/index.ts";
import type { RunHooks } from "../support/events.ts";
import { writeFileAtomic } from "../support/files/atomic-file.ts";
import { OutputFolder } from "../support/files/output-folder.ts";
import { listPictures } from "./list-pictures.ts";
import { drawings, outputNames } from "./output-names.ts";
import { type FileFailure, nameOf, readFiles } from "./read-files.ts";
import { reconstructBatches } from "./reconstruct-batches.ts";
import { type Reconstruction, selectionCounts } from "./reconstructor.ts";
import { openModel, readingOf } from "./session.ts";

/** What a pre-trained model makes of one file. */
export interface FileReconstruction {
  path: string;
  /** PNG: original | kept, masked (grey) and thrown (hatched) patches | masked patches as reconstructed. */
  image: string;
  /** Mean squared error over the masked patches in the space of the training loss: normalised pixels. */
  loss: number;
}

/**
 * Reconstructions of image files by a pre-trained model, with patches chosen by the image's own attention map as in
 * training, or at random. A line for each file in order; a file that cannot be read has a line with its error.
 *
 * @throws MsmaeError Checkpoint when the checkpoint is no pre-trained model or cannot be used; Config when the ratios
 * keep or mask no patch; Data when the output folder holds reconstructions, is in use or cannot be written; Device when
 * the engine fails; the signal's reason.
 * Source: method.md sections 2 to 4.
 */
export async function* reconstruct(
  input: ReconstructInput | ReconstructOptions,
  hooks: RunHooks = {},
): AsyncGenerator<FileReconstruction | FileFailure, void, void> {
  const options = resolveOptions(verbs.reconstruct, input);
  const { checkpoint, outputDir, overwrite, masking, seed, slices } = options;
  const kind = drawings("reconstructions", /-reconstruction\.png$/, options.files);
  const claim = { verb: "reconstruct", kind, overwrite, onEvent: hooks.onEvent };
  await using folder = await OutputFolder.claim(outputDir, claim);
  const model = await openModel(checkpoint, [pretrainedKind], options, hooks);
  try {
    const { config } = model.description;
    const reading = readingOf(model.description, options);
    const files = await listPictures(options.files, { slices, sliceAxis: reading.sliceAxis });
    const targets = await outputNames(files, outputDir, ["-reconstruction.png"]);
    const patches = patchCount(config);
    const counts = selectionCounts(patches, options);
    const batchSize = Math.min(options.batchSize, files.length);
    const batches = readFiles(files, { config, batchSize, reading, coverage: model.description.normPixLoss });
    const how = { counts, batchSize, masking, seed, signal: hooks.signal };
    hooks.onEvent?.({ type: "phase", name: "reconstruction", total: files.length });
    let done = 0;
    for await (const { batch, results } of reconstructBatches(model, batches, how)) {
      for (const file of batch.files) {
        if ("error" in file) {
          yield file;
          continue;
        }
        const result = results[file.slot] as Reconstruction;
        if (result.uniform) warnOfUniform(file.path, hooks);
        const [image] = targets[file.index] as [string];
        await writeFileAtomic(folder.at(image), await encodePng(reconstructionPanel(result)));
        await folder.publish();
        yield { ...nameOf(file), image: folder.at(image), loss: result.loss };
      }
      done += batch.files.length;
      hooks.onEvent?.({ type: "phase-progress", done });
    }
  } finally {
    await model.close();
  }
}

function warnOfUniform(path: string, hooks: RunHooks): void {
  hooks.onEvent?.({
    type: "warning",
    message: `${path}: its attention map is zero everywhere, so patches were chosen evenly at random`,
  });
}
