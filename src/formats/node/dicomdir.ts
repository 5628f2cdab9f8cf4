import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { dataError } from "../dicom/errors.ts";
import { LIMITS } from "../limits.ts";
import { parseFile } from "./dicom.ts";

/**
 * The files that a DICOMDIR lists as images, in its order, as absolute paths. Names are matched in any case, and with
 * or without a version or `.dcm` behind them: media are often copied by systems that change both.
 *
 * @param onMissing told which of the listed files are not there; without it they are an error.
 * @throws MsmaeError Data where the directory cannot be read, or files that it lists are missing.
 */
export async function readDicomDir(path: string, onMissing?: (files: string[]) => void): Promise<string[]> {
  const root = dirname(resolve(path));
  const listed = new Set(await listFiles(path));
  const folders = new Map<string, Promise<Map<string, string>>>();
  const found: string[] = [];
  const missing: string[] = [];
  for (const id of listed) {
    const file = await locate(root, id.split("/"), folders);
    if (file) found.push(file);
    else missing.push(id);
  }
  if (missing.length === 0) return found;
  if (onMissing) {
    onMissing(missing);
    return found;
  }
  const some = missing.slice(0, 5).join(", ");
  const got = `${missing.length} of them missing: ${some}${missing.length > 5 ? ", …" : ""}`;
  throw dataError(path, `${listed.size} files beside the DICOMDIR`, got, "copy the whole medium, or give the folder");
}

async function listFiles(path: string): Promise<string[]> {
  let bytes: Buffer;
  try {
    bytes = await readRegular(path, LIMITS.dicomdirBytes);
  } catch (cause) {
    throw dataError(path, "a readable DICOMDIR", messageOf(cause), "check the path", cause);
  }
  const { dataSet } = parseFile(bytes, path, { decodedBytes: LIMITS.dicomdirBytes });
  if (!dataSet.element("DirectoryRecordSequence")) {
    throw dataError(path, "a DICOMDIR", "a DICOM file without directory records", "give the medium's DICOMDIR file");
  }
  const files: string[] = [];
  for (const record of dataSet.items("DirectoryRecordSequence")) {
    // Only records of images refer to pixels; others lead to reports, structures and the like.
    if (record.string("DirectoryRecordType")?.toUpperCase() !== "IMAGE") continue;
    const parts = record.strings("ReferencedFileID").filter((part) => part !== "");
    if (parts.length > 0) files.push(parts.join("/"));
  }
  return files;
}

// Walks down by names in lower case. Components that would lead out of the medium find nothing, being no entries.
async function locate(
  root: string,
  parts: string[],
  folders: Map<string, Promise<Map<string, string>>>,
): Promise<string | undefined> {
  let at = root;
  for (const part of parts) {
    let entries = folders.get(at);
    if (!entries) {
      entries = listFolder(at);
      folders.set(at, entries);
    }
    const names = await entries;
    const wanted = part.toLowerCase();
    const name = names.get(wanted) ?? names.get(`${wanted}.dcm`) ?? names.get(`${wanted};1`);
    if (name === undefined) return undefined;
    at = join(at, name);
  }
  return (await stat(at).catch(() => undefined))?.isFile() ? at : undefined;
}

async function listFolder(folder: string): Promise<Map<string, string>> {
  try {
    return new Map((await readdir(folder)).map((name) => [name.toLowerCase(), name]));
  } catch {
    // A file where a folder should be: what is looked for in it is missing.
    return new Map();
  }
}
