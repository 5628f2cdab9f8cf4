import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeFault } from "../../atomic-file.ts";
import { MsmaeError } from "../../errors.ts";
import { type Archive, type ArchiveEntry, checkSignal } from "../archives/archive.ts";
import type { OutputImage } from "./layout.ts";
import { type GreyPicture, greyPng, readCt, readMask, uniteMasks } from "./pictures.ts";

/** Masks and CT slices are decoded from memory; none has anywhere near this many bytes. */
const LARGEST_PICTURE = 2 ** 28;
/** Up to this size a file is collected and written at once, which is several times faster than a stream. */
const SMALL_FILE = 2 ** 22;
/** How many files are decoded and written side by side. */
const LANES = 8;

/** A file of the data set. */
export interface WrittenFile {
  /** Relative to the data set's folder, with "/" between. */
  path: string;
  bytes: number;
  sha256: string;
}

/** What to do with one entry. */
type Task = { kind: "copy"; path: string } | { kind: "ct"; image: OutputImage } | { kind: "mask"; image: OutputImage };

/**
 * Writes all images and masks below a folder, reading each archive once. Images are copied byte by byte; only masks
 * and CT slices are written anew.
 *
 * @param onImage - called after each written image.
 * @returns the files, sorted by path.
 * @throws MsmaeError Data when an archive cannot be read, a mask or slice not decoded or a file not written;
 * Interrupted by the signal.
 */
export async function writeImages(
  root: string,
  images: readonly OutputImage[],
  archives: readonly Archive[],
  onImage?: () => void,
  signal?: AbortSignal,
): Promise<WrittenFile[]> {
  const tasks = tasksOf(images, archives.length);
  const folders = new Set(
    images.flatMap(({ path, maskPath }) => [path, maskPath ?? path].map((name) => dirname(name))),
  );
  for (const folder of folders) await writing(join(root, folder), () => mkdir(join(root, folder), { recursive: true }));
  const written: WrittenFile[] = [];
  const masks = new MaskUnion();
  const perform = async (where: string, todo: readonly Task[], bytes: Uint8Array) => {
    for (const task of todo) {
      if (task.kind === "copy") written.push(await writeBytes(root, task.path, bytes));
      else if (task.kind === "ct") {
        written.push(await writeBytes(root, task.image.path, await ctPng(where, task.image, bytes)));
      } else {
        const mask = masks.add(where, task.image, await readMask(where, bytes));
        if (mask) written.push(await writeBytes(root, task.image.maskPath as string, await greyPng(mask)));
      }
      if (task.kind !== "mask") onImage?.();
    }
  };
  const lanes = new Lanes();
  try {
    for (const [at, archive] of archives.entries()) {
      const own = tasks[at];
      if (!own || own.size === 0) continue;
      let index = 0;
      for await (const entry of archive.entries(signal)) {
        const todo = own.get(index++);
        if (!todo) continue;
        const [first] = todo;
        if (todo.length === 1 && first?.kind === "copy" && entry.size > SMALL_FILE) {
          written.push(await streamEntry(root, first.path, entry));
          onImage?.();
          continue;
        }
        // An entry can be read only once, and not beside another; what is done with its bytes can wait.
        const where = `${archive.name}: ${entry.name}`;
        const bytes = await readWhole(where, entry);
        await lanes.add(() => perform(where, todo, bytes));
      }
      checkSignal(signal, archive.path);
    }
  } finally {
    // Nothing may be written any more when the caller removes the folder.
    await lanes.settled();
  }
  lanes.check();
  return written.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Runs a few jobs side by side. */
class Lanes {
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  /** Waits for a free lane, then starts the job. @throws whatever an earlier job threw. */
  async add(job: () => Promise<void>): Promise<void> {
    if (this.#running.size >= LANES) await Promise.race(this.#running);
    this.check();
    const running = job()
      .catch((error: unknown) => {
        this.#failures.push(error);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  check(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

function tasksOf(images: readonly OutputImage[], archives: number): Map<number, Task[]>[] {
  const tasks = Array.from({ length: archives }, () => new Map<number, Task[]>());
  const add = ({ archive, index }: { archive: number; index: number }, task: Task) => {
    const own = tasks[archive]?.get(index) ?? [];
    own.push(task);
    tasks[archive]?.set(index, own);
  };
  for (const image of images) {
    add(image.source, image.ct ? { kind: "ct", image } : { kind: "copy", path: image.path });
    for (const mask of image.masks ?? []) add(mask, { kind: "mask", image });
  }
  return tasks;
}

/** Collects the masks of an image until all are there. */
class MaskUnion {
  readonly #pending = new Map<OutputImage, { mask: GreyPicture; missing: number }>();

  add(where: string, image: OutputImage, mask: GreyPicture): GreyPicture | undefined {
    const pending = this.#pending.get(image) ?? { mask, missing: image.masks?.length ?? 0 };
    if (pending.mask !== mask) uniteMasks(where, pending.mask, mask);
    pending.missing--;
    this.#pending.set(image, pending);
    if (pending.missing > 0) return undefined;
    this.#pending.delete(image);
    return pending.mask;
  }
}

async function ctPng(where: string, { ct }: OutputImage, bytes: Uint8Array): Promise<Buffer> {
  if (!ct) throw new TypeError("a CT task without its window");
  return greyPng(await readCt(where, bytes, ct.windows, ct.rule));
}

async function streamEntry(root: string, path: string, entry: ArchiveEntry): Promise<WrittenFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  async function* counted() {
    for await (const chunk of entry.open()) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  await writing(join(root, path), () => pipeline(counted, createWriteStream(join(root, path), { flags: "wx" })));
  return { path, bytes, sha256: hash.digest("hex") };
}

async function readWhole(where: string, entry: ArchiveEntry): Promise<Buffer> {
  if (entry.size > LARGEST_PICTURE) {
    const parts = {
      where,
      expected: `at most ${LARGEST_PICTURE} bytes`,
      got: `${entry.size}`,
      todo: "remove the file",
    };
    throw new MsmaeError("Data", parts);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function writeBytes(root: string, path: string, bytes: Uint8Array): Promise<WrittenFile> {
  await writing(join(root, path), () => writeFile(join(root, path), bytes, { flag: "wx" }));
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeFault(path, error);
  }
}
