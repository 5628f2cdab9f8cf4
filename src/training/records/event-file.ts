import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import crc32c from "crc-32/crc32c.js";
import { writeFault } from "../../support/files/atomic-file.ts";
import { tensorboard } from "./generated/event.js";

/** When and where on the time axis a value stands. */
export interface EventTime {
  /** TensorBoard's horizontal axis: optimiser steps or epochs, a whole number. */
  step: number;
  /** Milliseconds since 1970; now by default. */
  wallTimeMs?: number;
}

/** A picture for TensorBoard's image tab. */
export interface EventImage {
  /** A whole PNG file. */
  png: Uint8Array;
  width: number;
  height: number;
}

const RGB = 3;

/**
 * Writes a file that TensorBoard opens: `events.out.tfevents.<seconds>.msmae.<process>.<count>`. Each writer starts a
 * file of its own, so that a resumed run adds to a folder without touching what is there; TensorBoard joins them.
 *
 * Values are buffered by the operating system until {@link EventFileWriter.flush}.
 */
export class EventFileWriter {
  readonly path: string;
  readonly #stream: WriteStream;
  #fault: unknown;

  private constructor(path: string, stream: WriteStream) {
    this.path = path;
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#fault ??= error;
    });
  }

  static #opened = 0;

  /**
   * Opens a new event file in `folder`, which is made where missing.
   *
   * @throws MsmaeError "Data" when the folder cannot be written.
   */
  static async open(folder: string): Promise<EventFileWriter> {
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
    const path = join(folder, `events.out.tfevents.${seconds}.msmae.${process.pid}.${EventFileWriter.#opened++}`);
    try {
      await mkdir(folder, { recursive: true });
      const handle = await open(path, "ax");
      const writer = new EventFileWriter(path, createWriteStream(path, { fd: handle }));
      writer.#write({ wallTime: Date.now() / 1000, fileVersion: "brain.Event:2", sourceMetadata: { writer: "msmae" } });
      await writer.flush();
      return writer;
    } catch (error) {
      throw writeFault(path, error);
    }
  }

  /** Adds a point to the chart named `tag`, such as "train/loss"; float32 in the file. */
  scalar(tag: string, value: number, time: EventTime): void {
    this.#summary({ tag, simpleValue: value }, time);
  }

  /** Adds a picture under `tag`. */
  image(tag: string, { png, width, height }: EventImage, time: EventTime): void {
    this.#summary({ tag, image: { height, width, colorspace: RGB, encodedImageString: png } }, time);
  }

  /**
   * Resolves once everything given so far is in the file.
   *
   * @throws MsmaeError "Data" when the disk is full or the file became unwritable.
   */
  async flush(): Promise<void> {
    if (this.#fault === undefined) {
      await new Promise<void>((resolve) => {
        this.#stream.write(new Uint8Array(0), (error) => {
          this.#fault ??= error ?? undefined;
          resolve();
        });
      });
    }
    this.#raiseFault();
  }

  /**
   * Flushes and closes the file; nothing can be added afterwards.
   *
   * @throws MsmaeError "Data" as {@link EventFileWriter.flush}.
   */
  async close(): Promise<void> {
    if (!this.#stream.closed) {
      await new Promise<void>((resolve) => {
        this.#stream.once("close", () => resolve());
        this.#stream.end();
      });
    }
    this.#raiseFault();
  }

  #summary(value: tensorboard.Summary.IValue, { step, wallTimeMs = Date.now() }: EventTime): void {
    this.#write({ wallTime: wallTimeMs / 1000, step, summary: { value: [value] } });
  }

  #write(event: tensorboard.IEvent): void {
    this.#stream.write(frameRecord(tensorboard.Event.encode(event).finish()));
  }

  #raiseFault(): void {
    if (this.#fault !== undefined) throw writeFault(this.path, this.#fault);
  }
}

/**
 * One record of a TFRecord file: length (uint64, little-endian), its masked CRC-32C, the data, the data's masked CRC-32C.
 *
 * Source: TensorFlow's documentation "TFRecord and tf.train.Example", section "TFRecords format details".
 */
export function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.byteLength + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.byteLength), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.byteLength, maskedCrc(data), true);
  return record;
}

/** CRC-32C rotated right by 15 bits plus a constant, so that a CRC stored in data that is itself summed does no harm. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
