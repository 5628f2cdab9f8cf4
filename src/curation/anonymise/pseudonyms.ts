import { createHmac, randomBytes } from "node:crypto";

/** UIDs under this root are the standard's own: classes, syntaxes, well-known instances. */
const STANDARD_ROOT = "1.2.840.10008.";
const MAX_DAYS = 3650;

/**
 * Replacements that are the same wherever the original is: made from a keyed hash, so that nobody without the key can
 * tell the original by trying. The same key gives the same replacements in another run; without one they are random.
 */
export class Pseudonyms {
  readonly #key: string | Buffer;

  constructor(key: string | undefined) {
    this.#key = key ?? randomBytes(32);
  }

  /** A new UID, derived from a UUID. Source: DICOM PS3.5, B.2. */
  uid(original: string): string {
    if (original === "" || original.startsWith(STANDARD_ROOT)) return original;
    const bytes = this.#hash("uid", original).subarray(0, 16);
    // Version 8, variant 1: a UUID of an own making.
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return `2.25.${BigInt(`0x${bytes.toString("hex")}`)}`;
  }

  /** A short name without meaning, of hexadecimal digits. */
  name(kind: "patient" | "study" | "series" | "image", original: string, digits = 12): string {
    return this.#hash(kind, original).toString("hex").slice(0, digits);
  }

  /** By how many days all dates of a patient go back: from 1 to ten years. */
  daysBack(patient: string): number {
    return 1 + (this.#hash("days", patient).readUInt32BE(0) % MAX_DAYS);
  }

  #hash(kind: string, original: string): Buffer {
    return createHmac("sha256", this.#key).update(`${kind}\0${original}`).digest();
  }
}
