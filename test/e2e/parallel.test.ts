import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinetuneInput } from "../../src/config/index.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { segment } from "../../src/training/tasks/segment.ts";
import { launchers, msmaeRanks, runRanks, skipped, startRanks } from "./mpi.ts";
import { digests, type Ended, finetuning, flags, loggedEpochs, pretraining, writePhantoms } from "./runs.ts";
import { segmenting } from "./segmentation/masked.ts";

// Processes start by the dozen here, on a machine that has other work.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-parallel-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
beforeAll(() => writePhantoms(data));
afterAll(() => rmSync(folder, { recursive: true }));

/** Three steps an epoch of four batches, and one of three: not all processes have a batch at its end. */
const accumulating = { batchSize: 2, accumIter: 4, clipGrad: 1, emaDecay: 0.9 };

function tuning(outputDir: string): FinetuneInput {
  return { ...finetuning(data, outputDir), ...accumulating, epochs: 3, saveEvery: 3 };
}

const partsProgram = join(import.meta.dirname, "parts-program.ts");

/** What each process has trained: digests of the weights, with the losses on the way. */
function weightsOf({ code, stdout, stderr }: Ended): string[] {
  expect(code, stderr).toBe(0);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const { weights, losses } = JSON.parse(line) as { weights: string; losses: number[] };
      return `${weights} ${losses}`;
    });
}

describe.skipIf(skipped !== "").each(launchers)("processes of $name", (launcher) => {
  test("add in the order of the ranks, and tell each other values of any length", () => {
    const { code, stdout, stderr } = runRanks(launcher, 3, [join(import.meta.dirname, "ranks-program.ts")]);
    expect(code, stderr).toBe(0);
    const seen = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { rank: number });
    const common = {
      size: 3,
      sums: true,
      shared: true,
      gathered: [0, 1, 2].map((rank) => ({ rank, loss: rank === 1 ? "NaN" : 0.1 * rank })),
      long: [0, 20_000, 40_000],
      lossy: { alike: true, bf16: true, int8: true },
      spread: [["maps", { 0: 0.5, 1: 1 }]],
    };
    expect(seen.toSorted((a, b) => a.rank - b.rank)).toEqual(
      [0, 1, 2].map((rank) => ({
        rank,
        ...common,
        failure: `${rank === 0 ? "MsmaeError" : "ToldByFirst"}: a: expected b, got c; d`,
      })),
    );
  });

  test("exchange parts of the gradients while others are computed, and train to the bytes of one process", () => {
    const results = [1, 2, 4].map((ranks) => weightsOf(runRanks(launcher, ranks, [partsProgram, "fp32"])));
    expect(new Set(results.flat()).size).toBe(1);
    expect(results.map(({ length }) => length)).toEqual([1, 2, 4]);
  });

  test("exchange parts in fewer bits, and keep the same weights", () => {
    const weights = weightsOf(runRanks(launcher, 2, [partsProgram, "int8"]));
    expect(weights).toHaveLength(2);
    expect(new Set(weights).size).toBe(1);
  });

  test("train a network with running statistics to the bytes of one process", async () => {
    const input = {
      ...finetuning(data, at("networks")),
      ...{ model: "resnet_micro", dropPath: 0, epochs: 1, saveEvery: 1, warmupEpochs: 0, accumIter: 2 },
    };
    const { mapInterval: _, ...whole } = input;
    const alone = at(`network of one beside ${launcher.name}`);
    await finetune({ ...whole, outputDir: alone });
    const outputDir = at(`network of ${launcher.name}`);
    const main = join(import.meta.dirname, "../../src/apps/cli/main.ts");
    const ended = runRanks(launcher, 2, [main, "finetune", ...flags({ ...whole, outputDir })]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(digests(outputDir)).toEqual(digests(alone));
  });
});

