import { extname } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { readStart } from "../../support/files/regular-file.ts";
import { archiveError } from "./archive.ts";

// Some repositories hand out tables without any extension.
const TABLES = new Set([".csv", ".tsv", ".tab", ".txt", ""]);

/** Formats that are told apart, to say what they are instead of what they are not. */
const OTHERS: readonly [magic: number[], name: string, todo: string][] = [
  [[0x52, 0x61, 0x72, 0x21], "a RAR archive", "unpack it and give the folder"],
  [[0x37, 0x7a, 0xbc, 0xaf], "a 7-Zip archive", "unpack it and give the folder"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz archive", "unpack it and give the folder"],
  [[0x42, 0x5a, 0x68], "a bzip2 archive", "unpack it and give the folder"],
  [[0x28, 0xb5, 0x2f, 0xfd], "a Zstandard archive", "unpack it and give the folder"],
];

/**
 * What a file is by its first bytes: names alone are often wrong after a download.
 *
 * @throws MsmaeError Data for anything else than zip, tar, gzip and tables, saying what it looks like.
 */
export async function contentKind(path: string): Promise<"zip" | "tar" | "gzip" | "table"> {
  const head = await readHead(path);
  const starts = (magic: readonly number[]) => magic.every((byte, at) => head[at] === byte);
  if (starts([0x50, 0x4b, 3, 4]) || starts([0x50, 0x4b, 5, 6])) return "zip";
  // A spanned or split zip carries this mark before its first entry.
  if (starts([0x50, 0x4b, 7, 8])) return "zip";
  if (starts([0x1f, 0x8b])) return "gzip";
  if (head.subarray(257, 262).toString("latin1") === "ustar") return "tar";
  if (TABLES.has(extname(path).toLowerCase()) && !head.includes(0) && head.length > 0 && !looksLikeWebPage(head)) {
    return "table";
  }
  const expected = "a zip, tar or tar.gz archive, a folder, or a table (.csv, .tsv, .tab, .txt)";
  if (head.length === 0) throw archiveError(path, expected, "an empty file", "download it again");
  if (looksLikeWebPage(head)) {
    const todo = "download it in a browser: the site probably asked for a login or for its terms to be accepted";
    throw archiveError(path, expected, "a web page", todo);
  }
  const other = OTHERS.find(([magic]) => starts(magic));
  if (other) throw archiveError(path, expected, other[1], other[2]);
  throw archiveError(path, expected, "a file of another kind", "give the archive as it was downloaded");
}

function looksLikeWebPage(head: Buffer): boolean {
  return /^\s*<(!doctype html|html)/i.test(head.toString("latin1"));
}

async function readHead(path: string): Promise<Buffer> {
  try {
    return await readStart(path, 512);
  } catch (cause) {
    throw archiveError(path, "a readable file", messageOf(cause), "check the file and its permissions", cause);
  }
}
