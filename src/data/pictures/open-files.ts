import { statSync } from "node:fs";
import type { ImageFile } from "../../formats/source-image.ts";
import type { MsmaeError } from "../../support/errors.ts";

/** The files of several pictures that a thread opened last, so that they are not unpacked anew for each picture. */
export class OpenFiles {
  /** From the one used longest ago to the last. */
  readonly #held = new Map<string, ImageFile>();
  /** Files being opened, so that several pictures asked for at once share one opening. */
  readonly #opening = new Map<string, Promise<ImageFile>>();
  /** The file that last failed to open, so that it is not tried anew for each of its pictures. */
  #failed: { key: string; error: MsmaeError } | undefined;

  /**
   * The open file of a path, as long as it is unchanged.
   *
   * @param how all else that decides how it is opened, as JSON.
   * @param most files to hold.
   */
  async get(path: string, how: unknown, open: () => Promise<ImageFile>, most = 1): Promise<ImageFile> {
    const { mtimeMs, size } = statSync(path);
    const key = JSON.stringify([path, mtimeMs, size, how]);
    if (this.#failed?.key === key) throw this.#failed.error;
    const held = this.#held.get(key);
    if (held) {
      this.#hold(key, held, most);
      return held;
    }
    const shared = this.#opening.get(key);
    if (shared) return shared;
    const promise = open()
      .catch((error: MsmaeError) => {
        // A limit of the machine says nothing of the file: it may open well in a moment.
        if (error.code !== "Device") this.#failed = { key, error };
        throw error;
      })
      .finally(() => this.#opening.delete(key));
    this.#opening.set(key, promise);
    const file = await promise;
    const single = (["axial", "coronal", "sagittal"] as const).every((axis) => file.count(axis) === 1);
    if (!single) this.#hold(key, file, most);
    return file;
  }

  /** Whether an error is that of the file that last failed to open, and not of one of its pictures. */
  failedWith(error: unknown): boolean {
    return error !== undefined && error === this.#failed?.error;
  }

  #hold(key: string, file: ImageFile, most: number): void {
    this.#held.delete(key);
    this.#held.set(key, file);
    for (const [oldest] of this.#held) {
      if (this.#held.size <= most) return;
      this.#held.delete(oldest);
    }
  }
}
