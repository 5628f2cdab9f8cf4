// Makes the generated sources: WebAssembly kernels as base64 modules, static protobuf code, and bundled packages.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { bundle, bundles, licencesOf, packageFolders } from "./bundles.mjs";

const root = join(import.meta.dirname, "..");
const bin = (name) => join(root, "node_modules", ".bin", name);

/** Every `*.as.ts` under src is an AssemblyScript kernel; it becomes `generated/<name>.ts` beside it. */
function buildKernels() {
  const sources = readdirSync(join(root, "src"), { recursive: true }).filter((file) => file.endsWith(".as.ts"));
  for (const source of sources) {
    const scratch = mkdtempSync(join(tmpdir(), "msmae-kernel-"));
    const wasm = join(scratch, "kernel.wasm");
    const shared = ["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"];
    execFileSync(
      bin("asc"),
      [
        join(root, "src", source),
        "-o",
        wasm,
        "-O3",
        "--noAssert",
        "--runtime",
        "stub",
        "--enable",
        "simd,threads,bulk-memory",
        ...shared,
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const folder = join(root, "src", dirname(source), "generated");
    mkdirSync(folder, { recursive: true });
    const name = basename(source, ".as.ts");
    writeFileSync(
      join(folder, `${name}.ts`),
      `// Generated from ${basename(source)} by scripts/build-generated.mjs.\nexport const wasmBase64 =\n  "${readFileSync(wasm).toString("base64")}";\n`,
    );
    rmSync(scratch, { recursive: true });
  }
}

/** Every `third_party/<name>/<name>.proto` becomes an ES module of encoders with its type declarations. */
function buildProtobuf(proto, folder) {
  mkdirSync(folder, { recursive: true });
  const name = basename(proto, ".proto");
  const module = join(folder, `${name}.js`);
  execFileSync(bin("pbjs"), ["-t", "static-module", "-w", "es6", "--no-delimited", "--no-verify", "-o", module, proto]);
  execFileSync(bin("pbts"), ["-o", join(folder, `${name}.d.ts`), module]);
}

/** A bundle, its types, the licences of what it holds, and the files it opens. */
async function buildBundle(definition) {
  const { code, modules } = await bundle(definition);
  const file = join(root, definition.path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
  writeFileSync(file.replace(/\.(c?)js$/, ".d.$1ts"), `${definition.types}\n`);
  writeFileSync(`${file}.LICENSES.txt`, licencesOf(packageFolders(modules)));
  for (const asset of definition.assets ?? []) cpSync(asset, join(dirname(file), basename(asset)));
}

buildKernels();
for (const definition of bundles) await buildBundle(definition);
buildProtobuf(join(root, "third_party", "onnx", "onnx.proto"), join(root, "src", "engine", "onnx", "generated"));
buildProtobuf(
  join(root, "third_party", "tensorboard", "event.proto"),
  join(root, "src", "training", "records", "generated"),
);
