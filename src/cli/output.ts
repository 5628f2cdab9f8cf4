import { exitCodeOf, formatFailure } from "./failures.ts";

/** The two streams of a command line; tests put buffers in their place. */
export interface Streams {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

/** Results on stdout: JSON when asked for, text for people otherwise. */
export class Output {
  readonly json: boolean;
  readonly #stdout: NodeJS.WritableStream;

  constructor(stdout: NodeJS.WritableStream, json: boolean) {
    this.#stdout = stdout;
    this.json = json;
  }

  /** Writes one result: a JSON document on one line, or `human`. Resolves once the stream has taken it. */
  write(value: object, human: string): Promise<void> {
    return writeAll(this.#stdout, `${this.json ? JSON.stringify(value) : human}\n`);
  }
}

export function writeAll(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Resolves once all that was written to the streams has left this process. */
export async function flush(...streams: NodeJS.WritableStream[]): Promise<void> {
  await Promise.all(streams.map((stream) => writeAll(stream, "")));
}

/**
 * A reader such as `head` that closes the pipe early has what it wanted: the end is quiet. Any other fault of the
 * stream, such as a full disk, is told on stderr.
 */
export function endOnStreamFault(stream: NodeJS.WritableStream, stderr: NodeJS.WritableStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    if (stream !== stderr) stderr.write(formatFailure(error, false));
    process.exit(exitCodeOf(error));
  });
}

/** A flat record as aligned `name  value` lines; numbers to four significant places. */
export function formatRecord(record: object): string {
  const rows = Object.entries(record).flatMap(([name, value]) => flatten(name, value));
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function flatten(name: string, value: unknown): [string, string][] {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
  if (Array.isArray(value) && value.some((item) => typeof item === "object" || String(item).length > 40)) {
    return value.flatMap((item, at) => flatten(`${name}.${at}`, item));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => flatten(`${name}.${key}`, inner));
  }
  return [[name, formatValue(value)]];
}

function formatValue(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return value.map(formatValue).join(", ");
  return value === null ? "not defined" : String(value);
}

export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** `45s`, `3m20s` or `2h05m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${pad(Math.floor((whole % 3600) / 60))}m`;
}
