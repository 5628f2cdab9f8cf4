import { printable, printableJson } from "../../support/printable.ts";

/** The two streams of a command line; tests put buffers in their place. */
export interface Streams {
  stdout: NodeJS.WritableStream & { errored?: Error | null };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

/** stdout takes no more: its reader has gone, its disk is full. */
export class StdoutFault extends Error {
  override readonly cause: NodeJS.ErrnoException;

  constructor(cause: NodeJS.ErrnoException) {
    super(`stdout: ${cause.message}`);
    this.cause = cause;
  }

  /** A reader such as `head` that closes the pipe early has what it wanted. */
  get readerLeft(): boolean {
    return this.cause.code === "EPIPE";
  }
}

/** Results on stdout: JSON when asked for, text for people otherwise. */
export class Output {
  readonly json: boolean;
  readonly #stdout: Streams["stdout"];

  constructor(stdout: Streams["stdout"], json: boolean) {
    this.#stdout = stdout;
    this.json = json;
  }

  /**
   * Writes one result: a JSON document on one line, or `lines` for people. Resolves once the stream has taken it.
   * @throws StdoutFault when it does not.
   */
  write(value: object, lines: readonly string[]): Promise<void> {
    const text = this.json ? printableJson(value) : lines.map(printable).join("\n");
    return writeOut(this.#stdout, `${text}\n`);
  }
}

/** Resolves once stdout has taken this text and all before it. @throws StdoutFault when it does not. */
export function writeOut(stdout: Streams["stdout"], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Later writes only hear that the stream is gone: the first fault says why.
    stdout.write(text, (error) => (error ? reject(new StdoutFault(stdout.errored ?? error)) : resolve()));
  });
}

/** Resolves once stderr has taken what was written, or takes nothing any more. */
export function drain(stderr: Streams["stderr"]): Promise<void> {
  return new Promise((resolve) => {
    stderr.write("", () => resolve());
  });
}

/** A flat record as aligned `name  value` lines; numbers to four significant places. */
export function formatRecord(record: object): string[] {
  const rows = Object.entries(record).flatMap(([name, value]) => flatten(name, value));
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
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
