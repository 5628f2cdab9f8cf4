// What tsc leaves undone: generated protobuf modules are plain JavaScript and travel to dist by hand, and the command
// line must be executable.
import { chmodSync, cpSync, globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
for (const file of globSync("src/**/generated/*.{js,d.ts}", { cwd: root })) {
  cpSync(join(root, file), join(root, file.replace(/^src/, "dist")));
}
chmodSync(join(root, "dist", "cli", "main.js"), 0o755);
