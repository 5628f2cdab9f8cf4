import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinetuneInput } from "../../src/config/index.ts";
import { describeModelFile } from "../../src/interop/model-file.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { digests, finetuning, loggedEpochs, pretraining, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-longer-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
beforeAll(() => writePhantoms(data));
afterAll(() => rmSync(folder, { recursive: true }));

/** The files in which a run ends: those before bear the number of epochs that the run then had. */
function ending(run: string, epochs: number): Record<string, string> {
  const names = /^(last|best|checkpoint-(\d+))\./;
  const all = Object.entries(digests(run)).filter(([name]) => {
    const [, kind, epoch] = names.exec(name) ?? [];
    return kind !== undefined && (epoch === undefined || Number(epoch) === epochs - 1);
  });
  return Object.fromEntries(all);
}

function stoppingAt(step: number): RunHooks {
  const controller = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.type === "step" && event.step === step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

/** Half a cosine from 1e-3 to `end` after one epoch of warm-up, at the last of an epoch's seven updates. */
const rateAt = (epoch: number, epochs: number, end: number) =>
  end + (1e-3 - end) * 0.5 * (1 + Math.cos((Math.PI * (epoch + 6 / 7 - 1)) / (epochs - 1)));

const STEPS = 7;

describe("a run that ended within its warm-up", () => {
  // Until there the rate does not depend on the number of epochs, and so nothing of the run does.
  const warm = { warmupEpochs: 2, saveEvery: 2 };

  test("of pre-training, made longer, gives the bytes of the longer run: weights, moments, maps, progress", async () => {
    const schedule = { ...warm, attentionStartEpoch: 1, mapWarmupEpochs: 0, mapInterval: 1 };
    const input = (name: string, epochs: number) => ({ ...pretraining(data, at(name)), ...schedule, epochs });
    await pretrain(input("long", 4));
    await pretrain(input("short", 2));
    const notes: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "note") notes.push(event.message);
    };
    await pretrain({ ...input("short", 4), resume: at("short") }, { onEvent });
    expect(ending(at("short"), 4)).toEqual(ending(at("long"), 4));
    expect(Object.keys(ending(at("long"), 4))).toEqual([
      ...["checkpoint-3.28.state.safetensors", "checkpoint-3.safetensors"],
      ...["last.28.state.safetensors", "last.safetensors"],
    ]);
    expect(loggedEpochs(at("short"))).toEqual(loggedEpochs(at("long")));
    expect(notes).toContainEqual(expect.stringMatching(/^a run of 2 epochs goes on as one of 4 from epoch 2: /));
  });

  test("of fine-tuning, made longer in another folder, too; the last epochs on all patches move to the new end", async () => {
    const input = (name: string, epochs: number) => ({ ...finetuning(data, at(name)), ...warm, epochs });
    await finetune({ ...input("fine long", 4), fullTokenEpochs: 0 });
    await finetune({ ...input("fine short", 2), fullTokenEpochs: 0 });
    await finetune({ ...input("fine elsewhere", 4), fullTokenEpochs: 0, resume: at("fine short") });
    expect(ending(at("fine elsewhere"), 4)).toEqual(ending(at("fine long"), 4));
  });
});

describe("a run past its warm-up", () => {
  const input = (name: string, more: Partial<FinetuneInput> = {}): FinetuneInput => ({
    ...finetuning(data, at(name)),
    saveEvery: 1,
    ...more,
  });
  const { epochs: _epochs, warmupEpochs: _warmup, mapInterval: _interval, ...withoutLengths } = input("");
  const longer = (name: string, resume: string): FinetuneInput => ({
    ...withoutLengths,
    outputDir: at(name),
    epochs: 7,
    resume,
  });
  beforeAll(async () => {
    await finetune(input("whole"));
    await finetune(longer("extended", at("whole")));
  });

  test("was trained up to its end by its own schedule, and by that of the longer run from there on", () => {
    const end = 1e-6;
    const rates = loggedEpochs(at("extended")).map((line) => line.train_lr as number);
    const expected = [0, 1, 2, 3, 4, 5, 6].map((epoch) => rateAt(epoch, epoch < 4 ? 4 : 7, end));
    expect(rates).toHaveLength(7);
    // The first epoch is the warm-up.
    for (const epoch of [1, 2, 3, 4, 5, 6]) expect(rates[epoch]).toBeCloseTo(expected[epoch] as number, 12);
    const config = readFileSync(at("extended", "config.yaml"), "utf8");
    // Not those that 7 epochs would be given: the warm-up is behind it.
    expect(config).toMatch(/^epochs: 7$/m);
    expect(config).toMatch(/^warmupEpochs: 1$/m);
    expect(config).toMatch(/^mapInterval: 2$/m);
  });

  test("goes on the same whether it ended, was stopped there, or goes on from its numbered checkpoint", async () => {
    // Stopped at the last step of epoch 3, whose end is still to come.
    await expect(finetune(input("stopped"), stoppingAt(4 * STEPS))).rejects.toMatchObject({ code: "Interrupted" });
    await finetune(longer("stopped", at("stopped")));
    // The state holds the log, in which the epoch that ended after the stop has the rate of the longer run.
    for (const name of ["last.safetensors", "best.safetensors"]) {
      expect(digests(at("stopped"))[name]).toBe(digests(at("extended"))[name]);
    }
    cpSync(at("whole"), at("numbered"), { recursive: true });
    await finetune(longer("numbered", at("numbered", "checkpoint-3.safetensors")));
    expect(ending(at("numbered"), 7)).toEqual(ending(at("extended"), 7));
  });

  test("stopped again while it is made longer, goes on to the same bytes without being told how long it is", async () => {
    const outputDir = at("stopped longer");
    const stopped = finetune(longer("stopped longer", at("whole")), stoppingAt(5 * STEPS + 3));
    await expect(stopped).rejects.toMatchObject({ code: "Interrupted" });
    await finetune({ ...withoutLengths, outputDir, resume: outputDir });
    expect(ending(outputDir, 7)).toEqual(ending(at("extended"), 7));
  });

  test("that goes on from an earlier checkpoint than its best weights come from finds them anew", async () => {
    cpSync(at("whole"), at("back"), { recursive: true });
    cpSync(at("extended", "checkpoint-5.safetensors"), at("back", "best.safetensors"));
    await finetune({ ...longer("back", at("back", "checkpoint-0.safetensors")), epochs: 2 });
    const { description } = await describeModelFile(at("back", "best.safetensors"));
    expect(description.epoch).toBe(1);
  });

  test("is made shorter than planned, but not shorter than it is", async () => {
    const refused = { code: "Config", message: expect.stringMatching(/^epochs: expected at least the 4 that .* has/) };
    await expect(finetune({ ...longer("whole", at("whole")), epochs: 3 })).rejects.toMatchObject(refused);
    await expect(finetune(input("half"), stoppingAt(2 * STEPS + 3))).rejects.toMatchObject({ code: "Interrupted" });
    const half = { ...longer("half", at("half")), epochs: 2 };
    await expect(finetune(half)).rejects.toMatchObject({ message: expect.stringContaining("at least the 3 that") });
    expect((await finetune({ ...half, epochs: 3 })).epochs).toBe(3);
  });

  test("may change nothing else with its length", async () => {
    const changed = { ...longer("whole", at("whole")), warmupEpochs: 0 };
    await expect(finetune(changed)).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringMatching(/options the run was started with \(warmupEpochs 1\), got warmupEpochs 0;/),
    });
  });
});
