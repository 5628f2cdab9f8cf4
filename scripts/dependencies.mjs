// Writes docs/dependencies.md: every package of which an installation holds a part, with its licence, and what its code
// could do beyond computing. Whatever nobody has looked at makes this fail: a licence outside the list, an installation
// script, and code that could open a connection or start a process without a verdict in dependencies-reviewed.json.
// --check leaves the page alone and fails where it is out of date; --sbom FILE writes a CycloneDX list of the packages.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { bundle, bundles, packageFolders } from "./bundles.mjs";
import { abilitiesOf, isNative, problemsOf } from "./dependency-rules.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs", "dependencies.md");
const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, sbom: { type: "string" } } });
const lock = readJson("package-lock.json").packages;
const reviewed = readJson("scripts/dependencies-reviewed.json");

const installed = Object.keys(lock)
  // Folders of this repository, and links to them, are no packages of others.
  .filter((path) => path.startsWith("node_modules/") && !lock[path].link)
  .filter((path) => !lock[path].dev && !lock[path].devOptional && !lock[path].peer)
  .map((path) => ({ path, ...lock[path] }));
const groups = {
  everywhere: installed.filter(({ optional }) => !optional).map((entry) => describe(entry, filesBelow(entry.path))),
  perPlatform: [...installed.filter(({ optional }) => optional).map((entry) => describe(entry)), describeRuntime()],
  bundled: await describeBundled(),
};
const rows = Object.values(groups).flat();
const problems = problemsOf(rows, reviewed);
if (values.sbom !== undefined) writeSbom(values.sbom);
const text = render(groups);
if (!values.check) writeFileSync(page, text);
else if (readFileSync(page, "utf8") !== text)
  problems.push("docs/dependencies.md is out of date: npm run dependencies");
for (const problem of problems) console.error(problem);
console.log(`${rows.length} packages, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Without files it is a package of a platform, which another machine may lack: it always needs a verdict. */
function describe({ path, version, license, hasInstallScript = false }, files) {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const modules = (files ?? []).filter((file) => /\.[cm]?js$/.test(file)).map((file) => readFileSync(file, "utf8"));
  const found =
    files === undefined || files.some(isNative) ? [...abilitiesOf(modules), "native"] : abilitiesOf(modules);
  return { name, version, license, hasInstallScript, found };
}

/** What users get of onnxruntime-node is one binding and the four scripts around it; its installation script stays behind. */
function describeRuntime() {
  const path = "node_modules/onnxruntime-node";
  return { ...describe({ path, ...lock[path], hasInstallScript: false }), name: "onnxruntime-node" };
}

/** Only the modules that a bundle holds count, not all that their packages ship. */
async function describeBundled() {
  const modules = (await Promise.all(bundles.map(bundle))).flatMap((built) => built.modules);
  return packageFolders(modules).map((folder) => {
    const path = relative(root, folder).split(sep).join("/");
    const files = modules.filter((module) => module.startsWith(folder + sep));
    return describe({ path, ...lock[path], hasInstallScript: false }, files);
  });
}

function filesBelow(path) {
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(join(root, path), file).split(sep).includes("node_modules"));
}

function render({ everywhere, perPlatform, bundled }) {
  return `# Dependencies

Every package of which an installation holds a part. Made by \`npm run dependencies\`, checked by \`npm run check\`: a new
licence, an installation script, and code that could open a connection or start a process make the check fail until
somebody has looked at it and written down a verdict (\`scripts/dependencies-reviewed.json\`). \`npm run sbom\` writes the same
packages as CycloneDX.

No package runs a script when it is installed. "Found" is what the files contain that are shipped, whether or not it is ever
called: **network** (a module or function that opens connections), **processes** (starts programs), **native** (compiled
code, which could do both).

## Installed everywhere

${table(everywhere)}
## Installed where the platform needs them

Of each kind one is installed. onnxruntime-node itself is not: its binding for one platform comes with the package, or as
\`@msmae/onnxruntime-<platform>\` ([installing.md](installing.md)).

${table(perPlatform)}
## Bundled

Parts of these are in the build; they are not installed beside it. Only the parts were searched.

${table(bundled)}
## Verdicts

${reviewed.map(({ packages, found, verdict }) => `- **${packages.map((name) => name.replace("*", "\\*")).join(", ")}** (${found.join(", ")}): ${verdict}\n`).join("")}`;
}

function table(described) {
  const lines = described.map(
    ({ name, version, license, found }) => `| ${name} | ${version} | ${license} | ${found.join(", ") || "–"} |\n`,
  );
  return `| package | version | licence | found |\n|---|---|---|---|\n${lines.join("")}`;
}

/** npm's own list holds the development's packages too, and not as bundled those that are: only the rows are kept. */
function writeSbom(file) {
  const args = ["sbom", "--sbom-format=cyclonedx", "--package-lock-only", "--loglevel=error"];
  const sbom = JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 }));
  const kept = new Set([lock[""], ...rows].map(({ name, version }) => `${name}@${version}`));
  sbom.metadata.component.name = lock[""].name;
  sbom.components = sbom.components
    .filter(({ name, version }) => kept.has(`${name}@${version}`))
    .map((component) => ({ ...component, properties: [], scope: "required" }));
  const references = new Set([sbom.metadata.component, ...sbom.components].map((component) => component["bom-ref"]));
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((name) => references.has(name)) }));
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
