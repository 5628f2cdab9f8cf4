// Makes the tarballs of a release in packages/: for a registry one without native code and one with the binding of each
// platform, one for this platform that brings its binding along, and the pre-trained weights. docs/installing.md says who needs which.
// --all packs every platform, not this one alone.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bindingPlatforms } from "../src/engine/runtime/node-binding.ts";
import { bindingPackage, bindingVersion, layBinding, thisPlatform } from "./binding.mjs";

const root = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    "output-dir": { type: "string", default: join(root, "packages") },
  },
});
const output = values["output-dir"];
const scratch = mkdtempSync(join(tmpdir(), "msmae-pack-"));
try {
  mkdirSync(output, { recursive: true });
  const complete = npmPack(stage(join(scratch, "complete"), { brings: thisPlatform }));
  renameSync(complete, complete.replace(/\.tgz$/, `-${thisPlatform}.tgz`));
  npmPack(stage(join(scratch, "registry"), { asksFor: bindingPlatforms }));
  // From a copy: in its place npm takes it for a part of this package.
  cpSync(join(root, "weights"), join(scratch, "weights"), { recursive: true });
  cpSync(join(root, "LICENSE"), join(scratch, "weights", "LICENSE"));
  npmPack(join(scratch, "weights"));
  for (const platform of values.all ? bindingPlatforms : [thisPlatform]) {
    const folder = join(scratch, platform);
    if (layBinding(platform, folder)) npmPack(folder);
  }
} finally {
  rmSync(scratch, { recursive: true });
}

/** @returns the path of the tarball. */
function npmPack(folder) {
  const args = ["pack", "--ignore-scripts", "--json", "--loglevel=error", "--pack-destination", output];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
  return join(output, filename.replace("@", "").replace("/", "-"));
}

/** The package as it is installed: nothing of its development, with one binding inside or one per platform to fetch. */
function stage(folder, { brings, asksFor = [] }) {
  const all = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { devDependencies, allowScripts, scripts, workspaces, ...manifest } = all;
  const binding = join("dist", "engine", "runtime", "onnxruntime");
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true, filter: (path) => path !== join(root, binding) });
  for (const file of ["README.md", ...manifest.files.filter((name) => !/^!?dist/.test(name))]) {
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  if (brings !== undefined) layBinding(brings, join(folder, binding));
  manifest.optionalDependencies = Object.fromEntries(
    asksFor.map((platform) => [bindingPackage(platform), bindingVersion]),
  );
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}
