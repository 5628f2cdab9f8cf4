import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { drawsOf, killsPerVerb, kindOf, pointsOf, shuffle, within } from "./draws.ts";
import { Findings } from "./findings.ts";
import { CHANGES, type Fault, Interposer, unavailable } from "./interposer.ts";
import { expectNamed, Program, runOnce } from "./program.ts";
import { command, contents, continued, differences, type Verb, verbs, writeImages } from "./training-runs.ts";

/** Seconds for the kills at chosen calls, for each verb, and how many at least. */
const SECONDS = 10;
const LEAST = 12;

/**
 * The kills of one verb. Each verb is a test file of its own, so that both cores are at work to the end.
 */
export function testKills(verb: Verb): void {
  const folder = mkdtempSync(join(tmpdir(), "msmae-kills-"));
  const data = join(folder, "data");
  beforeAll(() => writeImages(data));
  afterAll(() => rmSync(folder, { recursive: true }));
  const output = join(folder, verb);
  // The first epoch ends half way: every second kill then meets a run that has something to go on from.
  const argv = command(verb, data, output, { epochs: 3 });
  const draws = drawsOf(10 + verbs.indexOf(verb));
  /** Of an uninterrupted run. */
  let whole: Record<string, unknown>;
  let seconds: number;

  beforeAll(async () => {
    // The first run also compiles the sources; the second is as long as those to come.
    for (const _ of [1, 2]) {
      rmSync(output, { recursive: true, force: true });
      const outcome = await runOnce(argv);
      expect(outcome.code, outcome.stderr).toBe(0);
      seconds = outcome.seconds;
    }
    whole = contents(output);
  });

  test(`SIGKILL at ${killsPerVerb} random instants, and again while it goes on: always the bytes of the uninterrupted run`, async () => {
    const counts = { kills: 0, resumedKills: 0, runs: 0, longest: 0 };
    const findings = new Findings();
    while (counts.kills < killsPerVerb) {
      rmSync(output, { recursive: true, force: true });
      const instants: string[] = [];
      for (;;) {
        // Late ones more often: a process begins by loading code, and nothing of the run is there yet.
        const instant = (1 - draws.uniform() ** 2) * seconds * 1000;
        const parts = continued(argv, output);
        const kill = counts.kills < killsPerVerb ? { killAfterMs: instant } : {};
        const outcome = await runOnce(parts, kill);
        if (outcome.signal === "SIGKILL") {
          expect(counts.kills, "runs that nobody killed end").toBeLessThan(killsPerVerb);
          counts.kills++;
          if (parts.includes("--resume")) counts.resumedKills++;
          instants.push(instant.toFixed(0));
          continue;
        }
        // As fast as the machine is by now: instants after the end of a run are for nothing.
        if (!parts.includes("--resume")) seconds = (seconds + outcome.seconds) / 2;
        await findings.check(`killed at ${instants.join(", ")} ms`, () => {
          expect(outcome.stderr).toBe("");
          expect(outcome.code).toBe(0);
          expect(differences(output, whole)).toEqual([]);
        });
        break;
      }
      counts.runs++;
      counts.longest = Math.max(counts.longest, instants.length);
    }
    const { kills, resumedKills, runs, longest } = counts;
    console.log(
      `${verb}: killed at ${kills} instants of ${runs} runs of ${seconds.toFixed(1)} s, ${resumedKills} of them resumed ones, up to ${longest} times in a row`,
    );
    findings.expectNone();
  });

  test.skipIf(unavailable)(
    `SIGKILL before and in the middle of calls that write${unavailable ? ` SKIPPED: ${unavailable}` : ""}`,
    async () => {
      const interposer = new Interposer();
      const program = new Program();
      try {
        rmSync(output, { recursive: true, force: true });
        interposer.arm(output, CHANGES);
        const counted = await runOnce(argv, { interposer });
        expect(counted.code, counted.stderr).toBe(0);
        const calls = interposer.calls;
        const { points, kinds } = pointsOf(calls, output, draws);
        const findings = new Findings();
        let killed = 0;
        for (const at of within(SECONDS, points, LEAST)) {
          const isWrite = calls[at - 1]?.operation === "write";
          const fault: Fault = { action: isWrite && draws.uniform() < 0.5 ? "tear" : "kill", at };
          rmSync(output, { recursive: true, force: true });
          interposer.arm(output, CHANGES, fault);
          const outcome = await runOnce(argv, { interposer });
          if (interposer.fired === undefined) continue;
          killed++;
          await findings.check(`${fault.action} at call ${at}, ${kindOf(interposer.fired, output)}`, async () => {
            expect(outcome.signal).toBe("SIGKILL");
            const resumed = await program.run(continued(argv, output));
            expect(resumed.stderr).toBe("");
            expect(resumed.code).toBe(0);
            expect(differences(output, whole)).toEqual([]);
          });
        }
        console.log(`${verb}: killed at ${killed} of ${calls.length} calls, of ${kinds} kinds`);
        findings.expectNone();
        expect(killed).toBeGreaterThan(LEAST / 2);
      } finally {
        program.close();
        interposer.close();
      }
    },
  );

  test.skipIf(unavailable)(
    `SIGKILL while a run takes the place of another leaves one of the two whole${unavailable ? ` SKIPPED: ${unavailable}` : ""}`,
    async () => {
      const interposer = new Interposer();
      const program = new Program();
      const earlier = join(folder, `${verb} earlier`);
      const replacing = [...argv, "--overwrite"];
      const standing = () => {
        rmSync(output, { recursive: true, force: true });
        cpSync(earlier, output, { recursive: true });
      };
      try {
        rmSync(output, { recursive: true, force: true });
        const first = await program.run(command(verb, data, output, { seed: 9 }));
        expect(first.code, first.stderr).toBe(0);
        cpSync(output, earlier, { recursive: true });
        const old = contents(earlier);
        interposer.arm(output, CHANGES);
        const counted = await runOnce(replacing, { interposer });
        expect(counted.code, counted.stderr).toBe(0);
        // The calls by which files change places.
        const calls = interposer.calls;
        const moves = calls.flatMap(({ operation }, at) => (/^(rename|mkdir|unlink)$/.test(operation) ? [at + 1] : []));
        const findings = new Findings();
        const kept = { old: 0, new: 0 };
        for (const at of within(SECONDS, shuffle(moves, draws), LEAST / 2)) {
          standing();
          interposer.arm(output, CHANGES, { action: "kill", at });
          const outcome = await runOnce(replacing, { interposer });
          if (interposer.fired === undefined) continue;
          await findings.check(`kill at call ${at}, ${kindOf(interposer.fired, output)}`, async () => {
            expect(outcome.signal).toBe("SIGKILL");
            // Refused where the earlier run, of other options, is the folder's.
            const resumed = await program.run([...argv, "--resume", output]);
            if (resumed.code === 0) {
              expect(differences(output, whole)).toEqual([]);
              kept.new++;
            } else {
              expectNamed(resumed);
              expect(differences(output, old)).toEqual([]);
              kept.old++;
            }
          });
        }
        console.log(
          `${verb}: replacing killed at ${kept.old + kept.new} of ${moves.length} calls that move files: the earlier run stood ${kept.old} times, the new one went on ${kept.new} times`,
        );
        findings.expectNone();
        expect(kept.old + kept.new).toBeGreaterThan(1);
      } finally {
        program.close();
        interposer.close();
      }
    },
  );
}
