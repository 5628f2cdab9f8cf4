import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { messageOf } from "../../support/errors.ts";
import { type Archive, archiveError, checkSignal } from "./archive.ts";
import { contentKind } from "./content-kind.ts";
import { fileEntries, listFolder } from "./folder.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import { tarEntries } from "./tar.ts";
import { zipEntries } from "./zip.ts";

export type { Archive } from "./archive.ts";

const PART = /\.(\d{3})$/;
const PACKED = /\.(zip|zip\.\d{3}|tar|tar\.gz|tgz)$/i;

/**
 * Opens downloads for reading: zip (zip64, and pieces `.zip.001 …` of which one is enough to name), tar, tar.gz, plain
 * folders and single tables. Archives that lie directly in a given folder are opened too, so that a folder of
 * downloads can be given as it is. The same file named twice is opened once.
 *
 * @throws MsmaeError Data when a path cannot be read or is something else; Interrupted by the signal.
 */
export async function openArchives(
  paths: readonly string[],
  limits: ArchiveLimits = ARCHIVE_LIMITS,
  signal?: AbortSignal,
): Promise<Archive[]> {
  const opened = new Map<string, Archive>();
  const add = async (path: string) => {
    const first = path.replace(PART, ".001");
    const key = await realpath(first).catch(() => resolve(first));
    if (!opened.has(key)) opened.set(key, await openFile(first, limits));
  };
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw archiveError(path, "an archive or a folder", messageOf(cause), "check the path", cause);
    });
    if (!entry.isDirectory()) {
      await add(path);
      continue;
    }
    const files = await listFolder(path, signal);
    const packed = files.filter(({ name }) => !name.includes("/") && PACKED.test(name));
    const key = await realpath(path);
    if (!opened.has(key)) {
      const plain = files.filter((file) => !packed.includes(file));
      if (plain.length > 0 || packed.length === 0) {
        opened.set(key, {
          path,
          name: basename(resolve(path)),
          kind: "folder",
          files: plain.map((file) => file.path),
          bytes: plain.reduce((sum, { size }) => sum + size, 0),
          entries: (stop) => fileEntries(plain, stop),
        });
      }
    }
    for (const { name } of packed) await add(join(path, name));
  }
  return [...opened.values()];
}

async function openFile(path: string, limits: ArchiveLimits): Promise<Archive> {
  const name = basename(path);
  const kind = await contentKind(path);
  const files = PART.test(path) && kind === "zip" ? await partsFrom(path) : [path];
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const base = { path, name, files, bytes };
  switch (kind) {
    case "zip":
      return { ...base, kind, entries: (signal) => zipEntries(path, files, sizes, limits, signal) };
    case "tar":
      return { ...base, kind, entries: (signal) => tarEntries(path, path, false, limits, signal) };
    case "gzip":
      return { ...base, kind: "tar.gz", entries: (signal) => tarEntries(path, path, true, limits, signal) };
    case "table":
      return { ...base, kind: "file", entries: (signal) => fileEntries([{ path, name, size: bytes }], signal) };
  }
}

async function partsFrom(first: string): Promise<string[]> {
  const parts = [first];
  for (let number = 2; ; number++) {
    const next = first.replace(PART, `.${String(number).padStart(3, "0")}`);
    if (!(await stat(next).catch(() => undefined))?.isFile()) return parts;
    parts.push(next);
  }
}

/**
 * SHA-256 over the bytes of an archive, its pieces one after another; for a folder over the names and contents of its
 * files.
 *
 * @param onBytes - hears how many more bytes are read.
 * @throws MsmaeError Data when it cannot be read; Interrupted by the signal.
 */
export async function hashArchive(
  archive: Archive,
  onBytes?: (count: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of archive.files) {
    if (archive.kind === "folder") hash.update(`${relative(archive.path, file).split(sep).join("/")}\0`);
    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
        checkSignal(signal, archive.path);
        hash.update(chunk as Buffer);
        onBytes?.((chunk as Buffer).length);
      }
    } catch (cause) {
      checkSignal(signal, archive.path);
      throw archiveError(file, "a readable file", messageOf(cause), "check the file and its permissions", cause);
    }
  }
  return hash.digest("hex");
}
