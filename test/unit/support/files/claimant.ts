// A process of its own that takes a folder: node claimant.ts <folder> <what to do>
//   hold       says "held", holds on until it is killed
//   race       says "held" or "refused", waits for the end of its input, and ends
//   overwrite  replaces the result there, killing itself, uncaught, at the given change of the file system: overwrite:7
import { writeFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const [folder = "", what = ""] = process.argv.slice(2);
const [verb, count] = what.split(":");

/** From now on each change of the file system counts. */
function killAt(count: string): void {
  let left = Number(count);
  for (const name of ["rename", "rm", "rmdir", "mkdir", "open", "unlink"] as const) {
    const original = fs[name] as (...given: unknown[]) => Promise<unknown>;
    Object.assign(fs, {
      [name]: (...given: unknown[]) => {
        if (left-- === 0) process.kill(process.pid, "SIGKILL");
        return original(...given);
      },
    });
  }
  syncBuiltinESMExports();
}

const { namedFiles, OutputFolder } = await import("../../../../src/support/files/output-folder.ts");
const kind = { name: "a result", earlier: namedFiles(/^[abc]\.txt$/) };

try {
  const claimed = await OutputFolder.claim(folder, { verb: "test", kind, overwrite: verb === "overwrite" });
  process.stdout.write("held\n");
  if (count !== undefined) {
    // One file of the same name, one more, one that is gone.
    for (const name of ["b.txt", "c.txt"]) writeFileSync(claimed.at(name), "new");
    killAt(count);
    await claimed.publish();
    await claimed[Symbol.asyncDispose]();
    process.stdout.write("published\n");
    process.exit(0);
  }
  if (verb === "hold") writeFileSync(join(claimed.current, "a.txt"), "never published");
} catch {
  process.stdout.write("refused\n");
}
// Until its input ends, or it is killed.
process.stdin.resume().on("end", () => process.exit(0));
