import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** Modules as a browser loads them. */
export interface Bundle {
  /** File name → JavaScript. */
  scripts: Map<string, string>;
  /** What the scripts import by name, beside each other. */
  imports: string[];
}

/**
 * The modules of threads that a page serves beside its own: bundlers do not find them.
 *
 * @param folder of the engine, as built or as source.
 */
export function threadModules(folder: URL, ending: "js" | "ts"): Record<string, URL> {
  const modules = ["thread/web-engine-worker", "runtime/web-thread-entry", "optim/optimizer-worker"];
  return Object.fromEntries(
    modules.map((path) => [path.slice(path.indexOf("/") + 1), new URL(`${path}.${ending}`, folder)]),
  );
}

/** Bundles for a browser, as a page of this package's users does: each module under its name. */
export async function bundle(modules: Readonly<Record<string, URL>>): Promise<Bundle> {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(modules).map(([name, url]) => [name, fileURLToPath(url)])),
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
