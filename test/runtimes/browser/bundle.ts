import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The test's worker and the helper threads' modules as a browser loads them. */
export interface Bundle {
  /** File name → JavaScript. */
  scripts: Map<string, string>;
  /** What the scripts import by name, beside each other. */
  imports: string[];
}

/** A worker that trains. */
export const trainingWorker = {
  "training-worker": file("./training-worker.ts"),
  "optimizer-worker": file("../../../src/engine/optim/optimizer-worker.ts"),
  "web-thread-entry": file("../../../src/engine/runtime/web-thread-entry.ts"),
};

/** A module that opens image files. */
export const imageReader = { "image-reader": file("./image-reader.ts") };

/** Bundles for a browser, as a page of this package's users does. @param input the modules by the names of their scripts. */
export async function bundle(input: Record<string, string>): Promise<Bundle> {
  const build = await rolldown({
    input,
    platform: "browser",
    logLevel: "warn",
  });
  const { output } = await build.generate({ format: "esm", entryFileNames: "[name].js", chunkFileNames: "[name].js" });
  await build.close();
  const chunks = output.filter((part) => part.type === "chunk");
  const scripts = new Map(chunks.map(({ fileName, code }) => [fileName, code]));
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  return { scripts, imports: imports.filter((name) => !scripts.has(name)) };
}
