import { messageOf } from "../errors.ts";
import { RandomStream } from "../random.ts";
import { decodeImage } from "./decode/image.ts";
import { DecodedCache, type DecodedCacheMemory } from "./decoded-cache.ts";
import type { Geometry, RasterImage } from "./raster.ts";
import { randomGeometry, wholeImage } from "./transforms/geometry.ts";
import type { CropRange } from "./transforms/random-resized-crop.ts";
import { Resizer } from "./transforms/resize.ts";

/** What every thread of a loader needs to know. */
export interface ReaderSetup {
  inputHeight: number;
  inputWidth: number;
  channels: 1 | 3;
  cache: DecodedCacheMemory | undefined;
}

/** Samples to read into the slots of one batch. */
export interface ReadTask {
  /** Random resized crop (bicubic) and mirror, or the whole image (bilinear). */
  augment: boolean;
  crop: CropRange;
  seed: number;
  epoch: number;
  items: { slot: number; sample: number; path: string }[];
  /** uint8 [B, H, W, C]. */
  images: Uint8Array;
}

/** What became of a task; `items` in the order of the task's. */
export interface ReadReport {
  items: ({ geometry: Geometry } | { unreadable: string })[];
  decoded: number;
  cacheHits: number;
  decodeMs: number;
  resizeMs: number;
}

/** Decodes, crops, resizes and mirrors samples; one for each thread. */
export class SampleReader {
  readonly #setup: ReaderSetup;
  readonly #cache: DecodedCache | undefined;
  readonly #resizer = new Resizer();
  readonly #grey: Uint8Array;

  constructor(setup: ReaderSetup) {
    this.#setup = setup;
    this.#cache = setup.cache && new DecodedCache(setup.cache);
    this.#grey = new Uint8Array(setup.inputHeight * setup.inputWidth);
  }

  /** Reads a task's samples into its batch. Files that cannot be decoded are reported, not thrown. */
  async run(task: ReadTask): Promise<ReadReport> {
    const report: ReadReport = { items: [], decoded: 0, cacheHits: 0, decodeMs: 0, resizeMs: 0 };
    const { inputHeight, inputWidth, channels } = this.#setup;
    const imageBytes = inputHeight * inputWidth * channels;
    for (const { slot, sample, path } of task.items) {
      const started = performance.now();
      const image = await this.#load(sample, path, report);
      const loaded = performance.now();
      report.decodeMs += loaded - started;
      if (typeof image === "string") {
        report.items.push({ unreadable: image });
        continue;
      }
      const geometry = task.augment
        ? randomGeometry(image.height, image.width, RandomStream.for(task.seed, "crops", task.epoch, sample), task.crop)
        : wholeImage(image.height, image.width);
      const out = task.images.subarray(slot * imageBytes, (slot + 1) * imageBytes);
      this.#resize(image, geometry, task.augment, out);
      report.resizeMs += performance.now() - loaded;
      report.items.push({ geometry });
    }
    return report;
  }

  /** The decoded image, or the reason why there is none. */
  async #load(sample: number, path: string, report: ReadReport): Promise<RasterImage | string> {
    const held = this.#cache?.get(sample);
    if (held) {
      report.cacheHits++;
      return held;
    }
    try {
      // A grey file stays grey in the cache even for an RGB model: a third of the memory and of the resizing.
      const image = await decodeImage(path, this.#setup.channels === 1 ? { channels: 1 } : {});
      report.decoded++;
      this.#cache?.put(sample, image);
      return image;
    } catch (error) {
      return messageOf(error);
    }
  }

  #resize(image: RasterImage, { crop, flip }: Geometry, augment: boolean, out: Uint8Array): void {
    const { inputHeight, inputWidth, channels } = this.#setup;
    const filter = augment ? "bicubic" : "bilinear";
    if (image.channels === channels) {
      this.#resizer.resize(image, inputHeight, inputWidth, { filter, crop, flip, out });
      return;
    }
    this.#resizer.resize(image, inputHeight, inputWidth, { filter, crop, flip, out: this.#grey });
    for (let at = 0, to = 0; at < this.#grey.length; at++, to += 3) {
      const value = this.#grey[at] as number;
      out[to] = value;
      out[to + 1] = value;
      out[to + 2] = value;
    }
  }
}
