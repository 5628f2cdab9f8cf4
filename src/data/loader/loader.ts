import { availableParallelism } from "node:os";
import { MsmaeError } from "../../support/errors.ts";
import { ITEM_SECONDS } from "../../support/threads/watched-thread.ts";
import type { Sample } from "../dataset.ts";
import { DEFAULT_READING } from "../pictures/reading.ts";
import { labelOutside } from "../targets/mask-target.ts";
import { type Target, targetMaker } from "../targets/target.ts";
import type { TargetMaker } from "../targets/target-maker.ts";
import type { Batch } from "./batch.ts";
import { DecodedCache } from "./decoded-cache.ts";
import { checkEpochOptions, EpochRun } from "./epoch-run.ts";
import type { EpochOptions, InOrderOptions, LoaderOptions } from "./options.ts";
import { InlinePool, type ReaderPool, WorkerPool } from "./reader-pool.ts";
import type { ReadReport } from "./sample-reader.ts";

export type { Batch } from "./batch.ts";
export type { EpochOptions, InOrderOptions, LoaderOptions } from "./options.ts";

/** Counts since the loader was made; times summed over its threads. */
export interface LoaderStats {
  decoded: number;
  cacheHits: number;
  cachedImages: number;
  cachedBytes: number;
  /** Paths of images that could not be read, in the order met. */
  unreadable: string[];
  decodeSeconds: number;
  resizeSeconds: number;
}

/**
 * Reads a list of samples as batches, ahead of their use, in worker threads. The order of samples and every crop depend
 * on the seed, the epoch and the sample alone: never on the number of workers, on timing, or on where an epoch starts.
 */
export class ImageLoader {
  readonly samples: readonly Sample[];
  readonly options: Required<LoaderOptions>;
  readonly #cache: DecodedCache | undefined;
  readonly #pool: ReaderPool;
  readonly #targets: TargetMaker<Target>;
  readonly #closed = new AbortController();
  readonly #unreadable = new Map<number, string>();
  readonly #told = new Set<string>();
  readonly #freeBuffers: SharedArrayBuffer[] = [];
  readonly #totals = { decoded: 0, cacheHits: 0, decodeMs: 0, resizeMs: 0 };

