import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SegmentInput } from "../../../src/config/index.ts";
import { describeModelFile } from "../../../src/interop/model-file.ts";
import type { RunEvent, RunHooks } from "../../../src/support/events.ts";
import { readProgress } from "../../../src/training/checkpoint.ts";
import { type SegmentResult, segment } from "../../../src/training/tasks/segment.ts";
import { digests, flags, loggedEpochs, msmae, startMsmae } from "../runs.ts";
import { segmenting, writeMaskedPhantoms } from "./masked.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-resume-segment-"));
const at = (...parts: string[]): string => join(folder, ...parts);
let data: Awaited<ReturnType<typeof writeMaskedPhantoms>>;
beforeAll(async () => {
  data = await writeMaskedPhantoms(at("data"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const STEPS = 7;
const kinds: [string, Partial<SegmentInput>][] = [
  ["on all patches", {}],
  // The maps are made anew before 0 and 2 and kept in between; the last epoch runs on all patches.
  ["on the patches attended most", { keepRatio: 0.5, epochs: 4, fullTokenEpochs: 1, mapInterval: 2 }],
];
const inputOf = (name: string, more: Partial<SegmentInput>): SegmentInput => ({
  ...segmenting(data.kinds, at(name)),
  loss: "ce-dice",
  ...more,
});

/** Aborts a run at the first event that `when` holds for. */
function stopping(when: (event: RunEvent, step: number) => boolean): RunHooks {
  const controller = new AbortController();
  let step = 0;
  const onEvent = (event: RunEvent): void => {
    if (event.type === "step") step = event.step;
    if (when(event, step)) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}
const isPhase = (event: RunEvent, name: string) => event.type === "phase" && event.name === name;

describe.each(kinds)("segmentation %s", (name, more) => {
  const whole = at(`${name} whole`);
  let result: SegmentResult;
  beforeAll(async () => {
    result = await segment(inputOf(`${name} whole`, more));
  });

  test.each<[string, (event: RunEvent, step: number) => boolean, number]>([
    ["inside an epoch", (event) => event.type === "step" && event.step === STEPS + 3, STEPS + 3],
    ["between epochs", (event, step) => step === 2 * STEPS && isPhase(event, "validation"), 2 * STEPS],
    ["while the best weights are measured", (event) => isPhase(event, "evaluation"), (more.epochs ?? 3) * STEPS],
  ])("stopped %s goes on from there to the same bytes, log and figures", async (place, when, step) => {
    const outputDir = at(`${name} stopped ${place}`);
    const input = inputOf(`${name} stopped ${place}`, more);
    const stopped = segment(input, stopping(when));
    await expect(stopped).rejects.toMatchObject({ code: "Interrupted" });
    const last = join(outputDir, "last.safetensors");
    const { description } = await describeModelFile(last);
    expect((await readProgress(last, description.step)).step).toBe(step);
    const again = await segment({ ...input, resume: outputDir });
    expect(digests(outputDir)).toEqual(digests(whole));
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(whole));
    expect({ ...again, checkpoint: "", seconds: 0 }).toEqual({ ...result, checkpoint: "", seconds: 0 });
  });
});

test("killed inside an epoch it goes on to the same bytes", async () => {
  const [name, more] = kinds[1] as (typeof kinds)[number];
  const input = inputOf("killed", more);
  const script = join(import.meta.dirname, "../killed-run.ts");
  const argv = [script, String(2 * STEPS + 2), "segment", ...flags(input)];
  const killed = spawnSync(process.execPath, argv, { encoding: "utf8" });
  expect(killed.signal, killed.stderr).toBe("SIGKILL");
  await segment({ ...input, resume: at("killed") });
  expect(digests(at("killed"))).toEqual(digests(at(`${name} whole`)));
});

test("SIGINT ends the command with 130 and everything saved; --resume finishes it to the same bytes", async () => {
  const [name, more] = kinds[1] as (typeof kinds)[number];
  const outputDir = at("sigint");
  const argv = ["segment", ...flags(inputOf("sigint", more)), "--json"];
  const { child, ended } = startMsmae(...argv);
  const log = join(outputDir, "log.txt");
  while (child.exitCode === null && !(existsSync(log) && readFileSync(log, "utf8").includes("\n"))) await setTimeout(2);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(130);
  expect(stderr).toContain("error[Interrupted]");
  expect(stderr).toContain(`--resume ${outputDir}`);
  const resumed = msmae(...argv, "--resume", outputDir);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ epochs: 4, checkpoint: join(outputDir, "best.safetensors") });
  expect(digests(outputDir)).toEqual(digests(at(`${name} whole`)));
});

describe("a run that ended", () => {
  test("within its warm-up, made longer, gives the bytes of the longer run", async () => {
    const warm = { warmupEpochs: 2, saveEvery: 2, keepRatio: 0.5, fullTokenEpochs: 0, mapInterval: 1 };
    const input = (name: string, epochs: number) => inputOf(name, { ...warm, epochs });
    await segment(input("long", 4));
    await segment(input("short", 2));
    await segment({ ...input("short", 4), resume: at("short") });
    expect(loggedEpochs(at("short"))).toEqual(loggedEpochs(at("long")));
    const [made, asked] = [digests(at("short")), digests(at("long"))];
    for (const file of ["last.safetensors", "last.28.state.safetensors", "best.safetensors"]) {
      expect(asked[file]).toBeDefined();
      expect([file, made[file]]).toEqual([file, asked[file]]);
    }
  });

  test.each<[Partial<SegmentInput>, RegExp]>([
    [{ loss: "dice" }, /loss "ce-dice".*got.*loss "dice"/],
    [{ head: "setr-naive" }, /head "light".*got.*head "setr-naive"/],
    [{ keepRatio: 0.5 }, /keepRatio 1.*got.*keepRatio 0.5/],
  ])("does not go on with %o", async (change, message) => {
    const name = `${(kinds[0] as (typeof kinds)[number])[0]} whole`;
    const refused = segment({ ...inputOf(name, {}), ...change, resume: at(name) });
    await expect(refused).rejects.toMatchObject({ code: "Checkpoint", message: expect.stringMatching(message) });
  });
});
