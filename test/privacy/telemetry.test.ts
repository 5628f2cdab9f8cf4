import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifier, writeMicroModel, writePicture } from "../e2e/micro-models.ts";
import { isolated, noIsolation, noTrace, Place, type Traced, trace } from "./traced.ts";

// Its first report leaves nine seconds after the first session.
const SECONDS = 11;
const script = (name: string, ...argv: string[]) => [process.execPath, join(import.meta.dirname, name), ...argv];

const [place, watched] = [new Place(), new Place()];
const ways = ["main", "worker", "worker-alone"] as const;
const ran = new Map<string, Traced>();
const notWatched = noTrace || noIsolation;

beforeAll(async () => {
  const [checkpoint, picture] = [join(place.root, "a.safetensors"), join(place.root, "a.png")];
  await writeMicroModel(checkpoint, classifier);
  await writePicture(picture, 3);
  const runs = ways.map(async (how) => {
    ran.set(how, await trace(place, script("use-library.ts", how, `${SECONDS}`, checkpoint, picture)));
  });
  const control = async () =>
    ran.set("control", await trace(watched, script("without-switch.ts", `${SECONDS}`), isolated));
  await Promise.all([...runs, notWatched ? undefined : control()]);
});
afterAll(() => {
  place.remove();
  watched.remove();
});

describe("the library in a program of somebody else's", () => {
  test.each(["main", "worker"])("classifies in %s", (how) => {
    expect(ran.get(how)).toMatchObject({ code: 0, stderr: "" });
    expect(classifier.classNames).toContain(ran.get(how)?.stdout.trim());
  });

  test("is refused in a worker thread of a process that nobody has told to keep quiet", () => {
    expect(ran.get("worker-alone")).toMatchObject({ code: 0, stderr: "" });
    expect(ran.get("worker-alone")?.stdout).toMatch(
      /^Device: telemetry of ONNX Runtime: expected ORT_DISABLE_TELEMETRY=1 in the environment of the process, .* got it unset; import msmae in the main thread too, /,
    );
  });

  test.skipIf(noTrace).each(ways)(`opens no internet socket and writes nothing in %s${noTrace}`, (how) => {
    const { internet, touched } = ran.get(how) as Traced;
    expect(internet).toEqual([]);
    expect(touched).toEqual([]);
  });

  test("leaves nothing in the home and the temporary folder", () => {
    expect(place.leftovers()).toEqual([]);
  });
});

describe("what these tests look for", () => {
  test.skipIf(notWatched)(`is seen of ONNX Runtime without the switch, where nothing can leave${notWatched}`, () => {
    const control = ran.get("control") as Traced;
    expect(control.internet.join("\n")).toMatch(/socket\(AF_INET/);
    expect(watched.strays(control).join("\n")).toMatch(/\.cache\/Microsoft\/DeveloperTools\/\.onnxruntime\/deviceid/);
    expect(watched.leftovers().join("\n")).toMatch(/mat-debug-\d+\.log/);
  });

  test("stands in ONNX Runtime's library for Node, and in none of its builds for browsers", () => {
    const modules = join(import.meta.dirname, "../../node_modules");
    const native = join(modules, "onnxruntime-node/bin/napi-v6");
    const web = join(modules, "onnxruntime-web/dist");
    const holds = (path: string) =>
      /events\.data\.microsoft\.com|ORT_DISABLE_TELEMETRY/.test(readFileSync(path, "latin1"));
    const libraries = readdirSync(native, { recursive: true, encoding: "utf8" }).filter((name) =>
      /libonnxruntime\.(so\.1|1\.dylib)$/.test(name),
    );
    expect(libraries.length).toBeGreaterThan(0);
    for (const name of libraries) expect(holds(join(native, name)), name).toBe(true);
    const builds = readdirSync(web).filter((name) => /^ort(-wasm|\.wasm|\.webgpu).*\.(mjs|wasm)$/.test(name));
    expect(builds.length).toBeGreaterThan(5);
    expect(builds.filter((name) => holds(join(web, name)))).toEqual([]);
  });
});
