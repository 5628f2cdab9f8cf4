import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { classifier, pretrained, writeDataSet, writeMicroModel } from "../e2e/micro-models.ts";
import { dicomFile, image } from "../unit/curation/anonymise/build.ts";
import { writeZip } from "../unit/curation/archives/make.ts";
import { drawsOf, kindOf, pointsOf, within } from "./draws.ts";
import { Findings } from "./findings.ts";
import { CHANGES, type Fault, Interposer, unavailable } from "./interposer.ts";
import { expectNamed, type Outcome, Program, runOnce } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-other-writers-"));
const at = (...parts: string[]): string => join(folder, ...parts);
/** All that the verbs write goes below this folder. */
const outputs = at("outputs");
const data = at("data");
const picture = join(data, "test", "glioma", "0.png");
const other = join(data, "test", "glioma", "1.png");

const few = ["--threads", "1"];
const verbs: Record<string, string[]> = {
  predict: ["predict", "--checkpoint", at("classifier.safetensors"), picture, ...few],
  maps: [
    "maps",
    "--checkpoint",
    at("classifier.safetensors"),
    picture,
    other,
    "--output-dir",
    join(outputs, "maps"),
    ...few,
  ],
  reconstruct: [
    "reconstruct",
    "--checkpoint",
    at("pretrained.safetensors"),
    picture,
    "--output-dir",
    join(outputs, "pictures"),
    ...few,
  ],
  eval: [
    "eval",
    "--checkpoint",
    at("classifier.safetensors"),
    "--data-path",
    data,
    "--output-dir",
    join(outputs, "eval"),
    "--workers",
    "0",
    ...few,
  ],
  "data show": ["data", "show", picture, "--png", join(outputs, "shown.png"), "--array", join(outputs, "shown.npy")],
  "data stats": ["data", "stats", data, "--output", join(outputs, "stats.yaml"), "--workers", "0"],
  "data split": ["data", "split", data, "--folds", "2", "--output", join(outputs, "splits.csv")],
  "data check": ["data", "check", data, "--output-dir", join(outputs, "check"), "--workers", "0"],
  "data anonymise": [
    "data",
    "anonymise",
    at("study"),
    "--output-dir",
    join(outputs, "anonymous"),
    "--key",
    "only for the tests",
  ],
  "data prepare": [
    "data",
    "prepare",
    "messidor2",
    at("IMAGES.zip"),
    at("messidor_data.csv"),
    "--output-dir",
    join(outputs, "messidor2"),
  ],
};

const interposer = unavailable ? undefined : new Interposer();
const program = new Program(interposer);

beforeAll(async () => {
  await writeDataSet(data, 2);
  await writeMicroModel(at("classifier.safetensors"), classifier);
  await writeMicroModel(at("pretrained.safetensors"), pretrained);
  mkdirSync(at("study"));
  for (const name of ["a.dcm", "b.dcm"]) writeFileSync(at("study", name), dicomFile(image(), "1.2.840.10008.1.2.1"));
  const names = Array.from({ length: 20 }, (_, i) => `IM${String(i).padStart(6, "0")}.JPG`);
  await writeZip(at("IMAGES.zip"), Object.fromEntries(names.map((name) => [`IMAGES/${name}`, `content of ${name}`])));
  const grades = names.map((name, i) => `${name},${i % 5},0,1`);
  writeFileSync(
    at("messidor_data.csv"),
    ["image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable", ...grades].join("\n"),
  );
});
afterAll(() => {
  program.close();
  interposer?.close();
  rmSync(folder, { recursive: true });
});

/** Digests of all files below the outputs, by path. */
function written(): Record<string, string> {
  if (!existsSync(outputs)) return {};
  const files = readdirSync(outputs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(outputs.length + 1), createHash("sha256").update(readFileSync(path)).digest("hex")];
    }),
  );
}

async function anew(argv: readonly string[], run: (argv: readonly string[]) => Promise<Outcome>): Promise<Outcome> {
  rmSync(outputs, { recursive: true, force: true });
  mkdirSync(outputs);
  return run(argv);
}

/** Seconds for the failing calls, and for the kills, of each verb, and how many calls at least. */
const SECONDS = 3;
const LEAST = 4;

