// Lays out ONNX Runtime for one platform: what onnxruntime-node ships for all of them, without its installation script.
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const manifestPath = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));

/**
 * The native files that this package's devices need. Left out: DirectML.dll on Windows (18 MB), loaded only for a device
 * that is not offered, and the second copy of the library on macOS (45 MB).
 */
const nativeFiles = {
  linux: ["onnxruntime_binding.node", "libonnxruntime.so.1"],
  darwin: ["onnxruntime_binding.node", "libonnxruntime.1.dylib"],
  win32: ["onnxruntime_binding.node", "onnxruntime.dll", "dxcompiler.dll", "dxil.dll"],
};

/** Version of ONNX Runtime, and of the packages that bring it. */
export const bindingVersion = manifest.version;

export const thisPlatform = `${process.platform}-${process.arch}`;

export function bindingPackage(platform) {
  return `@msmae/onnxruntime-${platform}`;
}

/** Lays a package with the binding of a platform into an empty or missing folder. @returns whether there is one. */
export function layBinding(platform, folder) {
  const [os, cpu] = platform.split("-");
  const native = join("bin", "napi-v6", os, cpu);
  const from = dirname(manifestPath);
  if (!existsSync(join(from, native))) return false;
  rmSync(folder, { recursive: true, force: true });
  for (const part of [native, "dist"]) mkdirSync(join(folder, part), { recursive: true });
  const scripts = ["backend", "binding", "index", "version"].map((name) => join("dist", `${name}.js`));
  for (const file of [...nativeFiles[os].map((name) => join(native, name)), ...scripts]) {
    place(join(from, file), join(folder, file));
  }
  for (const file of ["LICENSE", "ThirdPartyNotices.txt"]) {
    place(join(root, "third_party", "onnxruntime", file), join(folder, file));
  }
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifestFor(platform), null, 2)}\n`);
  writeFileSync(
    join(folder, "README.md"),
    `# ${bindingPackage(platform)}\n\nFiles of onnxruntime-node ${bindingVersion} for ${platform}, unchanged, for the package msmae.\n`,
  );
  return true;
}

function manifestFor(platform) {
  const [os, cpu] = platform.split("-");
  return {
    name: bindingPackage(platform),
    version: bindingVersion,
    description: `ONNX Runtime for Node on ${platform}, for the package msmae`,
    license: manifest.license,
    repository: manifest.repository,
    os: [os],
    cpu: [cpu],
    ...(os === "linux" ? { libc: ["glibc"] } : {}),
    main: "dist/index.js",
    dependencies: { "onnxruntime-common": bindingVersion },
  };
}

/** A hard link where the file system allows, as the libraries are large. */
function place(from, to) {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
