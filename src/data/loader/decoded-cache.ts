import type { RasterImage } from "../../formats/raster.ts";

// One row of the index for each sample.
const STATE = 0;
const OFFSET = 1;
const HEIGHT = 2;
const WIDTH = 3;
const CHANNELS = 4;
/** 1 where the marks of what is no measurement follow the pixels. */
const MARKED = 5;
/** 1 where the classes of the pixels follow. */
const LABELLED = 6;
/** 1 where the size of the pixels follows. */
const SPACED = 7;
const ROW = 8;

const EMPTY = 0;
const CLAIMED = 1;
const READY = 2;

// Offsets count units, so that 32 bits reach 128 GiB.
const UNIT = 64;

/** What is kept of a sample. */
export interface CachedSample {
  image: RasterImage;
  /** uint8 [height, width], what its masks say. */
  classes?: Uint8Array | undefined;
}

/** The memory of a cache, to be handed to other threads. */
export interface DecodedCacheMemory {
  index: SharedArrayBuffer;
  /** Units taken so far, and images held. */
  counters: SharedArrayBuffer;
  pixels: SharedArrayBuffer;
}

/**
 * Decoded images in memory that all loader threads share. It only fills up: once full, further images are not kept.
 * Entries never change after they are ready, so that readers need no lock.
 */
export class DecodedCache {
  readonly memory: DecodedCacheMemory;
  readonly #index: Int32Array;
  readonly #counters: Int32Array;
  readonly #pixels: Uint8Array;

  constructor(memory: DecodedCacheMemory) {
    this.memory = memory;
    this.#index = new Int32Array(memory.index);
    this.#counters = new Int32Array(memory.counters);
    this.#pixels = new Uint8Array(memory.pixels);
  }

  /** A cache for samples 0…samples−1 of at most `bytes` of pixels; the system commits the memory as it is filled. */
  static create(samples: number, bytes: number): DecodedCache {
    return new DecodedCache({
      index: new SharedArrayBuffer(samples * ROW * 4),
      counters: new SharedArrayBuffer(8),
      pixels: new SharedArrayBuffer(Math.floor(bytes / UNIT) * UNIT),
    });
  }

  /** What is kept of a sample, views of shared memory that must not be written, or undefined. */
  get(sample: number): CachedSample | undefined {
    const row = sample * ROW;
    if (Atomics.load(this.#index, row + STATE) !== READY) return undefined;
    const height = this.#index[row + HEIGHT] as number;
    const width = this.#index[row + WIDTH] as number;
    const channels = this.#index[row + CHANNELS] as 1 | 3;
    const start = (this.#index[row + OFFSET] as number) * UNIT;
    const end = start + height * width * channels;
    const image: RasterImage = { height, width, channels, pixels: this.#pixels.subarray(start, end) };
    const area = height * width;
    let next = end;
    const take = (flag: number, bytes: number): Uint8Array | undefined => {
      if (this.#index[row + flag] !== 1) return undefined;
      next += bytes;
      return this.#pixels.subarray(next - bytes, next);
    };
    const unmeasured = take(MARKED, area);
    if (unmeasured) image.unmeasured = unmeasured;
    const classes = take(LABELLED, area);
    // A copy begins where a float may, and is not shared.
    const spacing = take(SPACED, 16)?.slice();
    if (spacing) image.spacing = [...new Float64Array(spacing.buffer)] as [number, number];
    return classes ? { image, classes } : { image };
  }

  /** Keeps a copy of a sample if there is room and no thread has kept it yet. */
  put(sample: number, { image, classes }: CachedSample): void {
    const row = sample * ROW;
    if (Atomics.compareExchange(this.#index, row + STATE, EMPTY, CLAIMED) !== EMPTY) return;
    const { pixels, unmeasured } = image;
    const spacing = image.spacing && new Uint8Array(Float64Array.from(image.spacing).buffer);
    const parts = [pixels, unmeasured, classes, spacing].filter((part) => part !== undefined);
    const offset = this.#reserve(Math.ceil(parts.reduce((sum, { length }) => sum + length, 0) / UNIT));
    if (offset === undefined) return;
    let next = offset * UNIT;
    for (const part of parts) {
      this.#pixels.set(part, next);
      next += part.length;
    }
    this.#index[row + MARKED] = Number(unmeasured !== undefined);
    this.#index[row + LABELLED] = Number(classes !== undefined);
    this.#index[row + SPACED] = Number(spacing !== undefined);
    this.#index[row + OFFSET] = offset;
    this.#index[row + HEIGHT] = image.height;
    this.#index[row + WIDTH] = image.width;
    this.#index[row + CHANNELS] = image.channels;
    Atomics.store(this.#index, row + STATE, READY);
    Atomics.add(this.#counters, 1, 1);
  }

  /** Images held and the bytes they take. */
  stats(): { images: number; bytes: number } {
    return { images: Atomics.load(this.#counters, 1), bytes: Atomics.load(this.#counters, 0) * UNIT };
  }

  #reserve(units: number): number | undefined {
    for (;;) {
      const taken = Atomics.load(this.#counters, 0);
      if ((taken + units) * UNIT > this.#pixels.length) return undefined;
      if (Atomics.compareExchange(this.#counters, 0, taken, taken + units) === taken) return taken;
    }
  }
}
