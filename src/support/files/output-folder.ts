import { access, constants, mkdir, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { MsmaeError, messageOf } from "../errors.ts";
import type { RunHooks } from "../events.ts";
import { syncFolder, writeFault, writeFileAtomic } from "./atomic-file.ts";
import { FolderLock, LOCK, removeAbandonedRequests } from "./folder-lock.ts";

/** Where a new result grows until it takes its place. */
const STAGED = ".unfinished";
/** Where the earlier result waits for its removal. */
const REPLACED = ".replaced";
/** In the staged folder, names the files that it replaces: from now on the new result is the folder's. */
const COMPLETE = ".complete";
/** The same once those files are out of the way. */
const MOVING = ".moving";
const OWN_ENTRIES: ReadonlySet<string> = new Set([LOCK, STAGED, REPLACED]);

/** What a verb leaves in a folder. */
export interface ResultKind {
  /** In messages: "a training run". */
  name: string;
  /** Files of an earlier result of this kind; paths below the folder with "/" between. */
  earlier(folder: string): Promise<string[]>;
  /** Nothing else may stand in the folder: it would become part of the result. */
  alone?: boolean;
  /** What else can be done with an earlier result, such as going on with it. */
  instead?(folder: string): string;
}

export interface ClaimOptions extends Pick<RunHooks, "onEvent"> {
  verb: string;
  kind: ResultKind;
  /** Take the place of an earlier result. */
  overwrite?: boolean | undefined;
  /** Go on with what is there, in its place. */
  continues?: boolean | undefined;
  /** See {@link FolderLock.acquire}. */
  patienceMs?: number | undefined;
}

/**
 * A folder of the user's that this process alone writes to until it is disposed of.
 *
 * A new result grows out of sight, in a folder within, and takes its place when {@link OutputFolder.publish} is called:
 * until then an earlier result stays as it is. A crash at any instant leaves one of the two whole; what is half done of
 * the change of place is finished by the next claim.
 */
export class OutputFolder implements AsyncDisposable {
  /** As the user named it. */
  readonly path: string;
  readonly #options: ClaimOptions;
  readonly #lock: FolderLock;
  /** The first folder that had to be made for it. */
  readonly #made: string | undefined;
  #staged: boolean;

  private constructor(path: string, options: ClaimOptions, lock: FolderLock, made: string | undefined) {
    this.path = path;
    this.#options = options;
    this.#lock = lock;
    this.#made = made;
    this.#staged = !options.continues;
  }

  /**
   * Takes a folder, which is made where missing. `continues` and `overwrite` aside it must hold no result of the kind.
   *
   * @throws MsmaeError Data when it does, when another process has it, or when it cannot be written.
   */
  static async claim(path: string, options: ClaimOptions): Promise<OutputFolder> {
    const made = await makeFolder(path);
    let claimed: OutputFolder | undefined;
    try {
      const { verb, patienceMs } = options;
      const onWait = (message: string) => options.onEvent?.({ type: "note", message });
      const lock = await FolderLock.acquire(path, { verb, patienceMs, onWait });
      claimed = new OutputFolder(path, options, lock, made);
      await removeAbandonedRequests(path);
      await settle(path);
      if (!options.continues) {
        await refuse(path, options);
        await mkdir(join(path, STAGED));
      }
      return claimed;
    } catch (error) {
      if (claimed) await claimed[Symbol.asyncDispose]();
      else await removeMade(path, made);
      throw writeFault(path, error);
    }
  }

  /** The folder to write to at the moment. */
  get current(): string {
    return this.#staged ? join(this.path, STAGED) : this.path;
  }

  /** Where to write a file at the moment. */
  at(name: string): string {
    return join(this.current, name);
  }

  /** Makes sure that the folder is still this process's. @throws MsmaeError Data when it is not. */
  check(): Promise<void> {
    return this.#lock.check();
  }

  /**
   * Gives what was written so far its place, once: the earlier result goes, and from now on files are written there.
   *
   * @throws MsmaeError Data when the disk fails, or the folder is no longer this process's.
   */
  async publish(): Promise<void> {
    if (!this.#staged) return;
    await this.check();
    try {
      const replaces = await this.#options.kind.earlier(this.path);
      await writeFileAtomic(this.at(COMPLETE), JSON.stringify(replaces));
      // What fails from here on is left for the next claim to finish: nothing of either result may be removed.
      this.#staged = false;
      await settle(this.path);
    } catch (error) {
      throw writeFault(this.path, error);
    }
  }

  /** Lets the folder go. What was not published is removed, and so is a folder that was made for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#staged) await rm(this.current, { recursive: true, force: true }).catch(() => undefined);
    await this.#lock[Symbol.asyncDispose]();
    await removeMade(this.path, this.#made);
  }
}

/** A kind of which every file is known by its path. */
export function namedFiles(pattern: RegExp, { deep = false } = {}): ResultKind["earlier"] {
  return async (folder) => (await filesBelow(folder, deep)).filter((path) => pattern.test(path));
}

/** Paths of the files of a folder, with "/" between; those of the folders in it only where asked to. */
export async function filesBelow(folder: string, deep: boolean): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    if (OWN_ENTRIES.has(entry.name) || entry.name.startsWith(`${LOCK}-`)) continue;
    if (!entry.isDirectory()) found.push(entry.name);
    else if (deep) {
      const inside = join(folder, entry.name);
      const below = await readdir(inside, { recursive: true, withFileTypes: true });
      for (const file of below) {
        if (file.isDirectory()) continue;
        found.push(relative(folder, join(file.parentPath, file.name)).split(sep).join("/"));
      }
    }
  }
  return found;
}

async function refuse(folder: string, { kind, overwrite }: ClaimOptions): Promise<void> {
  if (kind.alone) await refuseForeign(folder, kind);
  const earlier = await kind.earlier(folder);
  if (earlier.length === 0 || overwrite) return;
  const instead = kind.instead?.(folder);
  throw new MsmaeError("Data", {
    where: folder,
    expected: "a folder without a result",
    got: `${kind.name} (${listed(earlier)})`,
    todo: `${instead ? `${instead}, ` : ""}choose another --output-dir, or replace it by --overwrite`,
  });
}

/** Makes sure that a folder holds nothing but a result of a kind. @throws MsmaeError Data when it does. */
export async function refuseForeign(folder: string, kind: Pick<ResultKind, "name" | "earlier">): Promise<void> {
  const known = new Set(await kind.earlier(folder));
  const others = (await filesBelow(folder, true)).filter((path) => !known.has(path));
  if (others.length === 0) return;
  throw new MsmaeError("Data", {
    where: folder,
    expected: `a new or empty folder, or ${kind.name} and nothing else`,
    got: `other files (${listed(others)})`,
    todo: "choose another --output-dir, or move these files away",
  });
}

function listed(files: readonly string[]): string {
  return files.length > 3 ? `${files.slice(0, 3).join(", ")} and ${files.length - 3} more` : files.join(", ");
}

/** Finishes a change of place that was begun, and removes what was never to take place. */
async function settle(folder: string): Promise<void> {
  const staged = join(folder, STAGED);
  const replaces = await readFile(join(staged, COMPLETE), "utf8").catch(noneOf);
  if (replaces !== undefined) {
    for (const path of JSON.parse(replaces) as string[]) await setAside(folder, path);
    await rename(join(staged, COMPLETE), join(staged, MOVING));
    await syncFolder(folder);
  }
  if (await stat(join(staged, MOVING)).catch(noneOf)) {
    await moveInto(staged, folder);
    await syncFolder(folder);
  }
  await rm(staged, { recursive: true, force: true });
  await rm(join(folder, REPLACED), { recursive: true, force: true });
}

async function setAside(folder: string, path: string): Promise<void> {
  const target = join(folder, REPLACED, path);
  await mkdir(dirname(target), { recursive: true });
  await rename(join(folder, path), target).catch(noneOf);
  // Folders that it alone kept go with it.
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    if (!(await removeEmpty(join(folder, parent)))) return;
  }
}

/** Moves every entry, whole where its name is free, else what is in it. */
async function moveInto(from: string, to: string): Promise<void> {
  for (const entry of await entriesOf(from)) {
    if (entry.name === MOVING) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    const standing = entry.isDirectory() ? await stat(target).catch(noneOf) : undefined;
    if (standing?.isDirectory()) await moveInto(source, target);
    else await rename(source, target);
  }
}

async function entriesOf(folder: string) {
  return (await readdir(folder, { withFileTypes: true }).catch(noneOf)) ?? [];
}

function noneOf(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}

/** @returns the first folder that had to be made. */
async function makeFolder(path: string): Promise<string | undefined> {
  try {
    const made = await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
    return made;
  } catch (cause) {
    const [expected, got] = ["a folder that can be written", messageOf(cause)];
    throw new MsmaeError("Data", { where: path, expected, got, todo: "choose another --output-dir" }, { cause });
  }
}

/** Removes folders that were made for nothing, from `path` up to the first that had to be made. */
async function removeMade(path: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let folder = resolve(path); folder !== top && folder !== dirname(folder); folder = dirname(folder)) {
    if (!(await removeEmpty(folder))) return;
  }
}

async function removeEmpty(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}
