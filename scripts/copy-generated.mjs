// tsc leaves plain JavaScript where it is: the generated protobuf modules travel to dist by hand.
import { cpSync, globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
for (const file of globSync("src/**/generated/*.{js,d.ts}", { cwd: root })) {
  cpSync(join(root, file), join(root, file.replace(/^src/, "dist")));
}
