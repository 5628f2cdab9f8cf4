import type { Geometry } from "../../geometry/geometry.ts";
import { PAPER_CROP } from "../../geometry/random-geometry.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { Sample } from "../dataset.ts";
import { groupKey } from "../splits/split.ts";
import type { Target } from "../targets/target.ts";
import type { TargetMaker } from "../targets/target-maker.ts";
import type { Batch } from "./batch.ts";
import { batchesPerEpoch, type EpochOptions, type LoaderOptions, type Share } from "./options.ts";
import type { ReadPicture, ReadReport, ReadTask } from "./sample-reader.ts";
import { type EpochOrder, epochOrder } from "./sampling.ts";

/** What an epoch needs from its loader. */
export interface EpochHost {
  read(task: ReadTask, isCancelled: () => boolean): Promise<ReadReport>;
  /** Why a sample cannot be read, where that has been tried. */
  faultOf(sample: number): string | undefined;
  markUnreadable(sample: number, reason: string): void;
  takeBuffer(bytes: number): SharedArrayBuffer;
  giveBuffer(buffer: SharedArrayBuffer): void;
  closed: AbortSignal;
  targets: TargetMaker<Target>;
}

/** A place in a batch: the position in the order that it tries next. */
interface Slot {
  slot: number;
  position: number;
  tries: number;
  sample: number;
  /** How often the sample stood earlier in the order. */
  repeat: number;
  read: ReadPicture | undefined;
}

/** What the readers fill for a batch. */
interface Planes {
  images: Uint8Array;
  /** Empty where masks are not read. */
  classes: Uint8Array;
}

const LARGEST_CHUNK = 8;
const EVERY_BATCH: Share = { index: 0, of: 1 };

/** One epoch being read: keeps a bounded number of batches in preparation, and hands them out in order. */
export class EpochRun {
  readonly #options: EpochOptions;
  readonly #samples: readonly Sample[];
  readonly #loader: Required<LoaderOptions>;
  readonly #host: EpochHost;
  readonly #order: EpochOrder;
  readonly #batches: number;
  readonly #ahead: Promise<Batch>[] = [];
  readonly #stride: number;
  #nextBatch: number;
  #cancelled = false;

  constructor(options: EpochOptions, samples: readonly Sample[], loader: Required<LoaderOptions>, host: EpochHost) {
    this.#options = options;
    this.#samples = samples;
    this.#loader = loader;
    this.#host = host;
    const { seed, epoch, batchSize, dropLast, shuffle, sampling = "natural" } = options;
    const count = samples.length;
    this.#order = shuffle
      ? epochOrder(
          samples.map(({ label }) => label),
          sampling,
          seed,
          epoch,
        )
      : { samples: Uint32Array.from(samples.keys()), repeats: undefined };
    this.#batches = batchesPerEpoch(count, batchSize, dropLast);
    const { startBatch = 0, share = EVERY_BATCH } = options;
    this.#nextBatch = startBatch + ((share.index + share.of - (startBatch % share.of)) % share.of);
    this.#stride = share.of;
  }

  start(): AsyncGenerator<Batch, void, void> {
    this.#fill();
    return this.#deliver();
  }

