import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { ResultKind } from "../../support/files/output-folder.ts";
import { checkSignal } from "../archives/archive.ts";
import { MANIFEST_FILE, type Manifest, SUMS_FILE } from "./manifest.ts";

/** A data set that was prepared before, as far as it says itself which files are its own. */
export const preparedSet: ResultKind = {
  name: "a prepared data set",
  async earlier(folder) {
    const sums = await readFile(join(folder, SUMS_FILE), "utf8").catch(() => undefined);
    if (sums === undefined || (await existingManifest(folder)) === undefined) return [];
    return [...linesOf(sums).map(({ path }) => path), SUMS_FILE, MANIFEST_FILE];
  },
};

/** The manifest of a prepared set; undefined where there is none, or not ours. */
export async function existingManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, MANIFEST_FILE), "utf8"));
    if (typeof manifest !== "object" || manifest === null) return undefined;
    return "preset" in manifest && "archives" in manifest ? (manifest as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

/** The refusal to write where something stands. */
export function occupied(folder: string, got: string): MsmaeError {
  const expected = "a new or empty folder, or the same data set prepared before";
  const todo = "choose another --output-dir, or replace it by --overwrite";
  return new MsmaeError("Data", { where: folder, expected, got, todo });
}

/**
 * Compares every file of a prepared set with its checksum.
 *
 * @param onFile - called after each file.
 * @returns paths of files that are missing or changed.
 * @throws MsmaeError Data when the list of checksums cannot be read; Interrupted by the signal.
 */
export async function changedFiles(folder: string, onFile?: () => void, signal?: AbortSignal): Promise<string[]> {
  const list = await readFile(join(folder, SUMS_FILE), "utf8").catch((cause: unknown) => {
    throw occupied(folder, `a prepared set without its ${SUMS_FILE} (${messageOf(cause)})`);
  });
  const changed: string[] = [];
  for (const { sum, path } of linesOf(list)) {
    checkSignal(signal, folder);
    if ((await hashOf(join(folder, path))) !== sum) changed.push(path);
    onFile?.();
  }
  return changed;
}

function linesOf(sums: string): { sum: string; path: string }[] {
  const lines = sums.split("\n").filter((text) => text !== "");
  return lines.map((line) => ({ sum: line.slice(0, 64), path: line.slice(66) }));
}

async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}

/** Sees beforehand that the disk has room. @throws MsmaeError Data when it has not. */
export async function checkDisk(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  const free = disk ? disk.bavail * disk.bsize : Number.POSITIVE_INFINITY;
  if (bytes <= free) return;
  const [expected, got] = [bytes, free].map((value) =>
    value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(1)} GB`,
  ) as [string, string];
  const todo = "free some space or choose another --output-dir";
  throw new MsmaeError("Data", { where: folder, expected: `${expected} of free space`, got, todo });
}
