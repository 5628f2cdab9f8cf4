// Installs this package as a user would, from the tarballs that scripts/pack.mjs makes, into empty projects outside the
// checkout, and uses it there: on Node 24 as from a registry, on Node 22 from the tarball that is complete.
// --without-demo trains for one epoch in place of the demo. Ends at the first thing that is wrong, with exit code 1.
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makePhantoms } from "../src/experiments/phantom/make-phantoms.ts";
import { bindingPackage, bindingVersion, thisPlatform } from "./binding.mjs";

/** What an installation may take on disk, in bytes. It takes 107 MB on Linux x64. */
const sizeLimit = 120e6;
/** What the weights, a package that who wants them installs beside it, may take. They take 22.1 MB. */
const weightsLimit = 25e6;

const root = join(import.meta.dirname, "..");
const { version } = readJson(join(root, "package.json"));
const { values } = parseArgs({ options: { "without-demo": { type: "boolean", default: false } } });
const scratch = mkdtempSync(join(tmpdir(), "msmae-package-"));
const tarballs = join(scratch, "tarballs");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const images = join(scratch, "images");
const scans = ["scan-1.png", "scan-2.png"];
const weights = "msmae:micro-phantoms";
/** A program of a user: every entry, its types, and what the library's functions give. */
const entries = `
import { type FileFailure, type Prediction, MsmaeError, evaluate, finetune, loadClassifier, pretrain } from "msmae";
import { classificationMetrics } from "msmae/metrics";
import { attentionCounts } from "msmae/masking";
import { nodeBackend, onnxRuntimeVersion } from "msmae/runtime";
import { openImageBytes } from "msmae/formats";
import { type Engine, type Outputs, graph, initialStore, input, linearSpecs, openEngine } from "msmae/engine";
import { webBackend } from "msmae/web";

const told: (Prediction | FileFailure)[] = [];
const code: string = await loadClassifier("nowhere.safetensors").then(
  () => "none",
  (error: unknown) => (error instanceof MsmaeError ? error.code : "unknown"),
);
if (code !== "Checkpoint" || told.length > 0 || !/^\\d+\\./.test(onnxRuntimeVersion)) throw new Error(code);
const refused = await openImageBytes(new TextEncoder().encode("P5 is a PNM picture"), { name: "x" }).catch((error) => error.code);
if (refused !== "Data") throw new Error(String(refused));
const engine: Engine = await openEngine({ store: initialStore(linearSpecs("head", 2, 2), 0) });
await engine.load(graph("same", { y: input("x", [2], "uint8") }));
const outputs: Outputs = await engine.run("same", { x: Uint8Array.of(7, 9) });
await engine.close();
if (!(outputs.y instanceof Uint8Array) || outputs.y[1] !== 9) throw new Error("no engine");
console.log(evaluate, finetune, pretrain, classificationMetrics, attentionCounts, nodeBackend, webBackend);
`;
let running;

// Nothing of the checkout's npm settings may reach the projects: only which registry is asked, and where npm caches.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || /^npm_config_(registry|cache|userconfig|globalconfig)$/i.test(name),
  ),
);
environment.MSMAE_CACHE_DIR = join(scratch, "cache");
environment.TMPDIR = join(scratch, "tmp");
mkdirSync(environment.TMPDIR);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (running !== undefined) process.kill(-running.pid, "SIGKILL");
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  });
}

