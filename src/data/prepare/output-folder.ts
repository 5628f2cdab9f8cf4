import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, rm, rmdir, stat, statfs, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { writeFault } from "../../atomic-file.ts";
import { MsmaeError, messageOf } from "../../errors.ts";
import { checkSignal } from "../archives/archive.ts";
import { MANIFEST_FILE, type Manifest, SUMS_FILE } from "./manifest.ts";

/** Names the process that works in a temporary folder, so that what a killed one left can be told. */
const OWNER_FILE = ".preparing.json";

/**
 * What stands at the output folder: its manifest where it is a prepared set, undefined where it is new or empty.
 *
 * @throws MsmaeError Data when it holds anything else.
 */
export async function existingManifest(folder: string): Promise<Manifest | undefined> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw writeFault(folder, error);
  });
  if (names.length === 0) return undefined;
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, MANIFEST_FILE), "utf8"));
    if (typeof manifest === "object" && manifest !== null && "preset" in manifest && "archives" in manifest) {
      return manifest as Manifest;
    }
  } catch {
    // No manifest, or not ours: the folder is someone else's.
  }
  const shown = names.slice(0, 3).join(", ");
  throw occupied(folder, names.length > 3 ? `${names.length} other entries (${shown}, …)` : `other files (${shown})`);
}

/** The refusal to write where something stands. */
export function occupied(folder: string, got: string): MsmaeError {
  const expected = "a new or empty folder, or the same data set prepared before";
  const todo = "choose another --output-dir, or move it away";
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
  for (const line of list.split("\n").filter((text) => text !== "")) {
    checkSignal(signal, folder);
    const [sum, path] = [line.slice(0, 64), line.slice(66)];
    if ((await hashOf(join(folder, path))) !== sum) changed.push(path);
    onFile?.();
  }
  return changed;
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

/**
 * Runs the work in a temporary folder beside the output folder and, when it is done, renames it: the output folder
 * holds the whole data set or nothing. What is left of a failed or stopped run is removed.
 *
 * @param bytes - that will be written about, to see beforehand that the disk has room.
 * @throws MsmaeError Data when the folder cannot be written or the disk has no room, or whatever the work throws.
 */
export async function inNewFolder<T>(folder: string, bytes: number, work: (folder: string) => Promise<T>): Promise<T> {
  // Through a link to an empty folder, the folder it leads to is replaced and not the link.
  const target = await realpath(folder).catch(() => resolve(folder));
  if (target === process.cwd()) {
    const todo = "give a folder inside of it";
    throw new MsmaeError("Data", { where: folder, expected: "another folder than the current one", got: target, todo });
  }
  const temporary = join(dirname(target), `.${basename(target)}.preparing`);
  await faulting(folder, () => mkdir(dirname(target), { recursive: true }));
  await checkDisk(target, bytes);
  await removeLeftover(temporary);
  await faulting(temporary, () => mkdir(temporary));
  try {
    const owner = join(temporary, OWNER_FILE);
    await faulting(owner, () => writeFile(owner, JSON.stringify({ pid: process.pid, host: hostname() })));
    const result = await work(temporary);
    await faulting(folder, async () => {
      await rm(owner);
      await rmdir(target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      await rename(temporary, target);
    });
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

async function checkDisk(target: string, bytes: number): Promise<void> {
  const parent = dirname(target);
  const [own, above, disk] = await Promise.all([
    stat(target).catch(() => undefined),
    faulting(parent, () => stat(parent)),
    statfs(parent).catch(() => undefined),
  ]);
  if (own && own.dev !== above.dev) {
    const todo = `give a folder inside of it, such as ${join(target, "data")}`;
    throw new MsmaeError("Data", { where: target, expected: "a folder", got: "a mounted disk", todo });
  }
  const free = disk ? disk.bavail * disk.bsize : Number.POSITIVE_INFINITY;
  if (bytes <= free) return;
  const [expected, got] = [bytes, free].map((value) =>
    value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(1)} GB`,
  ) as [string, string];
  const todo = "free some space or choose another --output-dir";
  throw new MsmaeError("Data", { where: parent, expected: `${expected} of free space`, got, todo });
}

async function removeLeftover(temporary: string): Promise<void> {
  if (!(await stat(temporary).catch(() => undefined))) return;
  if (!(await isAbandoned(temporary))) {
    const todo = `wait for it, or remove ${temporary} if no process works there any more`;
    const got = "one that another run works in";
    throw new MsmaeError("Data", { where: temporary, expected: "no temporary folder", got, todo });
  }
  await faulting(temporary, () => rm(temporary, { recursive: true }));
}

/** Only what a run of this machine left, whose process is gone, is removed without asking. */
async function isAbandoned(temporary: string): Promise<boolean> {
  try {
    const owner: unknown = JSON.parse(await readFile(join(temporary, OWNER_FILE), "utf8"));
    if (typeof owner !== "object" || owner === null || !("pid" in owner) || !("host" in owner)) return false;
    return owner.host === hostname() && !isRunning(Number(owner.pid));
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function faulting<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw writeFault(path, error);
  }
}
