import { mkdir, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { MsmaeError } from "../errors.ts";
import { writeFault, writeFileAtomic } from "./atomic-file.ts";

export interface OutputFileOptions {
  /** How the user named it, such as `--png`. */
  option: string;
  /** Replace a file that stands there. */
  overwrite?: boolean | undefined;
  /** Files that are read, which are replaced under no option. */
  inputs?: readonly string[];
}

/** A file of the user's that is to be written, and takes its place whole. */
export class OutputFile {
  readonly path: string;
  readonly #overwrite: boolean;

  private constructor(path: string, overwrite: boolean) {
    this.path = path;
    this.#overwrite = overwrite;
  }

  /**
   * Looks before any work is done whether the file may be written.
   *
   * @throws MsmaeError Data when a file stands there that is not to be replaced, or one of the inputs or a folder does.
   */
  static async claim(path: string, { option, overwrite = false, inputs = [] }: OutputFileOptions): Promise<OutputFile> {
    const refuse = (got: string, todo: string): never => {
      throw new MsmaeError("Data", { where: path, expected: `a new file (${option})`, got, todo });
    };
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) refuse("a folder of that name", "choose another name");
    if (found) {
      const real = await realpath(path);
      for (const input of inputs) {
        const same = (await realpath(input).catch(() => resolve(input))) === real;
        if (same) refuse("the file that is read", "choose another name");
      }
      if (!overwrite) refuse("one that stands there", "choose another name, or give --overwrite to replace it");
    }
    return new OutputFile(path, overwrite);
  }

  /** @throws MsmaeError Data when it cannot be written, or another process was quicker. */
  async write(content: string | Uint8Array | readonly Uint8Array[]): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true }).catch((error: unknown) => {
      throw writeFault(this.path, error);
    });
    await writeFileAtomic(this.path, content, { replace: this.#overwrite });
  }
}
