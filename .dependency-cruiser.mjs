// The order of the rooms (scripts/rooms.ts), held by a machine: `npm run check:order`.
import { nodePlaces, rooms } from "./scripts/rooms.ts";

const escaped = (text) => text.replaceAll(".", "\\.");
const anyOf = (names) => `(?:${names.map(escaped).join("|")})`;

/** One rule for each name that has others after it. */
function downward(prefix, names) {
  return names.slice(0, -1).map((name, at) => ({
    name: `${prefix}${name} imports only what stands before it`,
    severity: "error",
    from: { path: `^src/${prefix}${name}/` },
    to: { path: `^src/${prefix}${anyOf(names.slice(at + 1))}/` },
  }));
}

const entries = "^src/(?:index|web|formats/(?:node|web)/index)\\.ts$";
/** Entry points of the package, and modules that threads start with. */
const roots = `${entries}|^src/apps/cli/main\\.ts$|^src/(?:engine/(?:node|web|runtime/index)|method/masking/index)\\.ts$|^src/.*(?:worker|thread-entry)\\.ts$`;
/** Rooms of which a page may load all but what may use Node. */
const forPages = ["support", "geometry", "formats", "images", "method", "results"];
const packagesOfNode = anyOf(["sharp", "yauzl", "cli-progress", "commander"]);

export default {
  forbidden: [
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    ...downward(
      "",
      rooms.map(({ name }) => name),
    ),
    ...rooms.flatMap(({ name, inside = [] }) => downward(`${name}/`, inside)),
    {
      name: "rooms import no entry point",
      severity: "error",
      from: { path: "^src/.+/" },
      to: { path: entries },
    },
    {
      name: "Node's modules only where they may stand",
      severity: "error",
      from: { path: "^src/", pathNot: [`^src/${anyOf(nodePlaces)}`, "/generated/"] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "what a page can load imports nothing that needs Node",
      severity: "error",
      from: { path: `^src/${anyOf(forPages)}/`, pathNot: `^src/${anyOf(nodePlaces)}` },
      to: { path: `^src/${anyOf(nodePlaces)}` },
    },
    {
      name: "packages that need Node only where its modules may stand",
      severity: "error",
      from: { path: "^src/", pathNot: `^src/${anyOf(nodePlaces)}` },
      to: { path: `node_modules/${packagesOfNode}/` },
    },
    {
      name: "only the engine's runtime imports ONNX Runtime",
      severity: "error",
      from: { path: "^(?:src|bench)/", pathNot: "^src/engine/runtime/" },
      to: { path: "onnxruntime" },
    },
    {
      name: "everything in the sources is reached from what is run or exported",
      severity: "error",
      from: { path: roots },
      to: { path: "^src/", pathNot: ["/generated/", roots], reachable: false },
    },
    { name: "everything is found", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "the sources import no tests", severity: "error", from: { path: "^src/" }, to: { path: "^(?:test|bench)/" } },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/generated/"] },
    exclude: { path: ["\\.as\\.ts$", "bench/peers", "bench/results"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.test.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "types"] },
  },
};