const writers = Object.entries(verbs).filter(([name]) => name !== "predict");
describe.skipIf(unavailable).each(writers)(`%s${unavailable ? ` SKIPPED: ${unavailable}` : ""}`, (name, argv) => {
  const draws = drawsOf(40, Object.keys(verbs).indexOf(name));
  let whole: Record<string, string>;
  /** Files that differ from run to run by their times. */
  let varying: Set<string>;
  /** Of a folder that is its own a command also clears away what a killed one has left hidden there. */
  const inFolder = argv.includes("--output-dir");
  let points: number[];
  let kinds: number;

  beforeAll(async () => {
    const first = await anew(argv, (parts) => program.run(parts));
    expect(first.code, first.stderr).toBe(0);
    const before = written();
    interposer?.arm(outputs, CHANGES);
    await anew(argv, (parts) => program.run(parts));
    whole = written();
    varying = new Set(Object.keys(whole).filter((path) => whole[path] !== before[path]));
    const calls = interposer?.calls ?? [];
    ({ points, kinds } = pointsOf(calls, outputs, draws));
    expect(Object.keys(whole).length).toBeGreaterThan(0);
    expect(kinds).toBeGreaterThan(3);
  });

  /** What is under a name that begins with a dot is hidden: the next command finishes or removes it. */
  function shown(): Record<string, string> {
    return Object.fromEntries(Object.entries(written()).filter(([path]) => !/(^|\/)\./.test(path)));
  }

  function expectWholeFiles(): void {
    for (const [path, digest] of Object.entries(shown())) {
      expect(Object.keys(whole)).toContain(path);
      if (!varying.has(path)) expect({ path, digest }).toEqual({ path, digest: whole[path] });
    }
  }

  async function expectNextRunWhole(): Promise<void> {
    const next = await program.run(argv);
    // Whole or in part, what stands under its final name is replaced only where that is asked for.
    const again = next.stderr.includes("--overwrite") ? await program.run([...argv, "--overwrite"]) : next;
    expect(again.code, again.stderr).toBe(0);
    const lasting = Object.entries(whole).filter(([path]) => !varying.has(path));
    // But for the file that was being written beside those of an earlier picture.
    const now = inFolder
      ? Object.fromEntries(Object.entries(written()).filter(([path]) => !path.endsWith(".tmp")))
      : shown();
    expect(Object.keys(now).sort()).toEqual(Object.keys(whole).sort());
    expect(now).toMatchObject(Object.fromEntries(lasting));
  }

  test("each call that fails is a named error that leaves whole files only, or of no consequence", async () => {
    const findings = new Findings();
    let failed = 0;
    for (const point of within(SECONDS, points, LEAST)) {
      const error = draws.uniform() < 0.5 ? "EIO" : "ENOSPC";
      interposer?.arm(outputs, CHANGES, { action: "fail", at: point, error, lasting: error === "ENOSPC" });
      const outcome = await anew(argv, (parts) => program.run(parts));
      const call = interposer?.fired;
      interposer?.disarm();
      if (call === undefined) continue;
      failed++;
      await findings.check(`${error} at call ${point}, ${kindOf(call, outputs)}`, async () => {
        expect(outcome.open.join()).toBe("");
        expectWholeFiles();
        expect(Object.keys(written()).filter((path) => path.endsWith(".tmp"))).toEqual([]);
        if (outcome.code === 0) {
          expect(Object.keys(shown()).sort()).toEqual(Object.keys(whole).sort());
        } else {
          expectNamed(outcome);
          await expectNextRunWhole();
        }
      });
    }
    console.log(`${name}: ${failed} of ${points.length} calls failed, of ${kinds} kinds`);
    findings.expectNone();
    expect(failed).toBeGreaterThan(LEAST / 2);
  });

  test("SIGKILL before and in the middle of calls leaves whole files only, and the next run is as if there had been none", async () => {
    const findings = new Findings();
    let killed = 0;
    for (const point of within(SECONDS, points, LEAST / 2)) {
      const fault: Fault = { action: draws.uniform() < 0.5 ? "tear" : "kill", at: point };
      interposer?.arm(outputs, CHANGES, fault);
      const outcome = await anew(argv, (parts) => runOnce(parts, { interposer }));
      const call = interposer?.fired;
      interposer?.disarm();
      if (call === undefined || outcome.signal === null) continue;
      killed++;
      await findings.check(`${fault.action} at call ${point}, ${kindOf(call, outputs)}`, async () => {
        expectWholeFiles();
        await expectNextRunWhole();
      });
    }
    console.log(`${name}: killed at ${killed} calls`);
    findings.expectNone();
    expect(killed).toBeGreaterThan(0);
  });
});

describe.skipIf(!existsSync("/dev/full"))("standard output on a full disk", () => {
  test.each(["predict", "maps", "data stats", "data split"])("%s: a named error", async (name) => {
    rmSync(outputs, { recursive: true, force: true });
    mkdirSync(outputs);
    const { code, stderr } = await runOnce(verbs[name] as string[], { stdout: "/dev/full" });
    expect(stderr).toMatch(/^error\[Config\]: .*full disk/m);
    expect(code).toBe(2);
  });
});