  async *#deliver(): AsyncGenerator<Batch, void, void> {
    const stop = this.#stopSignal();
    try {
      for (;;) {
        stop.check();
        const next = this.#ahead.shift();
        if (!next) return;
        this.#fill();
        const batch = await Promise.race([next, stop.stopped]);
        if (batch.indices.length > 0) yield batch;
      }
    } finally {
      this.#cancelled = true;
      stop.release();
    }
  }

  /** A promise that rejects when the user's signal fires or the loader is closed. */
  #stopSignal() {
    const { signal } = this.#options;
    const { closed } = this.#host;
    const check = () => {
      if (signal?.aborted) throw stopError("Interrupted", "an abort signal", "call again to read the epoch");
      if (closed.aborted) throw stopError("Data", "a closed loader", "close the loader after the last epoch");
    };
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    stopped.catch(() => undefined);
    const onStop = () => {
      this.#cancelled = true;
      try {
        check();
      } catch (error) {
        reject(error);
      }
    };
    signal?.addEventListener("abort", onStop);
    closed.addEventListener("abort", onStop);
    const release = () => {
      signal?.removeEventListener("abort", onStop);
      closed.removeEventListener("abort", onStop);
    };
    return { check, stopped, release };
  }

  #fill(): void {
    while (this.#ahead.length < this.#loader.prefetch && this.#nextBatch < this.#batches) {
      const batch = this.#assemble(this.#nextBatch);
      this.#nextBatch += this.#stride;
      // A failure belongs to the moment its batch is asked for, which may never come.
      batch.catch(() => undefined);
      this.#ahead.push(batch);
    }
  }

  async #assemble(batch: number): Promise<Batch> {
    const { batchSize } = this.#options;
    const first = batch * batchSize;
    const size = Math.min(batchSize, this.#samples.length - first);
    const imageBytes = this.#loader.inputHeight * this.#loader.inputWidth * this.#loader.channels;
    const classBytes = this.#classBytes();
    const buffer = this.#host.takeBuffer(size * (imageBytes + classBytes));
    const planes = {
      images: new Uint8Array(buffer, 0, size * imageBytes),
      classes: new Uint8Array(buffer, size * imageBytes),
    };
    const slots = Array.from({ length: size }, (_, slot): Slot => {
      return { slot, position: first + slot, tries: 0, sample: -1, repeat: 0, read: undefined };
    });
    let open = slots.filter((slot) => this.#choose(slot));
    while (open.length > 0) {
      const failed = await this.#read(open, planes);
      open = this.#options.augment ? failed.filter((slot) => this.#choose(slot)) : [];
    }
    const packed = this.#pack(slots, planes);
    let held = true;
    const release = () => {
      if (held) this.#host.giveBuffer(buffer);
      held = false;
    };
    return { batch, ...packed, release };
  }

  /** Sets the sample that a slot reads next; false where it stays empty. */
  #choose(slot: Slot): boolean {
    const count = this.#samples.length;
    for (; slot.tries < count; slot.tries++) {
      const place = (slot.position + slot.tries) % count;
      slot.sample = this.#order.samples[place] as number;
      slot.repeat = this.#order.repeats?.[place] ?? 0;
      if (this.#host.faultOf(slot.sample) === undefined) return true;
      if (!this.#options.augment) return false;
    }
    throw new MsmaeError("Data", {
      where: "data loading",
      expected: "at least one readable image",
      got: `none of ${count}; of one: ${this.#host.faultOf(slot.sample)}`,
      todo: "check the files and their permissions",
    });
  }

  /** Reads the slots' samples in pieces that several threads can share; gives back the slots that failed. */
  async #read(slots: readonly Slot[], planes: Planes): Promise<Slot[]> {
    const { augment, crop = PAPER_CROP, plan, seed, epoch, originals } = this.#options;
    const readsMasks = this.#classBytes() > 0;
    const chunk = Math.min(LARGEST_CHUNK, Math.ceil(slots.length / Math.max(1, this.#loader.workers)));
    const failed: Slot[] = [];
    const reads: Promise<void>[] = [];
    for (let start = 0; start < slots.length; start += chunk) {
      const part = slots.slice(start, start + chunk);
      const items = part.map(({ slot, sample, repeat }) => {
        const { path, item, masks } = this.#samples[sample] as Sample;
        return { slot, sample, repeat, path, item, ...(readsMasks && { masks }) };
      });
      const task = { augment, crop, plan, seed, epoch, originals, items, ...planes };
      const report = this.#host.read(task, () => this.#cancelled);
      reads.push(report.then((done) => this.#note(part, done, failed)));
    }
    await Promise.all(reads);
    return failed;
  }

  #note(slots: readonly Slot[], report: ReadReport, failed: Slot[]): void {
    slots.forEach((slot, at) => {
      const item = report.items[at];
      if (item && "geometry" in item) {
        slot.read = item;
        return;
      }
      const reason = item?.unreadable ?? "no report";
      if (item?.code === "Device") throw limitMetBy((this.#samples[slot.sample] as Sample).path, reason);
      if (this.#loader.strict) {
        throw new MsmaeError("Data", {
          where: (this.#samples[slot.sample] as Sample).path,
          expected: "every image to be readable (strict)",
          got: reason,
          todo: "repair or remove the file, or leave out --strict",
        });
      }
      this.#host.markUnreadable(slot.sample, reason);
      failed.push(slot);
    });
  }

  /** Bytes that the classes of an image's pixels take; 0 where masks are not read. */
  #classBytes(): number {
    const { target, inputHeight, inputWidth } = this.#loader;
    return target.kind === "mask" ? inputHeight * inputWidth : 0;
  }

  #pack(slots: readonly Slot[], planes: Planes): Omit<Batch, "batch" | "release"> {
    const filled = slots.filter((slot) => slot.read !== undefined);
    const order = filled.map(({ slot }) => slot);
    const images = gather(planes.images, order, slots.length);
    const classes = gather(planes.classes, order, slots.length);
    const chosen = filled.map(({ sample }) => this.#samples[sample] as Sample);
    return {
      indices: Uint32Array.from(filled, ({ sample }) => sample),
      repeats: Uint32Array.from(filled, ({ repeat }) => repeat),
      target: this.#host.targets.of(chosen, classes),
      images,
      coverages: filled.map(({ read }) => read?.coverage),
      originals: filled.map(({ read }) => read?.original),
      geometries: filled.map(({ read }) => read?.geometry as Geometry),
      paths: chosen.map(({ path }) => path),
      groups: chosen.map(groupKey),
    };
  }
}

/** Moves the planes of the slots of an order, which rises, to the front; gives back these. */
function gather(planes: Uint8Array, order: readonly number[], slots: number): Uint8Array {
  const bytes = planes.length / slots;
  for (const [at, slot] of order.entries()) {
    if (at !== slot) planes.copyWithin(at * bytes, slot * bytes, (slot + 1) * bytes);
  }
  return planes.subarray(0, order.length * bytes);
}

/** Without an image that the machine had no room for just then, a run would not be the run that was asked for. */
function limitMetBy(where: string, got: string): MsmaeError {
  const parts = { where, expected: "the machine to have room for reading it", got };
  return new MsmaeError("Device", { ...parts, todo: "give it room, then go on with --resume or run again" });
}

function stopError(code: "Interrupted" | "Data", got: string, todo: string): MsmaeError {
  return new MsmaeError(code, { where: "data loading", expected: "to read the epoch to its end", got, todo });
}

/** @throws MsmaeError Config when there are no samples, or the batch or the starting point does not fit them. */
export function checkEpochOptions(options: EpochOptions, samples: number): void {
  const { batchSize, dropLast, startBatch = 0 } = options;
  const fail = (expected: string, got: string, todo: string) => {
    throw new MsmaeError("Config", { where: "batches of an epoch", expected, got, todo });
  };
  if (samples === 0) fail("at least one image", "none", "choose a split that holds images");
  if (!Number.isInteger(batchSize) || batchSize < 1)
    fail("a whole batch size from 1", `${batchSize}`, "set --batch-size");
  if (dropLast && batchSize > samples) {
    fail(`a batch of at most ${samples} images, all there are`, `${batchSize}`, "lower --batch-size");
  }
  if (!Number.isInteger(startBatch) || startBatch < 0) fail("a whole starting batch from 0", `${startBatch}`, "use 0");
}
