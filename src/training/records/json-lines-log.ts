import { existsSync } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeFault, writeFileAtomic } from "../../support/files/atomic-file.ts";

/** One line of `log.txt`: `epoch`, then `train_*` and `test_*` figures as MAE names them. */
export type EpochRecord = { epoch: number } & Record<string, number | string | boolean | null>;

/** Options of {@link JsonLinesLog.open}. */
export interface JsonLinesLogOptions {
  /**
   * What the log has to hold, as {@link JsonLinesLog.records} gave it. Lines of other epochs, left by a run that went
   * further than its last checkpoint, are removed. Where a line is missing or altered, the log is written anew from
   * these records; the file as it was stays beside it under {@link DAMAGED_LOG}. Without it every whole line stays.
   */
  records?: readonly EpochRecord[];
  /** Told of a log that was written anew. */
  onWarning?: (message: string) => void;
}

/** Where a damaged log is kept. */
export const DAMAGED_LOG = "log.damaged.txt";

/** Names of durations, and of shares of one: they differ from run to run. */
const TIMES = /_(seconds|share)$/;

/**
 * A log of one JSON object per line and epoch. Each line is on the disk before {@link JsonLinesLog.append} resolves. A
 * last line that a crash cut short is removed when the log is opened again.
 */
export class JsonLinesLog {
  readonly path: string;
  /** The last line that was there when the log was opened, if there was one. */
  readonly lastRecord: EpochRecord | undefined;
  readonly #handle: FileHandle;
  readonly #records: EpochRecord[];

  private constructor(path: string, handle: FileHandle, lines: readonly string[]) {
    const records = lines.map(parsed).filter(isRecord);
    this.path = path;
    this.#handle = handle;
    this.lastRecord = records.at(-1);
    this.#records = records.map(withoutTimes);
  }

  /**
   * Opens the log at `path` for appending, repairing what a crash or a bad disk left.
   *
   * @throws MsmaeError "Data" when the file cannot be written.
   */
  static async open(path: string, { records, onWarning }: JsonLinesLogOptions = {}): Promise<JsonLinesLog> {
    try {
      const before = existsSync(path) ? await readFile(path) : undefined;
      const found = wholeLines(before?.toString("utf8") ?? "");
      const expected = records && expectedLines(found, records);
      if (expected?.repaired) {
        if (before) await writeFileAtomic(join(dirname(path), DAMAGED_LOG), before);
        onWarning?.(repairNotice(path, before !== undefined));
      }
      const lines = expected?.lines ?? found;
      const kept = lines.map((line) => `${line}\n`).join("");
      if (kept !== (before?.toString("utf8") ?? "")) await writeFileAtomic(path, kept);
      return new JsonLinesLog(path, await open(path, "a"), lines);
    } catch (error) {
      throw writeFault(path, error);
    }
  }

  /** What the lines say of each epoch, without times: the same in each run with the same options. */
  get records(): readonly EpochRecord[] {
    return this.#records;
  }

  /**
   * Writes one line. Numbers that JSON cannot hold (NaN, infinities) are written as null.
   *
   * @throws MsmaeError "Data" when the disk is full or the file became unwritable.
   */
  async append(record: EpochRecord): Promise<void> {
    const line = JSON.stringify(record);
    try {
      await this.#handle.appendFile(`${line}\n`);
      await this.#handle.datasync();
    } catch (error) {
      throw writeFault(this.path, error);
    }
    this.#records.push(withoutTimes(JSON.parse(line) as EpochRecord));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Every line but a torn last one, as they are. */
function wholeLines(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.filter((line, index) => index < lines.length - 1 || parsed(line) !== undefined);
}

/**
 * The lines of these epochs, and what a user has added without an epoch; where one of them is not as it was, all of
 * them from the records.
 */
function expectedLines(
  lines: readonly string[],
  records: readonly EpochRecord[],
): { lines: string[]; repaired: boolean } {
  const values = lines.map(parsed);
  const places = records.map((record) =>
    values.findIndex((value) => isRecord(value) && isDeepStrictEqual(withoutTimes(value), record)),
  );
  if (places.includes(-1)) {
    const rewritten = records.map((record, at) => lines[places[at] as number] ?? JSON.stringify(record));
    return { lines: rewritten, repaired: true };
  }
  const kept = new Set(places);
  return { lines: lines.filter((_, at) => kept.has(at) || !isRecord(values[at])), repaired: false };
}

function repairNotice(path: string, existed: boolean): string {
  const fault = existed ? "is not as it was written" : "is missing";
  const kept = existed ? `; the file as it was is kept as ${DAMAGED_LOG}` : "";
  return `${path} ${fault} and was restored from the checkpoint, the times of the lost lines excepted${kept}`;
}

function withoutTimes(record: EpochRecord): EpochRecord {
  const { epoch, ...values } = record;
  return { epoch, ...Object.fromEntries(Object.entries(values).filter(([name]) => !TIMES.test(name))) };
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
