import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { containerFault } from "./container.ts";

/** Whether a name is that of a file in the same folder, on every system. */
export function isPlainName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name with any of them is no name of a file.
  return name.length <= 255 && /^[^/\\:\u0000-\u001f]+$/.test(name) && name !== "." && name !== "..";
}

/** @throws MsmaeError "Checkpoint" naming all those of the files that are not beside the one that names them. */
export async function requireBeside(path: string, names: readonly string[]): Promise<void> {
  const absent: string[] = [];
  for (const name of names) {
    if (!(await stat(join(dirname(path), name)).catch(() => undefined))) absent.push(name);
  }
  if (absent.length === 0) return;
  throw containerFault(path, `${names.length} files beside it`, `no ${absent.join(", ")}`, "download those too");
}
