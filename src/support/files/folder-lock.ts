import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MsmaeError } from "../errors.ts";
import { writeFault } from "./atomic-file.ts";
import { ownMark, type ProcessMark, stateOf } from "./process-mark.ts";

/** The lock's folder; in it stands one file, whose name says which process holds it. */
export const LOCK = ".lock";

/** How often a holder shows that it lives, in ms. */
const BEAT_MS = 5_000;
const RETRY_MS = 20;
const MOST_ATTEMPTS = 100;

export interface LockOptions {
  /** Who asks, for the message to others. */
  verb: string;
  /** How long a holder that cannot be asked must give no sign of life to be taken for gone, in ms. */
  patienceMs?: number | undefined;
  /** Told once where it comes to waiting. */
  onWait?: ((message: string) => void) | undefined;
}

/** Another process, or another call in this one, has the folder. */
class FolderInUse extends MsmaeError {}

/**
 * The right to write into a folder, held by one process at a time.
 *
 * Whoever moves a prepared folder with its own file to `.lock` holds it: moving onto a folder that is not empty fails.
 * A lock whose process is gone is taken over by renaming its file, which no two processes can do, since its name never
 * comes again. See docs/decisions/0012-run-folders.md.
 */
export class FolderLock implements AsyncDisposable {
  readonly #folder: string;
  readonly #file: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = file;
    this.#beat = setInterval(() => {
      const now = new Date();
      // A lock that is lost is seen by check.
      utimes(file, now, now).catch(() => undefined);
    }, BEAT_MS);
    this.#beat.unref();
  }

  /** @throws MsmaeError Data when another process, or another call in this one, holds the folder, or it cannot be written. */
  static async acquire(folder: string, options: LockOptions): Promise<FolderLock> {
    const { verb, patienceMs = 6 * BEAT_MS, onWait } = options;
    const name = nameOf(ownMark(), randomUUID().slice(0, 8));
    const about = `${JSON.stringify({ verb, pid: process.pid, host: hostname(), since: new Date().toISOString() })}\n`;
    const file = join(folder, LOCK, name);
    const prepared = join(folder, `${LOCK}-${name}`);
    try {
      await mkdir(prepared);
      await writeFile(join(prepared, name), about);
      for (let attempt = 0; ; attempt++) {
        if (await moved(prepared, join(folder, LOCK))) break;
        const holder = await holderOf(folder);
        if (holder === undefined) {
          // Released in between, unless it happens time after time.
          if (attempt === MOST_ATTEMPTS) throw unmovable(folder);
          await sleep(RETRY_MS);
          continue;
        }
        await untilGone(folder, holder, patienceMs, onWait);
        if (!(await movedFile(join(folder, LOCK, holder), file))) continue;
        await rewrite(file, about);
        break;
      }
      return new FolderLock(folder, file);
    } catch (error) {
      throw writeFault(folder, error);
    } finally {
      await rm(prepared, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** As {@link acquire}; undefined where another process, or another call in this one, holds the folder. */
  static async tryAcquire(folder: string, options: LockOptions): Promise<FolderLock | undefined> {
    try {
      return await FolderLock.acquire(folder, options);
    } catch (error) {
      if (error instanceof FolderInUse) return undefined;
      throw error;
    }
  }

  /**
   * Makes sure that the lock is still held: a process that slept for long may have been taken for gone.
   *
   * @throws MsmaeError Data when the lock or its folder is gone.
   */
  async check(): Promise<void> {
    const held = await stat(this.#file).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
    );
    if (held) return;
    const other = await holderOf(this.#folder).catch(() => undefined);
    throw new MsmaeError("Data", {
      where: this.#folder,
      expected: "the lock that this process holds there",
      got: other === undefined ? "none: the folder or its lock was removed" : await describe(this.#folder, other),
      todo: "leave a folder alone while it is written to; nothing more is written by this process",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat);
    await unlink(this.#file).catch(() => undefined);
    // Not empty where another process has it by now.
    await rmdir(join(this.#folder, LOCK)).catch(() => undefined);
  }
}

/** Removes what processes that died while they asked for the lock have left. Only for the lock's holder. */
export async function removeAbandonedRequests(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const mark = name.startsWith(`${LOCK}-`) ? markOf(name.slice(LOCK.length + 1)) : undefined;
    if (mark && stateOf(mark) === "gone") await rm(join(folder, name), { recursive: true, force: true });
  }
}

function nameOf({ place, pid, started }: ProcessMark, nonce: string): string {
  return `${place}-${pid}-${started}-${nonce}`;
}

function markOf(name: string): ProcessMark | undefined {
  const found = /^([0-9a-f]{16})-(\d+)-(\d+)-[0-9a-f]{8}$/.exec(name);
  return found ? { place: found[1] as string, pid: Number(found[2]), started: found[3] as string } : undefined;
}

/** Moves the prepared folder to the lock's place; false where a lock stands there. */
async function moved(prepared: string, lock: string): Promise<boolean> {
  // Windows moves onto no folder at all, not even one that a release has just emptied.
  if (process.platform === "win32") await rmdir(lock).catch(() => undefined);
  try {
    await rename(prepared, lock);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const stands = await stat(lock).catch(() => undefined);
    if (["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"].includes(code) && stands?.isDirectory()) return false;
    throw error;
  }
}

async function movedFile(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // A network file system that sends a request twice answers the second one so.
    return stat(to).then(
      () => true,
      () => false,
    );
  }
}

async function holderOf(folder: string): Promise<string | undefined> {
  const names = await readdir(join(folder, LOCK)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names[0];
}

/** Resolves when the holder's process is gone. @throws MsmaeError Data when it lives. */
async function untilGone(
  folder: string,
  holder: string,
  patienceMs: number,
  onWait: LockOptions["onWait"],
): Promise<void> {
  const mark = markOf(holder);
  const state = mark === undefined ? "unknown" : stateOf(mark);
  if (state === "gone") return;
  if (state === "running") throw await inUse(folder, holder);
  const seconds = Math.ceil(patienceMs / 1000);
  onWait?.(
    `${folder} is locked by ${await describe(folder, holder)}; waiting up to ${seconds} s for a sign of life from it`,
  );
  const first = await beatOf(folder, holder);
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    await sleep(Math.min(500, patienceMs / 4));
    const beat = await beatOf(folder, holder);
    // Released, or taken over by somebody else: for the caller to see.
    if (beat === undefined) return;
    if (beat !== first) throw await inUse(folder, holder);
  }
}

/** When a holder last showed that it lives. Opened anew each time: network file systems then ask the server. */
async function beatOf(folder: string, holder: string): Promise<number | undefined> {
  try {
    await using handle = await open(join(folder, LOCK, holder), "r");
    return (await handle.stat()).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function rewrite(file: string, content: string): Promise<void> {
  await using handle = await open(file, "r+");
  await handle.truncate();
  await handle.writeFile(content);
}

async function describe(folder: string, holder: string): Promise<string> {
  try {
    const { verb, pid, host, since } = JSON.parse(await readFile(join(folder, LOCK, holder), "utf8"));
    return `msmae ${verb}, process ${pid} on ${host}, since ${since}`;
  } catch {
    return `process ${markOf(holder)?.pid ?? "unknown"}`;
  }
}

function unmovable(folder: string): MsmaeError {
  return new MsmaeError("Data", {
    where: join(folder, LOCK),
    expected: "a lock that can be taken",
    got: "an empty folder that cannot be replaced",
    todo: "remove it if no process writes to the folder, or choose another --output-dir",
  });
}

async function inUse(folder: string, holder: string): Promise<FolderInUse> {
  return new FolderInUse("Data", {
    where: folder,
    expected: "a folder that nobody is writing to",
    got: `one in use by ${await describe(folder, holder)}`,
    todo: "wait for it, end it, or choose another --output-dir",
  });
}
