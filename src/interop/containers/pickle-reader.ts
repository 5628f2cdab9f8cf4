import { containerFault } from "./container.ts";
import type { PyValue } from "./pickle-values.ts";

/** Digits of a whole number, and bytes of one, beyond which no honest file goes: larger ones cost more than linear time. */
const MAX_DIGITS = 1000;

/** Reads the arguments of a pickle's opcodes, never beyond the end of its bytes. */
export class PickleReader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;

  constructor(bytes: Uint8Array, at: number, where: string) {
    this.at = at;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#where = where;
  }

  /** The error for what stands where the last opcode does. */
  fault(expected: string, got: string, todo?: string) {
    return containerFault(`${this.#where}: byte ${this.at}`, expected, got, todo);
  }

  bytes(length: number): Uint8Array {
    const left = this.#bytes.length - this.at;
    if (length > left) throw this.fault(`${length} more bytes`, `${left}`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** Beyond 2^53 it is inexact, and beyond any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  /** Big-endian, as Python writes it. */
  float64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }

  /** Little-endian two's complement of any length. */
  long(length: number): number | bigint {
    if (length > MAX_DIGITS) throw this.fault(`a number of at most ${MAX_DIGITS} bytes`, `${length}`);
    const bytes = this.bytes(length);
    let value = 0n;
    for (let at = length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] as number);
    return numberOf(BigInt.asIntN(8 * length, value));
  }

  text(length: number): string {
    try {
      return UTF8.decode(this.bytes(length));
    } catch (error) {
      if (error instanceof TypeError) throw this.fault("text in UTF-8", "other bytes");
      throw error;
    }
  }

  /** A string of Python 2, which may hold text or bytes. */
  byteText(length: number): string {
    const bytes = this.bytes(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      return LATIN1.decode(bytes);
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.fault("a line", "one without an end");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A whole number as text, with or without Python 2's `L`. */
  wholeLine(): number | bigint {
    const text = this.line();
    if (text.length > MAX_DIGITS || !/^-?\d+L?$/.test(text)) throw this.fault("a whole number", text);
    return numberOf(BigInt(text.replace("L", "")));
  }

  floatLine(): number {
    const text = this.line();
    const value = FLOATS.get(text) ?? Number(text.trim() === "" ? Number.NaN : text);
    if (Number.isNaN(value) && text !== "nan") throw this.fault("a number", text);
    return value;
  }

  /** A string of Python 2 in quotes. */
  quotedLine(): PyValue {
    const text = this.line();
    const quoted = /^(["'])([^\\]*)\1$/.exec(text)?.[2];
    if (quoted === undefined) throw this.fault("a string in quotes, without escapes", text);
    return quoted;
  }

  #skip(length: number): number {
    this.bytes(length);
    return this.at - length;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LATIN1 = new TextDecoder("latin1");
const FLOATS = new Map([
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
]);

function numberOf(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
