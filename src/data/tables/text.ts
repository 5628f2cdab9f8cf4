import { MsmaeError } from "../../support/errors.ts";

/** How a table's first bytes name its encoding. */
const MARKS: readonly [mark: readonly number[], encoding: string][] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

/** Files that are often given in place of a table. */
const OTHERS: readonly [magic: readonly number[], name: string][] = [
  [[0x50, 0x4b, 3, 4], "an Excel workbook (.xlsx), or another zip archive"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook (.xls)"],
  [[0x1f, 0x8b], "a gzip file"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF document"],
];

/** Whether tables can be read by an encoding of this name: those of the WHATWG Encoding Standard. */
export function isEncoding(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The text of a table. A byte order mark says what it is, else the named encoding, else it is UTF-8.
 *
 * @throws MsmaeError Data when it is no text of that encoding, naming the first wrong byte, or a file of another kind.
 */
export function tableText(where: string, bytes: Uint8Array, encoding = "utf-8"): string {
  refuseOthers(where, bytes);
  const marked = MARKS.find(([mark]) => startsWith(bytes, mark))?.[1];
  const text = decode(where, bytes, marked ?? encoding);
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    const got = `a character 0 in line ${lineAt(text, nul)}`;
    const todo = "save it as CSV UTF-8; if it is UTF-16 without a byte order mark, say --encoding utf-16le or utf-16be";
    throw fault(where, "text", got, todo);
  }
  if (text.trim() === "") throw fault(where, "a table", "an empty file", "check that it is the right file");
  return text;
}

function refuseOthers(where: string, bytes: Uint8Array): void {
  const expected = "a table as text, with a header and rows";
  const other = OTHERS.find(([magic]) => startsWith(bytes, magic));
  if (other) {
    const todo = other[1].includes("Excel")
      ? "open it in its program, save the sheet as CSV UTF-8 and give that"
      : "unpack it, or save it as CSV UTF-8, and give that";
    throw fault(where, expected, other[1], todo);
  }
  if (/^\s*<(!doctype html|html)/i.test(new TextDecoder().decode(bytes.subarray(0, 256)))) {
    throw fault(where, expected, "a web page", "download the table itself: the site may have asked for a login");
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

function decode(where: string, bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    const { got, before } = faultPlace(bytes, encoding);
    const shown = before === "" ? "" : `, after ${JSON.stringify(before)}`;
    const todo =
      encoding === "utf-8"
        ? "save it as UTF-8, or name its encoding, such as --encoding windows-1252 (Western spreadsheets) or utf-16le"
        : "name its encoding by --encoding, or save it as UTF-8";
    const parts = { where, expected: `text in ${encoding.toUpperCase()}`, got: `${got}${shown}`, todo };
    throw new MsmaeError("Data", parts, { cause });
  }
}

/** Where the first byte stands that is none of the encoding, and what comes before it in its line. */
function faultPlace(bytes: Uint8Array, encoding: string): { got: string; before: string } {
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  let offset = 0;
  let from = 0;
  for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", from)) {
    offset += bytesOf(text.slice(from, at), encoding);
    const line = lineAt(text, at);
    const before = text.slice(Math.max(0, at - 20), at).replace(/^[\s\S]*[\r\n\ufeff]/, "");
    if (Number.isNaN(offset)) return { got: `other bytes in line ${line}`, before };
    // The file may hold the replacement character itself.
    const genuine = encoding === "utf-8" && startsWith(bytes.subarray(offset), [0xef, 0xbf, 0xbd]);
    if (!genuine) {
      const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, "0");
      return { got: `byte 0x${byte} at offset ${offset}, in line ${line}`, before };
    }
    offset += 3;
    from = at + 1;
  }
  return { got: "other bytes", before: "" };
}

/** Bytes that a text takes; NaN for encodings in which that cannot be told. */
function bytesOf(text: string, encoding: string): number {
  if (encoding === "utf-8") return new TextEncoder().encode(text).length;
  return encoding.startsWith("utf-16") ? 2 * text.length : Number.NaN;
}

function lineAt(text: string, end: number): number {
  return (text.slice(0, end).match(/\r\n|\n|\r/g)?.length ?? 0) + 1;
}

function fault(where: string, expected: string, got: string, todo: string): MsmaeError {
  return new MsmaeError("Data", { where, expected, got, todo });
}
