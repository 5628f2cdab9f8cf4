import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { RandomAccessReader } from "yauzl";

/** A zip file cut into pieces (`.zip.001`, `.zip.002`, …), read as the whole that they make one after another. */
export class PartsReader extends RandomAccessReader {
  readonly #parts: readonly { path: string; start: number; end: number }[];

  /** @param sizes - bytes of each part. */
  constructor(paths: readonly string[], sizes: readonly number[]) {
    super();
    let start = 0;
    this.#parts = paths.map((path, at) => {
      const part = { path, start, end: start + (sizes[at] as number) };
      start = part.end;
      return part;
    });
  }

  // The library's name for what a reader has to bring.
  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#range(start, end), { objectMode: false });
  }

  async *#range(start: number, end: number): AsyncGenerator<Buffer> {
    for (const part of this.#parts) {
      const from = Math.max(start, part.start);
      const to = Math.min(end, part.end);
      if (from < to) yield* createReadStream(part.path, { start: from - part.start, end: to - part.start - 1 });
    }
  }
}
