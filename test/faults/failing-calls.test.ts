import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawsOf, kindOf, pointsOf, within } from "./draws.ts";
import { Findings } from "./findings.ts";
import { type Call, CHANGES, type Fault, Interposer, unavailable } from "./interposer.ts";
import { expectNamed, Program } from "./program.ts";
import { command, contents, continued, differences, verbs, writeImages } from "./training-runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-failing-calls-"));
const data = join(folder, "data");
beforeAll(() => writeImages(data));
afterAll(() => rmSync(folder, { recursive: true }));

/** Seconds for each verb, and how many calls at least. */
const SECONDS = 30;
const LEAST = 30;

/** A full disk stays full; a fault of the disk comes once. */
const failures: Omit<Fault, "at">[] = [
  { action: "fail", error: "ENOSPC", lasting: true },
  { action: "fail", error: "EIO" },
];
/** What the operating system may do to any write without anything being wrong. */
const hindrances: Omit<Fault, "at">[] = [{ action: "shorten" }, { action: "fail", error: "EINTR" }];

describe.skipIf(unavailable).each(verbs)(`%s${unavailable ? ` SKIPPED: ${unavailable}` : ""}`, (verb) => {
  const output = join(folder, verb);
  const argv = command(verb, data, output);
  const draws = drawsOf(verbs.indexOf(verb));
  let interposer: Interposer;
  let program: Program;
  let calls: readonly Call[];
  let whole: Record<string, unknown>;

  beforeAll(async () => {
    interposer = new Interposer();
    program = new Program(interposer);
    interposer.arm(output, CHANGES);
    const outcome = await program.run(argv);
    expect(outcome.code, outcome.stderr).toBe(0);
    calls = interposer.calls;
    whole = contents(output);
  });
  afterAll(() => {
    program.close();
    interposer.close();
  });

  /** Runs with one call going wrong; undefined where the run did not come to as many calls. */
  async function runWith(fault: Fault) {
    rmSync(output, { recursive: true, force: true });
    interposer.arm(output, CHANGES, fault);
    const outcome = await program.run(argv);
    const call = interposer.fired;
    interposer.disarm();
    return call && { ...outcome, call: kindOf(call, output) };
  }

  test("each call that fails is a named error, or of no consequence; the run goes on from there to the same bytes", async () => {
    const { points, kinds } = pointsOf(calls, output, draws);
    const tried = { failed: 0, endured: new Set<string>() };
    const findings = new Findings();
    for (const at of within(SECONDS, points, LEAST)) {
      const fault = failures[draws.integer(0, failures.length - 1)] as Omit<Fault, "at">;
      const outcome = await runWith({ ...fault, at });
      if (outcome === undefined) continue;
      tried.failed++;
      await findings.check(`${fault.error} at call ${at}, ${outcome.call}`, async () => {
        expect(outcome.open.join()).toBe("");
        if (outcome.code === 0) {
          tried.endured.add(outcome.call);
          expect(differences(output, whole)).toEqual([]);
          return;
        }
        expectNamed(outcome);
        expect(leftovers(output)).toEqual([]);
        const resumed = await program.run(continued(argv, output));
        expect(resumed.stderr).toBe("");
        expect(resumed.code).toBe(0);
        expect(differences(output, whole)).toEqual([]);
      });
    }
    console.log(
      `${verb}: ${tried.failed} of ${calls.length} calls failed, of ${kinds} kinds; no consequence: ${[...tried.endured].sort().join(", ") || "none"}`,
    );
    findings.expectNone();
    expect(tried.failed).toBeGreaterThan(LEAST / 2);
  });

  test("writes that take fewer bytes than given or are interrupted change nothing", async () => {
    const { points, kinds } = pointsOf(calls, output, draws);
    const writes = points.filter((at) => calls[at - 1]?.operation === "write");
    const writeKinds = new Set(points.slice(0, kinds).filter((at) => calls[at - 1]?.operation === "write")).size;
    const findings = new Findings();
    let tried = 0;
    for (const at of within(SECONDS / 5, writes, LEAST / 5)) {
      const outcome = await runWith({ ...(hindrances[tried % 2] as Omit<Fault, "at">), at });
      if (outcome === undefined) continue;
      tried++;
      await findings.check(`call ${at}, ${outcome.call}`, () => {
        expect(outcome.stderr).toBe("");
        expect(outcome.code).toBe(0);
        expect(differences(output, whole)).toEqual([]);
      });
    }
    console.log(`${verb}: ${tried} writes shortened or interrupted, of ${writeKinds} kinds`);
    findings.expectNone();
    expect(tried).toBeGreaterThan(LEAST / 10);
  });
});

/** Files under a name that is not theirs for good. */
function leftovers(output: string): string[] {
  if (!existsSync(output)) return [];
  return readdirSync(output, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tmp"));
}
