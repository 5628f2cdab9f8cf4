// Packages of which this one needs a small part are bundled into the build: vega with vega-lite (85 packages),
// tar-stream and dcmjs-codecs bring 69 MB to every installation, of which 5 MB are used (docs/decisions/0011).
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..");
const requireHere = createRequire(import.meta.url);

/** What each bundle exports, and its types. `assets` are files that it opens beside itself. */
export const bundles = [
  {
    path: "src/results/report/generated/vega.js",
    entry: 'export { parse, View } from "vega"; export { compile } from "vega-lite";',
    types: 'export { parse, View } from "vega"; export { compile, type TopLevelSpec } from "vega-lite";',
  },
  {
    path: "src/curation/archives/generated/tar-stream.js",
    entry: 'export { extract } from "tar-stream";',
    types: 'export { extract, type Header } from "tar-stream";',
  },
  {
    path: "src/results/generated/umap.js",
    entry: 'export { UMAP } from "umap-js";',
    types: 'export { UMAP } from "umap-js";',
  },
  {
    path: "src/data/tables/generated/parquet.js",
    entry: 'export { parquetWriteBuffer } from "hyparquet-writer";',
    types: `export declare function parquetWriteBuffer(options: {
  columnData: { name: string; data: ArrayLike<unknown>; type: "STRING" | "INT32" | "FLOAT"; nullable?: boolean }[];
}): ArrayBuffer;`,
  },
  {
    // It loads its WebAssembly with `require`, so that it must stay CommonJS. Of dcmjs only parts are used that this
    // package never calls: the reading and writing of whole DICOM files.
    path: "src/formats/dicom/generated/dcmjs-codecs.cjs",
    entry: 'export { Context, NativeCodecs } from "dcmjs-codecs";',
    types: 'export { Context, NativeCodecs } from "dcmjs-codecs";',
    without: { dcmjs: "module.exports = { data: {}, log: {} };" },
    assets: [join(dirname(requireHere.resolve("dcmjs-codecs")), "dcmjs-native-codecs.wasm")],
  },
  {
    // The same for a page. There it would fetch its WebAssembly by `eval`, which pages forbid and which hides a failure.
    path: "src/formats/web/generated/dcmjs-codecs.js",
    entry: 'export { Context, NativeCodecs } from "dcmjs-codecs";',
    types: `import type { NativeCodecs as Codecs } from "dcmjs-codecs";
export { Context } from "dcmjs-codecs";
export declare const NativeCodecs: typeof Codecs & { wasmBytes: ArrayBuffer };`,
    platform: "browser",
    without: { dcmjs: "module.exports = { data: {}, log: {} };" },
    replaced: {
      pattern: /(?<=static async _getWebAssemblyBytes\(\)\{).*?(?=\}static _wasmToJsString\()/s,
      text: "return this.wasmBytes",
    },
  },
  {
    path: "src/formats/web/generated/pako.js",
    entry: 'export { Inflate } from "pako/lib/inflate.js";',
    types: `export declare class Inflate {
  constructor(options: { windowBits: number; chunkSize: number });
  strm: { msg: string };
  onData(piece: Uint8Array): void;
  onEnd(status: number): void;
  push(bytes: Uint8Array, flush: number): boolean;
}`,
    platform: "browser",
  },
];

/** Bundles in memory. @returns the code, and the files of packages of which it holds a part. */
export async function bundle({ path, entry, without = {}, platform = "node", replaced }) {
  const build = await rolldown({
    input: "entry",
    cwd: root,
    platform,
    // dcmjs-codecs calls `eval("require(…)")`, on purpose, to hide it from bundlers.
    checks: { eval: false },
    plugins: [
      {
        name: "virtual",
        resolveId: (id) => (id === "entry" ? join(root, "entry.mjs") : id in without ? `\0${id}` : undefined),
        load: (id) => (id === join(root, "entry.mjs") ? entry : id.startsWith("\0") ? without[id.slice(1)] : undefined),
        transform: (code) => (replaced ? code.replace(replaced.pattern, replaced.text) : undefined),
      },
    ],
  });
  const { output } = await build.generate({
    format: path.endsWith(".cjs") ? "cjs" : "es",
    minify: true,
    codeSplitting: false,
  });
  await build.close();
  const [{ code, moduleIds }] = output;
  // A package that has changed must make the build fail, not the page.
  if (replaced && !code.includes(replaced.text)) throw new Error(`${path}: nothing left to replace`);
  return { code, modules: moduleIds.filter((id) => isAbsolute(id) && folderOf(id) !== undefined) };
}

/** The folders of the packages that modules belong to. */
export function packageFolders(modules) {
  return [...new Set(modules.map(folderOf))].sort();
}

function folderOf(module) {
  return /^.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(module)?.[0];
}

/** The licence texts of bundled packages, to travel beside the bundle. */
export function licencesOf(folders) {
  return folders
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (file === undefined) throw new Error(`${name} ${version} has no licence file to carry along`);
      return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