describe.skipIf(skipped !== "")(`training by several processes${skipped}`, () => {
  const alone = at("tuning of one");
  beforeAll(() => finetune(tuning(alone)));

  test("four give the bytes and the figures of one, and the first alone speaks and writes", () => {
    const outputDir = at("tuning of four");
    const ended = msmaeRanks(4, ["finetune", ...flags(tuning(outputDir)), "--json"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(digests(outputDir)).toEqual(digests(alone));
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(alone));
    expect(ended.stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ epochs: 3 });
    expect(ended.stderr.match(/epoch 3\/3 done/g)).toHaveLength(1);
    const events = readdirSync(outputDir).filter((name) => name.startsWith("events.out"));
    expect(events).toHaveLength(1);
  });

  test("two pre-train with maps that are made anew to the bytes of one", async () => {
    const input = { ...pretraining(data, at("maps of one")), batchSize: 4, accumIter: 2, epochs: 4 };
    await pretrain(input);
    const outputDir = at("maps of two");
    const ended = msmaeRanks(2, ["pretrain", ...flags({ ...input, outputDir })]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(digests(outputDir)).toEqual(digests(at("maps of one")));
  });

  test("two learn to outline lesions, budget and validation included, to the bytes of one", async () => {
    const input = {
      ...segmenting(join(data, "masks.csv"), at("masks of one")),
      ...{ accumIter: 2, keepRatio: 0.5, fullTokenEpochs: 1, mapInterval: 1, warmupEpochs: 1 },
    };
    await segment(input);
    const outputDir = at("masks of two");
    const ended = msmaeRanks(2, ["segment", ...flags({ ...input, outputDir })]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(digests(outputDir)).toEqual(digests(at("masks of one")));
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(at("masks of one")));
  });

  test("one that is killed ends all within ten seconds, and one process alone goes on to the same bytes", async () => {
    const outputDir = at("killed");
    const { child, ended } = startRanks(2, ["finetune", ...flags(tuning(outputDir))]);
    let killed = 0;
    child.stderr?.on("data", () => {
      if (killed > 0 || !existsSync(join(outputDir, "last.safetensors"))) return;
      killed = performance.now();
      process.kill(processOf(outputDir, 1), "SIGKILL");
    });
    const { code, stdout, stderr } = await ended;
    expect(killed).toBeGreaterThan(0);
    expect((performance.now() - killed) / 1000).toBeLessThan(10);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/signal 9/);
    expect(digests(outputDir)["last.safetensors"]).not.toBe(digests(alone)["last.safetensors"]);
    // The launcher may be gone a moment before the process that it has ended: until then the folder is in use.
    await vi.waitFor(() => expect(() => processOf(outputDir, 0)).toThrow(/not found/), { timeout: 10_000 });
    await finetune({ ...tuning(outputDir), resume: outputDir });
    expect(digests(outputDir)).toEqual(digests(alone));
  });

  test("gradients in 8 bits are another training of nearly the same loss, which one process can go on with", async () => {
    const outputDir = at("tuning in 8 bits");
    const fewer = { exchange: "int8", exchangeParts: 3 } as const;
    const ended = msmaeRanks(2, ["finetune", ...flags({ ...tuning(outputDir), ...fewer })]);
    expect(ended.code, ended.stderr).toBe(0);
    const [lossy, exact] = [loggedEpochs(outputDir), loggedEpochs(alone)].map((epochs) =>
      epochs.map(({ train_loss }) => train_loss as number),
    );
    expect(lossy).not.toEqual(exact);
    for (const [i, loss] of (lossy as number[]).entries())
      expect(Math.abs(loss / (exact?.[i] as number) - 1)).toBeLessThan(0.02);
    await finetune({ ...tuning(outputDir), epochs: 4, resume: outputDir });
    expect(loggedEpochs(outputDir)).toHaveLength(4);
  });

  test("two go on with what one has begun, to the same bytes", async () => {
    const outputDir = at("stopped");
    const controller = new AbortController();
    const stopping = finetune(tuning(outputDir), {
      signal: controller.signal,
      onEvent: (event) => event.type === "step" && event.step === 6 && controller.abort(),
    });
    await expect(stopping).rejects.toMatchObject({ code: "Interrupted" });
    const ended = msmaeRanks(2, ["finetune", ...flags({ ...tuning(outputDir), resume: outputDir })]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(digests(outputDir)).toEqual(digests(alone));
  });

  test("batches that cannot be shared out are refused, with what to give instead", () => {
    const outputDir = at("uneven");
    const ended = msmaeRanks(2, ["finetune", ...flags({ ...tuning(outputDir), batchSize: 6, accumIter: 1 })]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("for the same 6 images a step give --batch-size 3 --accum-iter 2");
    expect(ended.stderr.match(/error\[Config\]/g)).toHaveLength(1);
    expect(existsSync(outputDir)).toBe(false);
  });

  test("without the library of the launcher, nobody trains alone", () => {
    const outputDir = at("no library");
    const ended = msmaeRanks(2, ["finetune", ...flags(tuning(outputDir))], { MSMAE_MPI_LIBRARY: "libnone.so" });
    expect(ended.code).toBe(5);
    expect(ended.stderr).toMatch(/error\[Device\]: 2 processes started by .*or name it in MSMAE_MPI_LIBRARY/);
    expect(existsSync(outputDir)).toBe(false);
  });

  test("verbs that cannot be shared out are refused", () => {
    const ended = msmaeRanks(2, ["flops", "--model", "vit_micro_patch8"]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("flops: expected one process");
  });
});

/** The number of the process of a rank that writes to a folder. */
function processOf(outputDir: string, rank: number): number {
  const found = readdirSync("/proc").find((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      const own = [`OMPI_COMM_WORLD_RANK=${rank}`, `PMI_RANK=${rank}`].some((line) => environment.includes(line));
      return own && command.startsWith(process.execPath) && command.includes(outputDir);
    } catch {
      // Not a process, or one that has just ended.
      return false;
    }
  });
  if (found === undefined) throw new Error(`rank ${rank} was not found`);
  return Number(found);
}