  /** @throws MsmaeError Config when an option is out of range; Data when samples lack what their targets are made from. */
  constructor(samples: readonly Sample[], options: LoaderOptions) {
    this.samples = samples;
    this.options = {
      workers: Math.min(4, Math.max(1, availableParallelism() - 1)),
      cacheMb: 512,
      prefetch: 3,
      reading: DEFAULT_READING,
      target: { kind: "class" },
      coverage: false,
      itemSeconds: ITEM_SECONDS,
      strict: false,
      onWarning: () => undefined,
      ...options,
    };
    const { inputHeight, inputWidth, channels, reading, coverage, workers, cacheMb, itemSeconds } = this.options;
    checkLoaderOptions(this.options);
    this.#targets = targetMaker(this.options.target, samples);
    this.#cache = cacheMb > 0 ? DecodedCache.create(samples.length, cacheMb * 2 ** 20) : undefined;
    const { target } = this.options;
    const masks = target.kind === "mask" ? { outside: labelOutside(target) } : undefined;
    const setup = { inputHeight, inputWidth, channels, reading, coverage, masks, cache: this.#cache?.memory };
    this.#pool = workers === 0 ? new InlinePool(setup) : new WorkerPool(setup, workers, itemSeconds);
  }

  /**
   * The batches of one epoch. Reading starts with the call, before the first batch is asked for, so that the next epoch
   * can be warmed up while this one ends.
   *
   * An unreadable image is replaced, when `augment` is on, by the next readable one in the order, so that the batch
   * keeps its size; else it is left out, since evaluation must not count an image twice.
   *
   * @throws MsmaeError Config when the batch does not fit the set; while iterating, Data when an image is unreadable
   * under `strict`, when none is readable or when a thread dies, and Interrupted when the signal fires.
   */
  epoch(options: EpochOptions): AsyncGenerator<Batch, void, void> {
    checkEpochOptions(options, this.samples.length);
    const run = new EpochRun(options, this.samples, this.options, {
      read: (task, isCancelled) => this.#pool.run(task, isCancelled).then((report) => this.#count(report)),
      faultOf: (sample) => this.#unreadable.get(sample),
      markUnreadable: (sample, reason) => this.#markUnreadable(sample, reason),
      takeBuffer: (bytes) => this.#takeBuffer(bytes),
      giveBuffer: (buffer) => this.#giveBuffer(buffer),
      closed: this.#closed.signal,
      targets: this.#targets,
    });
    return run.start();
  }

  /**
   * All samples once, in their order, resized whole and not augmented; the last batch holds what is left. Unreadable
   * images are left out, and {@link stats} names them.
   *
   * @throws MsmaeError as {@link epoch} does.
   */
  inOrder(options: InOrderOptions): AsyncGenerator<Batch, void, void> {
    return this.epoch({ ...options, epoch: 0, seed: 0, augment: false, shuffle: false, dropLast: false });
  }

  stats(): LoaderStats {
    const { images = 0, bytes = 0 } = this.#cache?.stats() ?? {};
    const { decoded, cacheHits, decodeMs, resizeMs } = this.#totals;
    return {
      decoded,
      cacheHits,
      cachedImages: images,
      cachedBytes: bytes,
      unreadable: [...this.#unreadable.keys()].map((sample) => (this.samples[sample] as Sample).path),
      decodeSeconds: decodeMs / 1000,
      resizeSeconds: resizeMs / 1000,
    };
  }

  /** Stops the threads. Epochs in progress end with an error. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #takeBuffer(bytes: number): SharedArrayBuffer {
    const at = this.#freeBuffers.findIndex((buffer) => buffer.byteLength === bytes);
    const [buffer] = at < 0 ? [] : this.#freeBuffers.splice(at, 1);
    return buffer ?? new SharedArrayBuffer(bytes);
  }

  #giveBuffer(buffer: SharedArrayBuffer): void {
    if (this.#freeBuffers.length <= this.options.prefetch) this.#freeBuffers.push(buffer);
  }

  #count(report: ReadReport): ReadReport {
    this.#totals.decoded += report.decoded;
    this.#totals.cacheHits += report.cacheHits;
    this.#totals.decodeMs += report.decodeMs;
    this.#totals.resizeMs += report.resizeMs;
    return report;
  }

  #markUnreadable(sample: number, reason: string): void {
    if (this.#unreadable.has(sample)) return;
    this.#unreadable.set(sample, reason);
    // A file of several pictures that cannot be opened is told once.
    if (this.#told.has(reason)) return;
    this.#told.add(reason);
    this.options.onWarning(`skipped unreadable image ${this.#unreadable.size}: ${reason}`);
  }
}

function checkLoaderOptions(options: Required<LoaderOptions>): void {
  const { inputHeight, inputWidth, workers, cacheMb, prefetch, itemSeconds } = options;
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  const faults = [
    !(whole(inputHeight, 1) && whole(inputWidth, 1)) && `input size ${inputHeight}×${inputWidth}`,
    !whole(workers, 0) && `workers ${workers}`,
    !(cacheMb >= 0 && Number.isFinite(cacheMb)) && `cacheMb ${cacheMb}`,
    !whole(prefetch, 1) && `prefetch ${prefetch}`,
    !(itemSeconds > 0) && `itemSeconds ${itemSeconds}`,
  ].filter((fault) => fault !== false);
  if (faults.length === 0) return;
  throw new MsmaeError("Config", {
    where: "image loader",
    expected: "whole positive sizes, workers ≥ 0, cacheMb ≥ 0, prefetch ≥ 1 and itemSeconds above 0",
    got: faults.join(", "),
    todo: "correct these options",
  });
}
