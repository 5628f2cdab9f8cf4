import type { ModelDescription } from "../interop/model-file.ts";
import type { RunHooks } from "../support/events.ts";
import type { PictureRef } from "./list-pictures.ts";
import type { Gathered, Outcome } from "./outcomes/outcome.ts";
import { type FileFailure, type FileImage, nameOf, type ReadFilesOptions, readFiles } from "./read-files.ts";
import { runImages, type Told } from "./run-images.ts";
import { forwardOf, type ModelSession } from "./session.ts";

/** How pictures are read and run. */
export interface SayOptions extends Pick<ReadFilesOptions, "reading" | "pictureSide"> {
  batchSize: number;
  /** As of {@link forwardOf}. */
  keepRatio?: number | undefined;
}

/** A picture and what the model says of it. */
export interface Said<L extends object> {
  file: FileImage;
  line: L;
}

/**
 * What a model says of pictures, in their order, reporting a phase "prediction". A picture that cannot be read, or of which
 * the outputs are not finite, has its error.
 *
 * @throws MsmaeError Device when the engine fails; the signal's reason.
 */
export async function* sayOfFiles<L extends object>(
  model: ModelSession,
  outcome: Pick<Outcome<Gathered, object, ModelDescription, L>, "line" | "originals" | "windowOverlap">,
  pictures: readonly PictureRef[],
  { batchSize: most, reading, pictureSide, keepRatio }: SayOptions,
  { signal, onEvent }: RunHooks,
): AsyncGenerator<Said<L> | FileFailure, void, void> {
  const { kind, description } = model;
  const { config } = description;
  const { originals, windowOverlap } = outcome;
  const batchSize = Math.min(most, pictures.length);
  const run = {
    ...model,
    ...forwardOf(kind, config, { batchSize, keepRatio }),
    batches: readFiles(pictures, { config, batchSize, reading, pictureSide, wholeImages: originals === "pixels" }),
    batchSize,
    size: { height: config.inputHeight, width: config.inputWidth },
    windowOverlap,
    signal,
  };
  onEvent?.({ type: "phase", name: "prediction", total: pictures.length });
  let done = 0;
  for await (const { batch, told } of runImages(run)) {
    for (const file of batch.files) {
      if ("error" in file) {
        yield file;
        continue;
      }
      const line = outcome.line(told[file.slot] as Told, description, file.original);
      yield line ? { file, line } : { ...nameOf(file), ...notFinite(file.path) };
    }
    done += batch.files.length;
    onEvent?.({ type: "phase-progress", done });
  }
}

function notFinite(path: string): Pick<FileFailure, "error"> {
  const message = `${path}: expected finite outputs of the model, got others; the checkpoint holds damaged weights`;
  return { error: { code: "Checkpoint", message } };
}