try {
  await step("images", () =>
    makePhantoms({ outputDir: images, seed: 0, size: 32, classes: 3, imagesPerClass: { train: 8, val: 2, test: 2 } }),
  );
  await step("tarballs", () => run(process.execPath, ["scripts/pack.mjs", "--output-dir", tarballs], root));
  const recorder = await step("a script of a package would be seen", positiveControl);
  await checkFromRegistry(recorder);
  await checkComplete(recorder, await step("Node 22", fetchNode22));
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** As a registry gives it: the package, and beside it the one with this platform's binding. */
async function checkFromRegistry(recorder) {
  const on = `registry, Node ${process.versions.node}: `;
  const binding = `${bindingPackage(thisPlatform).replace("@", "").replace("/", "-")}-${bindingVersion}.tgz`;
  const project = makeProject("registry");
  const node = process.execPath;
  await step(`${on}install`, () => install(project, recorder, [], [`msmae-${version}.tgz`, binding]));
  await step(`${on}version`, () => expectVersion(node, project));
  await step(`${on}without a binding`, () => expectMissingBinding(node, project));
  if (values["without-demo"]) await step(`${on}one epoch`, () => trainOnce(node, project));
  else await step(`${on}demo`, () => msmae(node, project, ["demo", "--json"]));
  await step(`${on}predict`, () => predict(node, project));
  await step(`${on}README's example and types`, () => runExample(node, project));
  await step(`${on}the engine's example`, () => runEngineExample(node, project));
  await step(`${on}without the weights`, () => expectMissingWeights(node, project));
  await step(`${on}the weights: install`, () => install(project, recorder, [], [`msmae-weights-${version}.tgz`]));
  await step(`${on}the weights`, () => expectWeights(node, project));
}

/** The tarball that brings its binding along, with installation scripts forbidden. */
async function checkComplete(recorder, node) {
  const project = makeProject("complete");
  await step("complete, Node 22: install", () =>
    install(project, recorder, ["--ignore-scripts"], [`msmae-${version}-${thisPlatform}.tgz`]),
  );
  await step("complete, Node 22: version", () => expectVersion(node, project));
  await step("complete, Node 22: one epoch", () => trainOnce(node, project));
  await step("complete, Node 22: predict", () => predict(node, project));
  await step("complete, Node 22: README's example and types", () => runExample(node, project));
  await step("complete, Node 22: the engine's example", () => runEngineExample(node, project));
}

/**
 * npm runs installation scripts in the shell that it is told. This one writes them down and fails. Returns its path, and
 * proves on a package that has such a script that it would be noticed.
 */
async function positiveControl() {
  const recorder = join(scratch, "recorder");
  writeFileSync(recorder, `#!/bin/sh\necho "$@" >> '${recorder}.log'\nexit 1\n`);
  chmodSync(recorder, 0o755);
  const control = join(scratch, "control");
  mkdirSync(control);
  const manifest = { name: "control", version: "1.0.0", scripts: { postinstall: "true" } };
  writeFileSync(join(control, "package.json"), JSON.stringify(manifest));
  await npm(control, ["pack", "--pack-destination", control]);
  const project = makeProject("controlled");
  const ended = await npm(project, ["install", `--script-shell=${recorder}`, join(control, "control-1.0.0.tgz")]).then(
    () => "well",
    () => "badly",
  );
  expect(
    ended === "badly" && existsSync(`${recorder}.log`),
    "the recorder to see a script",
    `an install ended ${ended}`,
  );
  rmSync(`${recorder}.log`);
  return recorder;
}

async function install(project, recorder, flags, names) {
  const started = performance.now();
  const files = names.map((name) => join(tarballs, name));
  await npm(project, ["install", `--script-shell=${recorder}`, ...flags, ...files]);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  expect(!existsSync(`${recorder}.log`), "no installation script", "one that npm would have run");
  const packages = Object.entries(readJson(join(project, "node_modules", ".package-lock.json")).packages);
  const registry = (await npm(project, ["config", "get", "registry"])).trim();
  // npm may leave out where a package of the registry came from, but never where others did.
  const elsewhere = packages.filter(
    ([, { resolved = registry }]) => !resolved.startsWith("file:") && !resolved.startsWith(registry),
  );
  expect(elsewhere.length === 0, "packages of the registry alone", elsewhere.map(([path]) => path).join(", "));
  const folder = join(project, "node_modules");
  const weightsFolder = join(folder, "@msmae", "weights");
  const weightsBytes = existsSync(weightsFolder) ? sizeOnDisk(weightsFolder) : 0;
  const bytes = sizeOnDisk(folder) - weightsBytes;
  expectSize("without the weights", bytes, sizeLimit);
  expectSize("of the weights", weightsBytes, weightsLimit);
  return `${packages.length} packages, ${inMegabytes(bytes + weightsBytes)} on disk, ${seconds} s`;
}

async function expectVersion(node, project) {
  const printed = (await msmae(node, project, ["--version"])).trim();
  expect(printed === version, version, printed);
}

/** Where npm leaves the optional package out, what runs no graph works, and the rest says what is missing. */
async function expectMissingBinding(node, project) {
  const folder = join(project, "node_modules", "@msmae");
  renameSync(folder, `${folder}-away`);
  const model = ["--model", "vit_micro_patch8", "--input-size", "64"];
  const said = await msmae(node, project, ["flops", ...model, "--json"]).then(
    (output) => output,
    (error) => error.message,
  );
  await expectVersion(node, project);
  renameSync(`${folder}-away`, folder);
  const wanted = new RegExp(
    `exit code 5\\n.*error\\[Device\\]: ONNX Runtime: .*onnxruntime-node@${bindingVersion}`,
    "s",
  );
  expect(wanted.test(said), "a Device error that says how to get a binding", said);
}

/** The weights are a package of their own; without it the error says so. */
async function expectMissingWeights(node, project) {
  const said = await msmae(node, project, ["inspect", weights]).then(
    (output) => output,
    (error) => error.message,
  );
  expect(said.includes(`install msmae-weights-${version}.tgz`), "an error that says what to install", said);
}

async function expectWeights(node, project) {
  const found = JSON.parse(await msmae(node, project, ["inspect", weights, "--json"]));
  expect(found.described === true && found.details.licence === "apache-2.0", "weights", JSON.stringify(found));
}

/** Pre-training and fine-tuning of one epoch, in the folder where the demo leaves its runs. */
async function trainOnce(node, project) {
  const shared = [
    "--data-path",
    images,
    "--input-size",
    "32",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--warmup-epochs",
    "0",
  ];
  const [pretrained, finetuned] = ["pretrain", "finetune"].map((name) => join("runs", "demo", name));
  await msmae(node, project, ["pretrain", ...shared, "--model", "msmae_vit_micro_patch8", "--output-dir", pretrained]);
  const start = ["--finetune", join(pretrained, "last.safetensors"), "--output-dir", finetuned];
  await msmae(node, project, ["finetune", ...shared, "--model", "vit_micro_patch8", ...start]);
}

async function predict(node, project) {
  globSync("test/*/0000.png", { cwd: images })
    .slice(0, 2)
    .forEach((image, i) => {
      cpSync(join(images, image), join(project, `scan-${i + 1}.png`));
    });
  const checkpoint = join("runs", "demo", "finetune", "best.safetensors");
  expectPredictions(
    await msmae(node, project, ["predict", "--checkpoint", checkpoint, ...scans, "--json"]),
    JSON.parse,
  );
}

/** The example of README.md, as it stands there, compiled under `strict` together with the other entries. */
async function runExample(node, project) {
  const [, example] = /```ts\n(.*?loadClassifier.*?)```/s.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  expect(example !== undefined, "an example with loadClassifier in README.md", "none");
  writeFileSync(join(project, "example.ts"), example);
  writeFileSync(join(project, "entries.ts"), entries);
  const flags = ["--strict", "--module", "nodenext", "--target", "es2022", "--lib", "esnext,dom", "--outDir", "out"];
  await run(node, [tsc, ...flags, "example.ts", "entries.ts"], project);
  expectPredictions(await run(node, [join("out", "example.js")], project), (line) => ({
    path: /path: '([^']*)'/.exec(line)?.[1],
    class: /class: '([^']*)'/.exec(line)?.[1],
  }));
  await run(node, [join("out", "entries.js")], project);
}

