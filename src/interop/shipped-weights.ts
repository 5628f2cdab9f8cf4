import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MsmaeError } from "../support/errors.ts";
import { packageVersion } from "../support/version.ts";

/** How a name of weights that ship begins, in the place of a path. */
const SCHEME = "msmae:";

/** The package that holds them: installed beside this one, or in its checkout. */
const sources = ["@msmae/weights", "../../weights"];

/**
 * The file behind `msmae:NAME`; any other path as it is. Nothing is fetched. A file whose own name begins so is given as
 * `./msmae:…`.
 *
 * @throws MsmaeError Checkpoint where the package is not installed, or has no weights of the name.
 */
export async function weightsPath(
  path: string,
  folder: () => string | undefined = () => packageFolder(sources, createRequire(import.meta.url).resolve),
): Promise<string> {
  if (!path.startsWith(SCHEME)) return path;
  const found = folder();
  if (found === undefined) {
    throw new MsmaeError("Checkpoint", {
      where: path,
      expected: "the package @msmae/weights beside msmae",
      got: "none",
      todo: `install msmae-weights-${packageVersion}.tgz where msmae is installed (docs/installing.md)`,
    });
  }
  const names = (await readdir(found)).flatMap((file) => /^(.+)\.safetensors$/.exec(file)?.[1] ?? []).toSorted();
  const name = path.slice(SCHEME.length);
  if (names.includes(name)) return join(found, `${name}.safetensors`);
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: `one of ${names.map((known) => SCHEME + known).join(", ")}`,
    got: name === "" ? "no name" : name,
    todo: "choose one of these (the README of @msmae/weights says what they are)",
  });
}

/** The folder of the first package that is there; undefined where none is. */
export function packageFolder(names: readonly string[], resolve: (name: string) => string): string | undefined {
  for (const name of names) {
    try {
      return dirname(resolve(`${name}/package.json`));
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}
