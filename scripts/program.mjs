// The command line as few files. Node takes the better part of a millisecond for every module that it looks up, reads and
// links, and the command line has hundreds: the build joins them, and those of the threads that it starts.
import { chmodSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { rolldown } from "rolldown";
import { licencesOf, packageFolders } from "./bundles.mjs";

const root = join(import.meta.dirname, "..");
const built = join(root, "dist");

/** Modules that a process or a thread begins with. In the program they lie side by side, where `./NAME` finds them. */
const entries = [
  "apps/cli/main.js",
  "curation/check/scan-worker.js",
  "curation/show/show-worker.js",
  "data/loader/reader-worker.js",
  "engine/optim/optimizer-worker.js",
  "engine/runtime/node-thread-entry.js",
  "engine/thread/node-engine-worker.js",
  "parallel/mpi-worker.js",
];

/** Packages that every command loads. The others are met when something needs them, from where they are installed. */
const joined = ["zod", "yaml", "commander", "cli-progress", "pure-rand"];

/** Writes `dist/program/` from the modules in `dist/`. @throws Error where a thread begins with a module that is no entry. */
export async function buildProgram() {
  const names = entries.map((entry) => basename(entry, ".js"));
  const build = await rolldown({
    input: Object.fromEntries(entries.map((entry, i) => [names[i], join(built, entry)])),
    cwd: root,
    platform: "node",
    plugins: [{ name: "places", resolveId: apart, transform: (code, id) => keepPlaces(code, id, names) }],
  });
  const folder = join(built, "program");
  const { output } = await build.write({ dir: folder, format: "es", chunkFileNames: "[name]-[hash].js" });
  await build.close();
  chmodSync(join(folder, "main.js"), 0o755);
  const modules = output.flatMap(({ moduleIds = [] }) => moduleIds).filter((id) => id.includes("node_modules"));
  writeFileSync(join(folder, "LICENSES.txt"), licencesOf(packageFolders(modules)));
}

/** Other packages, and bundles and kernels, which are one file each and need nothing of ours. */
function apart(id, importer) {
  if (!importer?.startsWith(built + sep) || id.startsWith("node:")) return undefined;
  if (!id.startsWith(".")) return joined.includes(id.split("/")[0]) ? undefined : { id, external: true };
  return id.includes("/generated/") ? { id: placeOf(resolve(dirname(importer), id)), external: true } : undefined;
}

/** A module in `dist/` as the program's files call it. */
function placeOf(module) {
  return relative(join(built, "program"), module).split(sep).join("/");
}

/** What a module finds by its own place it must still find from the program's folder, but for the threads beside it. */
function keepPlaces(code, id, names) {
  if (!id.startsWith(built + sep) || !code.includes("import.meta.url")) return undefined;
  const threads = [...code.matchAll(/moduleUrl\("\.\/([^"]+)"/g)].map(([, name]) => name);
  const unknown = threads.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`${id} starts ${unknown}, which is no entry of scripts/program.mjs`);
  if (threads.length > 0) return undefined;
  return code.replaceAll("import.meta.url", `new URL(${JSON.stringify(placeOf(id))}, import.meta.url).href`);
}
