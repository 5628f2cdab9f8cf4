import { mkdir, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { MsmaeError } from "../../support/errors.ts";
import { type Archive, type ArchiveEntry, checkSignal, DamagedEntry, damagedEntry } from "../archives/archive.ts";
import { Lanes } from "./lanes.ts";
import type { OutputImage } from "./layout.ts";
import { type FinishedMask, MaskSets } from "./masks.ts";
import { reasonOf } from "./odd-files.ts";
import { greyPng, pictureSize, readCt } from "./pictures.ts";
import type { OddFile } from "./types.ts";
import { streamEntry, type WrittenFile, writeBytes, writing } from "./write-file.ts";

/** Masks and CT slices are decoded from memory; none has anywhere near this many bytes. */
const LARGEST_PICTURE = 2 ** 28;
/** Up to this size a file is collected and written at once, which is several times faster than a stream. */
const SMALL_FILE = 2 ** 22;

/** What to do with one entry. */
interface Task {
  kind: "copy" | "ct" | "mask";
  image: OutputImage;
}

/** What stands below the folder, and what does not. */
export interface WrittenImages {
  images: OutputImage[];
  /** Sorted by path. */
  files: WrittenFile[];
  /** Images that are left out, by their names in the archives, and masks that were scaled. */
  odd: OddFile[];
}

/**
 * Writes all images and masks below a folder, reading each archive once. Images are copied byte by byte; only masks
 * and CT slices are written anew. An image that cannot be read, or whose masks cannot be or do not fit, is left out.
 *
 * @param onImage - called after each image.
 * @throws MsmaeError Data when an archive cannot be read or a file not be written; under `strict`, where an image would
 * be left out or a mask be scaled; Interrupted by the signal.
 */
export async function writeImages(
  root: string,
  images: readonly OutputImage[],
  archives: readonly Archive[],
  { strict = false, onImage, signal }: { strict?: boolean; onImage?: () => void; signal?: AbortSignal } = {},
): Promise<WrittenImages> {
  const tasks = tasksOf(images, archives.length);
  const folders = new Set(
    images.flatMap(({ path, maskPath }) => [path, maskPath ?? path].map((name) => dirname(name))),
  );
  for (const folder of folders) await writing(join(root, folder), () => mkdir(join(root, folder), { recursive: true }));
  const writer = new ImageWriter(root, strict);
  const lanes = new Lanes();
  try {
    for (const [at, archive] of archives.entries()) {
      const own = tasks[at];
      if (!own || own.size === 0) continue;
      let index = 0;
      for await (const entry of archive.entries(signal)) {
        const todo = own.get(index++);
        if (!todo) continue;
        const where = `${archive.name}: ${entry.name}`;
        const [{ kind, image }] = todo as [Task];
        const copied = todo.length === 1 && kind === "copy" && !image.masks && entry.size > SMALL_FILE;
        // An entry can be read only once, and not beside another; what is done with its bytes can wait.
        const bytes = await writer.attempt(todo, () =>
          copied ? writer.stream(image, entry) : readWhole(where, entry),
        );
        if (bytes) await lanes.add(() => writer.perform(todo, where, entry.name, bytes));
        if (kind !== "mask") onImage?.();
      }
      checkSignal(signal, archive.path);
    }
  } finally {
    // Nothing may be written any more when the caller removes the folder.
    await lanes.settled();
  }
  lanes.check();
  return writer.result(images);
}

function tasksOf(images: readonly OutputImage[], archives: number): Map<number, Task[]>[] {
  const tasks = Array.from({ length: archives }, () => new Map<number, Task[]>());
  const add = ({ archive, index }: { archive: number; index: number }, task: Task) => {
    const own = tasks[archive]?.get(index) ?? [];
    own.push(task);
    tasks[archive]?.set(index, own);
  };
  for (const image of images) {
    add(image.source, { kind: image.ct ? "ct" : "copy", image });
    for (const mask of image.masks ?? []) add(mask, { kind: "mask", image });
  }
  return tasks;
}

/** Writes the files of images, and keeps account of the images that are left out. */
class ImageWriter {
  readonly #root: string;
  readonly #strict: boolean;
  readonly #written = new Map<OutputImage, WrittenFile[]>();
  readonly #leftOut = new Map<OutputImage, string>();
  readonly #scaled: OddFile[] = [];
  readonly #masks = new MaskSets();

  constructor(root: string, strict: boolean) {
    this.#root = root;
    this.#strict = strict;
  }

  /** Does something with an entry. Where that entry is damaged, its images are left out. */
  async attempt<T>(tasks: readonly Task[], work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DamagedEntry) || this.#strict) throw error;
      for (const { image } of tasks) {
        if (!this.#leftOut.has(image)) this.#leftOut.set(image, reasonOf(error, image.source.name));
      }
      return;
    }
  }

  async stream(image: OutputImage, entry: ArchiveEntry): Promise<undefined> {
    this.#keep(image, await streamEntry(this.#root, image.path, entry));
  }

  async perform(tasks: readonly Task[], where: string, name: string, bytes: Uint8Array): Promise<void> {
    for (const task of tasks) {
      if (this.#leftOut.has(task.image)) continue;
      await this.attempt([task], () => this.#perform(task, where, name, bytes));
    }
  }

  /** Removes what was written of images that are left out. */
  async result(images: readonly OutputImage[]): Promise<WrittenImages> {
    const left = images.filter((image) => this.#leftOut.has(image));
    for (const { path } of left.flatMap((image) => this.#written.get(image) ?? [])) {
      await writing(join(this.#root, path), () => unlink(join(this.#root, path)));
    }
    // Only folders in which nothing is left can be removed.
    for (const folder of new Set(left.map(({ path }) => dirname(join(this.#root, path))))) {
      await rmdir(folder).catch(() => undefined);
    }
    const kept = images.filter((image) => !this.#leftOut.has(image));
    const odd = left.map((image): OddFile => {
      return { name: image.source.name, reason: this.#leftOut.get(image) as string, action: "left out" };
    });
    return {
      images: kept,
      files: kept.flatMap((image) => this.#written.get(image) ?? []).sort((a, b) => (a.path < b.path ? -1 : 1)),
      odd: [...odd, ...this.#scaled].sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }

  async #perform({ kind, image }: Task, where: string, name: string, bytes: Uint8Array): Promise<void> {
    if (kind === "mask") {
      await this.#writeMask(image, await this.#masks.addMask(image, name, where, bytes));
      return;
    }
    const size = image.masks ? await pictureSize(where, bytes) : undefined;
    const { ct } = image;
    const content = ct ? await greyPng(await readCt(where, bytes, ct.windows, ct.rule)) : bytes;
    this.#keep(image, await writeBytes(this.#root, image.path, content));
    if (size) await this.#writeMask(image, await this.#masks.addSize(image, size));
  }

  async #writeMask(image: OutputImage, mask: FinishedMask | undefined): Promise<void> {
    if (mask === undefined) return;
    if ("fault" in mask) throw this.#badMask(image, mask.fault);
    const [odd] = mask.scaled;
    if (odd && this.#strict) throw this.#badMask(image, `${odd.name}, ${odd.reason}`);
    this.#scaled.push(...mask.scaled);
    this.#keep(image, await writeBytes(this.#root, image.maskPath as string, mask.png));
  }

  #badMask({ source }: OutputImage, got: string): MsmaeError {
    const todo = "get the archive again from its source, or prepare it without --strict";
    return damagedEntry(source.name, "masks of its size", got, todo);
  }

  #keep(image: OutputImage, file: WrittenFile): void {
    this.#written.set(image, [...(this.#written.get(image) ?? []), file]);
  }
}

async function readWhole(where: string, entry: ArchiveEntry): Promise<Buffer> {
  if (entry.size > LARGEST_PICTURE) {
    throw damagedEntry(where, `at most ${LARGEST_PICTURE} bytes`, `${entry.size}`, "remove the file");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
