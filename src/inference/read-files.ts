import { stat } from "node:fs/promises";
import { WorkerPool } from "../data/loader/reader-pool.ts";
import type { OriginalPixels } from "../data/loader/sample-reader.ts";
import type { ReadingOptions } from "../data/pictures/reading.ts";
import { PAPER_CROP } from "../geometry/random-geometry.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { type RgbImage, rasterToRgb } from "../results/visual/index.ts";
import { failureOf, MsmaeError } from "../support/errors.ts";
import { ITEM_SECONDS } from "../support/threads/watched-thread.ts";
import type { PictureRef } from "./list-pictures.ts";
import type { ImageBatch } from "./run-batches.ts";

/** A file that could not be worked on; the others go on. */
export interface FileFailure {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  error: { code: string; message: string };
}

/** An image file in a batch. */
export interface FileImage {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  /** Position among all pictures. */
  index: number;
  /** Position among the images of its batch. */
  slot: number;
  /** The image itself, for drawing on; present when asked for. */
  picture: RgbImage | undefined;
  /** Its size and, where the file tells it, how large its pixels are in the body. */
  original: OriginalPixels;
}

/** Images of some files and, in the files' order, what became of each. */
export interface FileBatch extends ImageBatch {
  files: (FileImage | FileFailure)[];
  /** [B] uint8 [H, W] to 255 each: how much of each pixel was measured; undefined where all was, or nobody asked. */
  coverages: (Uint8Array | undefined)[];
  /** [B] those of `files`. */
  originals: OriginalPixels[];
}

export interface ReadFilesOptions {
  config: ImageModelConfig;
  batchSize: number;
  /** How grey values become 8 bits and volumes are cut: as the model was trained. */
  reading: ReadingOptions;
  /** Also tell how much of each pixel was measured. */
  coverage?: boolean;
  /** Keep each image for drawing, shrunk until no side is longer than this, in pixels. */
  pictureSide?: number | undefined;
  /** Bring the images themselves at their own size in `original`. */
  wholeImages?: boolean;
}

/** What a result line calls a picture. */
export function nameOf({ path, slice }: FileImage): { path: string; slice?: number } {
  return slice === undefined ? { path } : { path, slice };
}

/** Threads that decode, and pictures in progress. */
const THREADS = 2;
const READ_AHEAD = 4;

/**
 * Decodes pictures and resizes each to the model's input, by the same threads as training and evaluation. Files that
 * cannot be read stand in their batch as failures; only the last batch may be smaller, or without any image.
 */
export async function* readFiles(
  pictures: readonly PictureRef[],
  options: ReadFilesOptions,
): AsyncGenerator<FileBatch, void, void> {
  const { config, batchSize } = options;
  const reader = new FileReader(options, Math.min(THREADS, pictures.length));
  const imageBytes = config.inputHeight * config.inputWidth * config.inChans;
  let files: FileBatch["files"] = [];
  let indices: number[] = [];
  let coverages: FileBatch["coverages"] = [];
  let originals: OriginalPixels[] = [];
  let images = new Uint8Array(batchSize * imageBytes);
  const take = (): FileBatch => {
    const filled = images.subarray(0, indices.length * imageBytes);
    const batch = { files, indices: Uint32Array.from(indices), images: filled, coverages, originals };
    files = [];
    indices = [];
    coverages = [];
    originals = [];
    images = new Uint8Array(batchSize * imageBytes);
    return batch;
  };
  try {
    let index = 0;
    let failed: string | undefined;
    for await (const outcome of inOrder(pictures, READ_AHEAD, (picture) => reader.read(picture))) {
      if ("failure" in outcome) {
        // A file of several pictures that cannot be opened fails once, not once for each of them.
        const several = outcome.wholeFile && pictures[index]?.item !== undefined;
        if (!several || outcome.failure.path !== failed) files.push(outcome.failure);
        failed = several ? outcome.failure.path : undefined;
      } else {
        failed = undefined;
        const { pixels, coverage, ...file } = outcome;
        const slot = indices.push(index) - 1;
        images.set(pixels, slot * imageBytes);
        coverages.push(coverage);
        originals.push(file.original);
        files.push({ ...file, index, slot });
      }
      index++;
      if (indices.length === batchSize) yield take();
    }
    if (files.length > 0) yield take();
  } finally {
    await reader.close();
  }
}

interface ReadImage {
  path: string;
  slice?: number;
  /** uint8 [H, W, C] of the model's input size. */
  pixels: Uint8Array;
  /** uint8 [H, W] to 255: how much of each pixel was measured; undefined where all was, or nobody asked. */
  coverage: Uint8Array | undefined;
  picture: RgbImage | undefined;
  original: OriginalPixels;
}

interface ReadFailure {
  failure: FileFailure;
  /** The failure is one of all pictures of the file. */
  wholeFile: boolean;
}

class FileReader {
  readonly #pool: WorkerPool;
  readonly #options: ReadFilesOptions;

  constructor(options: ReadFilesOptions, threads: number) {
    const { config, reading, coverage } = options;
    const { inputHeight, inputWidth, inChans } = config;
    const channels = inChans as 1 | 3;
    const setup = { inputHeight, inputWidth, channels, reading, coverage, cache: undefined };
    this.#options = options;
    this.#pool = new WorkerPool(setup, threads, ITEM_SECONDS);
  }

  async read({ path, item }: PictureRef): Promise<ReadImage | ReadFailure> {
    const { config, pictureSide, wholeImages } = this.#options;
    const name = item === undefined ? { path } : { path, slice: item };
    try {
      await checkIsFile(path);
      const images = new Uint8Array(new SharedArrayBuffer(config.inputHeight * config.inputWidth * config.inChans));
      const items = [{ slot: 0, sample: 0, path, item }];
      const originals = wholeImages ? ("pixels" as const) : true;
      const task = { augment: false, crop: PAPER_CROP, seed: 0, epoch: 0, items, images, pictureSide, originals };
      const [outcome] = (await this.#pool.run(task, () => false)).items;
      if (!outcome || "unreadable" in outcome) {
        const error = { code: outcome?.code ?? "Internal", message: outcome?.unreadable ?? "no report" };
        const wholeFile = outcome?.wholeFile === true;
        return { failure: { ...(wholeFile ? { path } : name), error }, wholeFile };
      }
      const { coverage, picture } = outcome;
      const original = outcome.original as OriginalPixels;
      return { ...name, pixels: images, coverage, picture: picture && rasterToRgb(picture), original };
    } catch (error) {
      return { failure: { ...name, error: failureOf(error) }, wholeFile: false };
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** @throws MsmaeError Data for a path that is no file, said more plainly than the file system does. */
async function checkIsFile(path: string): Promise<void> {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // Other faults, such as missing permission or a pipe, show themselves when the file is read.
    if (error.code === "ENOENT") return "missing" as const;
  });
  if (entry !== "missing" && !entry?.isDirectory()) return;
  throw new MsmaeError("Data", {
    where: path,
    expected: "an image file",
    got: entry === "missing" ? "nothing of this name" : "a folder without images",
    todo: "check the path",
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
