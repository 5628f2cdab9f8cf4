import { existsSync } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { writeFault, writeFileAtomic } from "../../atomic-file.ts";

/** One line of `log.txt`: `epoch`, then `train_*` and `test_*` figures as MAE names them. */
export type EpochRecord = { epoch: number } & Record<string, number | string | boolean | null>;

/** Options of {@link JsonLinesLog.open}. */
export interface JsonLinesLogOptions {
  /**
   * The first epoch that will be written. Lines of that epoch and later, left by a run that went further than its last
   * checkpoint, are removed. Without it every whole line stays.
   */
  fromEpoch?: number;
}

/**
 * A log of one JSON object per line and epoch. Each line is on the disk before {@link JsonLinesLog.append} resolves. A
 * last line that a crash cut short is removed when the log is opened again.
 */
export class JsonLinesLog {
  readonly path: string;
  /** The last line that was there when the log was opened, if there was one. */
  readonly lastRecord: EpochRecord | undefined;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, lastRecord: EpochRecord | undefined) {
    this.path = path;
    this.#handle = handle;
    this.lastRecord = lastRecord;
  }

  /**
   * Opens the log at `path` for appending, repairing what a crash left.
   *
   * @throws MsmaeError "Data" when the file cannot be written.
   */
  static async open(path: string, { fromEpoch }: JsonLinesLogOptions = {}): Promise<JsonLinesLog> {
    try {
      const before = existsSync(path) ? await readFile(path, "utf8") : "";
      const kept = keptLines(before, fromEpoch);
      if (kept !== before) await writeFileAtomic(path, kept);
      const last = parsed(kept.split("\n").at(-2) ?? "");
      return new JsonLinesLog(path, await open(path, "a"), isRecord(last) ? last : undefined);
    } catch (error) {
      throw writeFault(path, error);
    }
  }

  /**
   * Writes one line. Numbers that JSON cannot hold (NaN, infinities) are written as null.
   *
   * @throws MsmaeError "Data" when the disk is full or the file became unwritable.
   */
  async append(record: EpochRecord): Promise<void> {
    try {
      await this.#handle.appendFile(`${JSON.stringify(record)}\n`);
      await this.#handle.datasync();
    } catch (error) {
      throw writeFault(this.path, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The text without a torn last line and without lines of `fromEpoch` and later; other lines stay as they are. */
function keptLines(text: string, fromEpoch: number | undefined): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const isTorn = (line: string, index: number): boolean => index === lines.length - 1 && parsed(line) === undefined;
  return lines
    .filter((line, index) => !isTorn(line, index) && !(fromEpoch !== undefined && epochOf(line) >= fromEpoch))
    .map((line) => `${line}\n`)
    .join("");
}

function epochOf(line: string): number {
  const value = parsed(line);
  return isRecord(value) ? value.epoch : Number.NaN;
}

function isRecord(value: unknown): value is EpochRecord {
  return typeof value === "object" && value !== null && "epoch" in value && typeof value.epoch === "number";
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
