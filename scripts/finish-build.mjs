// What tsc leaves undone: generated modules that are plain JavaScript travel to dist by hand with what lies beside them,
// the command line must be executable and few files, and a build brings ONNX Runtime's binding for its platform, where
// there is one.
import { chmodSync, cpSync, globSync } from "node:fs";
import { join } from "node:path";
import { layBinding, thisPlatform } from "./binding.mjs";
import { buildProgram } from "./program.mjs";

const root = join(import.meta.dirname, "..");
for (const file of globSync("src/**/generated/*.{js,cjs,d.ts,d.cts,wasm,txt}", { cwd: root })) {
  cpSync(join(root, file), join(root, file.replace(/^src/, "dist")));
}
chmodSync(join(root, "dist", "apps", "cli", "main.js"), 0o755);
await buildProgram();
layBinding(thisPlatform, join(root, "dist", "engine", "runtime", "onnxruntime"));
