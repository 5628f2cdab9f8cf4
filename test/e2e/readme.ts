import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

export const readme = readFileSync(join(root, "README.md"), "utf8");

/** A code block of the README with `msmae` commands, and what it says they print (the line after `→`). */
export interface ReadmeBlock {
  commands: string[];
  /** Words and paths of the shown output; numbers differ between machines. */
  words: string[];
}

export const readmeBlocks: ReadmeBlock[] = [...readme.matchAll(/```sh\n([\s\S]*?)```\n*(?:→ (.*))?/g)]
  .map(([, text = "", shown = ""]) => ({
    commands: text.split("\n").filter((line) => line.startsWith("npx msmae ")),
    words: [...shown.matchAll(/`([^`]+)`/g)]
      .flatMap(([, code = ""]) => code.split(/\s+/))
      .filter((w) => !/^[\d.]+$/.test(w)),
  }))
  .filter(({ commands }) => commands.length > 0);

/** Runs a README command in `folder`, with this checkout's command line in the place of `npx msmae`. */
export function runReadmeCommand(
  line: string,
  folder: string,
): { status: number | null; stdout: string; stderr: string } {
  const [, , ...words] = line.trim().split(/\s+/);
  const argv = [join(root, "src", "apps", "cli", "main.ts"), ...words];
  return spawnSync(process.execPath, argv, { cwd: folder, encoding: "utf8" });
}
