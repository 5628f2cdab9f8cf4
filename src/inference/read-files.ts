import { stat } from "node:fs/promises";
import { decodeImage } from "../data/decode/image.ts";
import type { RasterImage } from "../data/raster.ts";
import { Resizer } from "../data/transforms/resize.ts";
import { MsmaeError, messageOf } from "../errors.ts";
import { greyToRgb, type RgbImage } from "../evaluation/visual/index.ts";
import type { EncoderConfig } from "../models/config.ts";
import type { ImageBatch } from "./run-batches.ts";

/** A file that could not be worked on; the others go on. */
export interface FileFailure {
  path: string;
  error: { code: string; message: string };
}

/** An image file in a batch. */
export interface FileImage {
  path: string;
  /** Position among all files. */
  index: number;
  /** Position among the images of its batch. */
  slot: number;
  /** The image itself, for drawing on; present when asked for. */
  picture: RgbImage | undefined;
}

/** Images of some files and, in the files' order, what became of each. */
export interface FileBatch extends ImageBatch {
  files: (FileImage | FileFailure)[];
}

export interface ReadFilesOptions {
  config: EncoderConfig;
  batchSize: number;
  /** Keep each image for drawing, shrunk until no side is longer than this, in pixels. */
  pictureSide?: number;
}

/** Files decoded at a time. */
const READ_AHEAD = 4;

/**
 * Decodes image files and resizes each to the model's input, as evaluation does. Files that cannot be read stand in
 * their batch as failures; only the last batch may be smaller, or without any image.
 */
export async function* readFiles(paths: readonly string[], options: ReadFilesOptions): AsyncGenerator<FileBatch> {
  const { config, batchSize } = options;
  const reader = new FileReader(options);
  const imageBytes = config.inputHeight * config.inputWidth * config.inChans;
  let files: FileBatch["files"] = [];
  let indices: number[] = [];
  let images = new Uint8Array(batchSize * imageBytes);
  const take = (): FileBatch => {
    const filled = images.subarray(0, indices.length * imageBytes);
    const batch = { files, indices: Uint32Array.from(indices), images: filled };
    files = [];
    indices = [];
    images = new Uint8Array(batchSize * imageBytes);
    return batch;
  };
  let index = 0;
  for await (const outcome of inOrder(paths, READ_AHEAD, (path) => reader.read(path))) {
    if ("error" in outcome) {
      files.push(outcome);
    } else {
      const slot = indices.push(index) - 1;
      images.set(outcome.pixels, slot * imageBytes);
      files.push({ path: outcome.path, index, slot, picture: outcome.picture });
    }
    index++;
    if (indices.length === batchSize) yield take();
  }
  if (files.length > 0) yield take();
}

interface ReadImage {
  path: string;
  /** uint8 [H, W, C] of the model's input size. */
  pixels: Uint8Array;
  picture: RgbImage | undefined;
}

class FileReader {
  readonly #resizer = new Resizer();
  readonly #options: ReadFilesOptions;

  constructor(options: ReadFilesOptions) {
    this.#options = options;
  }

  async read(path: string): Promise<ReadImage | FileFailure> {
    const { config, pictureSide } = this.#options;
    try {
      await checkIsFile(path);
      const image = await decodeImage(path, { channels: config.inChans as 1 | 3 });
      const pixels = this.#resizer.resize(image, config.inputHeight, config.inputWidth, { filter: "bilinear" });
      return { path, pixels, picture: pictureSide === undefined ? undefined : this.#shrink(image, pictureSide) };
    } catch (error) {
      const code = error instanceof MsmaeError ? error.code : "Internal";
      return { path, error: { code, message: messageOf(error) } };
    }
  }

  #shrink(image: RasterImage, longest: number): RgbImage {
    const scale = Math.min(1, longest / Math.max(image.width, image.height));
    const width = Math.max(1, Math.round(image.width * scale));
    const height = Math.max(1, Math.round(image.height * scale));
    const data = this.#resizer.resize(image, height, width, { filter: "bilinear" });
    return image.channels === 1 ? greyToRgb(data, width, height) : { width, height, data };
  }
}

/** @throws MsmaeError Data for a path that is no file, said more plainly than the file system does. */
async function checkIsFile(path: string): Promise<void> {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // Other faults, such as missing permission, show themselves when the file is read.
    if (error.code === "ENOENT") return "missing" as const;
  });
  if (entry !== "missing" && !entry?.isDirectory()) return;
  throw new MsmaeError("Data", {
    where: path,
    expected: "an image file",
    got: entry === "missing" ? "nothing of this name" : "a folder",
    todo: entry === "missing" ? "check the path" : "name the files in it, or measure a whole data set with msmae eval",
  });
}

/** Results of `work` in the items' order, with up to `ahead` in progress. `work` does not throw. */
async function* inOrder<T, R>(items: readonly T[], ahead: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const inProgress: Promise<R>[] = [];
  for (const item of items) {
    inProgress.push(work(item));
    if (inProgress.length >= ahead) yield await (inProgress.shift() as Promise<R>);
  }
  for (const rest of inProgress) yield await rest;
}