/** The engine's example, copied as a user would. */
async function runEngineExample(node, project) {
  for (const name of ["spirals.js", "node.js"]) cpSync(join(root, "examples", "engine", name), join(project, name));
  const last = (await run(node, ["node.js"], project)).trim().split("\n").at(-1) ?? "";
  expect(last.endsWith("accuracy 1.000"), "two spirals told apart", last);
}

function expectPredictions(output, parse) {
  const told = output
    .trim()
    .split(/\n(?=\{)/)
    .map(parse);
  const good = told.length === scans.length && told.every((line, i) => line.path === scans[i] && line.class);
  expect(good, `a class for each of ${scans.join(", ")}`, output);
}

/** Node 22 from the package of its platform, which needs no script. @returns the path of its binary. */
async function fetchNode22() {
  const project = makeProject("node22");
  const name = `node-${thisPlatform.replace("win32", "win")}`;
  await npm(project, ["install", "--ignore-scripts", `${name}@22`]);
  const node = join(project, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  const printed = (await run(node, ["--version"], project)).trim();
  expect(printed.startsWith("v22."), "Node 22", printed);
  return node;
}

function makeProject(name) {
  const project = join(scratch, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  return project;
}

function npm(project, args) {
  return run("npm", [...args, "--no-audit", "--no-fund", "--no-update-notifier"], project);
}

function msmae(node, project, args) {
  return run(node, [join("node_modules", "msmae", "dist", "apps", "cli", "main.js"), ...args], project);
}

/** @returns what the command printed. @throws Error with all of its output where it ends badly. */
function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that an interrupt ends what the command has started, too.
    const child = spawn(command, args, { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
    running = child;
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      running = undefined;
      if (code === 0) return resolve(stdout);
      reject(new Error(`${command} ${args.join(" ")}: exit code ${code ?? signal}\n${stdout}${stderr}`));
    });
  });
}

async function step(name, action) {
  const started = performance.now();
  process.stdout.write(`${name} … `);
  const result = await action();
  const remark = name.endsWith("install") ? `: ${result}` : "";
  console.log(`ok (${((performance.now() - started) / 1000).toFixed(1)} s)${remark}`);
  return result;
}

function expect(holds, expected, got) {
  if (!holds) throw new Error(`expected ${expected}, got ${got}`);
}

/** As `du` counts: the blocks that a folder's files and folders take. */
function expectSize(part, bytes, limit) {
  expect(bytes < limit, `less than ${inMegabytes(limit)} on disk ${part}`, inMegabytes(bytes));
}

function inMegabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function sizeOnDisk(path) {
  const { blocks, size } = lstatSync(path);
  const own = blocks === undefined ? size : blocks * 512;
  if (!lstatSync(path).isDirectory()) return own;
  return readdirSync(path).reduce((bytes, entry) => bytes + sizeOnDisk(join(path, entry)), own);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
