import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RandomStream } from "../../src/support/random.ts";
import { DAMAGED_LOG } from "../../src/training/records/index.ts";
import { drawsOf, shuffle, within } from "./draws.ts";
import { Findings } from "./findings.ts";
import { expectNamed, Program } from "./program.ts";
import { command, contents, continued, differences, verbs, writeImages } from "./training-runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-damage-"));
const data = join(folder, "data");
const program = new Program();
beforeAll(() => writeImages(data));
afterAll(() => {
  program.close();
  rmSync(folder, { recursive: true });
});

/** Seconds for each verb, beyond three mutations of each file. */
const SECONDS = 15;

/** One change of one file. */
interface Mutation {
  file: string;
  about: string;
  apply(path: string): void;
}

/**
 * Flips of bits and cuts: at both ends, on both sides of a checkpoint's header, in the name of its checksum, and where
 * the draws fall.
 */
function mutationsOf(path: string, file: string, draws: RandomStream): Mutation[] {
  const bytes = readFileSync(path);
  const header = file.endsWith(".safetensors") ? 8 + Number(bytes.readBigUInt64LE(0)) : Math.min(64, bytes.length);
  const checksum = bytes.subarray(0, header).indexOf('"sha256"');
  const somewhere = (from: number, to: number) => draws.integer(from, Math.max(from, to - 1));
  const flipped = [
    somewhere(0, Math.min(8, bytes.length)),
    somewhere(0, header),
    somewhere(0, header),
    header - 1,
    checksum < 0 ? -1 : checksum + somewhere(1, 7),
    somewhere(header, bytes.length),
    somewhere(header, bytes.length),
    bytes.length - 1,
  ];
  const flips = flipped
    .filter((at) => at >= 0 && at < bytes.length)
    .map((at): Mutation => {
      const bit = draws.integer(0, 7);
      const apply = (target: string) => {
        const changed = readFileSync(target);
        changed[at] = (changed[at] as number) ^ (1 << bit);
        writeFileSync(target, changed);
      };
      return { file, about: `bit ${bit} of byte ${at} of ${bytes.length} flipped`, apply };
    });
  const lengths = [0, somewhere(0, header), header, somewhere(header, bytes.length), bytes.length - 1];
  const cuts = lengths
    .filter((length) => length >= 0 && length < bytes.length)
    .map((length): Mutation => {
      return {
        file,
        about: `cut from ${bytes.length} to ${length} bytes`,
        apply: (target) => truncateSync(target, length),
      };
    });
  return shuffle([...flips, ...cuts], draws);
}

/** A mutation of each file in turn. */
function inTurns(lists: Mutation[][]): Mutation[] {
  const rounds = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list[round] ?? [])).flat();
}

describe.each(verbs)("%s", (verb) => {
  const output = join(folder, verb);
  const stopped = join(folder, `${verb} stopped`);
  const argv = command(verb, data, output);
  const draws = drawsOf(20 + verbs.indexOf(verb));
  let whole: Record<string, unknown>;
  let files: string[];

  beforeAll(async () => {
    const outcome = await program.run(argv);
    expect(outcome.code, outcome.stderr).toBe(0);
    whole = contents(output);
    rmSync(output, { recursive: true });
    // In the last epoch, after its first step: the log has a line, and there is a numbered checkpoint.
    const interrupted = await program.run(argv, { stopAtStep: 4 });
    expect(interrupted.code, interrupted.stderr).toBe(130);
    cpSync(output, stopped, { recursive: true });
    files = readdirSync(stopped);
    expect(files.length).toBeGreaterThan(8);
  });

  test("every file of an interrupted run, damaged: resuming is a named error or gives the same bytes", async () => {
    const mutations = inTurns(files.map((file) => mutationsOf(join(stopped, file), file, draws)));
    const counts = { named: 0, exact: 0 };
    const named = new Set<string>();
    const findings = new Findings();
    for (const { file, about, apply } of within(SECONDS, mutations, 3 * files.length)) {
      rmSync(output, { recursive: true });
      cpSync(stopped, output, { recursive: true });
      apply(join(output, file));
      const told = `${file}: ${about}`;
      // A numbered checkpoint is looked at only when it is asked for.
      const numbered = /^checkpoint-\d+/.exec(file)?.[0];
      const parts = numbered ? [...argv, "--resume", join(output, `${numbered}.safetensors`)] : continued(argv, output);
      const outcome = await program.run(parts);
      await findings.check(told, () => {
        if (outcome.code === 0) {
          // A damaged log is mended, said so, and kept.
          const kept = outcome.stderr.includes("log.txt is not as it was written") ? [DAMAGED_LOG] : [];
          expect(differences(output, whole)).toEqual(kept);
          counts.exact++;
        } else {
          expectNamed(outcome);
          counts.named++;
          named.add(file);
        }
      });
    }
    console.log(
      `${verb}: ${counts.named + counts.exact} mutations of ${files.length} files: ${counts.named} named errors (${[...named].sort().join(", ")}), ${counts.exact} exact resumes`,
    );
    findings.expectNone();
    // The average is not read: it is part of the state too, and is written anew.
    const read = files.filter((name) => name.endsWith(".safetensors") && name !== "ema.safetensors");
    for (const file of read) expect(named).toContain(file);
  });

  test("damaged weights are a named error, or are used as if they were not", async () => {
    const findings = new Findings();
    const picture = join(data, "test", "disc", "0000.png");
    const use = (path: string) =>
      program.run(
        verb === "pretrain" ? ["inspect", path] : ["predict", "--checkpoint", path, picture, "--threads", "1"],
      );
    const file = "last.safetensors";
    const path = join(output, file);
    rmSync(output, { recursive: true });
    cpSync(stopped, output, { recursive: true });
    const undamaged = await use(path);
    expect(undamaged.code, undamaged.stderr).toBe(0);
    const counts = { named: 0, same: 0 };
    const mutations = mutationsOf(path, file, draws);
    for (const { about, apply } of mutations) {
      cpSync(join(stopped, file), path);
      apply(path);
      const outcome = await use(path);
      await findings.check(`${file}: ${about}`, () => {
        if (outcome.code !== 0) {
          expectNamed(outcome);
          counts.named++;
        } else {
          expect(outcome.stdout).toBe(undamaged.stdout);
          counts.same++;
        }
      });
    }
    console.log(
      `${verb}: ${mutations.length} mutations of weights in use: ${counts.named} named errors, ${counts.same} without effect`,
    );
    findings.expectNone();
    expect(counts.named).toBeGreaterThan(mutations.length / 2);
  });
});
