import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinetuneInput, PretrainInput } from "../../src/config/index.ts";
import { describeModelFile } from "../../src/interop/model-file.ts";
import { MsmaeError } from "../../src/support/errors.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { readProgress } from "../../src/training/checkpoint.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { digests, finetuning, flags, loggedEpochs, msmae, pretraining, startMsmae, writePhantoms } from "./runs.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-resume-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
beforeAll(() => writePhantoms(data));
afterAll(() => rmSync(folder, { recursive: true }));

/** The name and the option sets that resuming is tested with. */
interface Kind {
  verb: "pretrain" | "finetune";
  more: Partial<PretrainInput & FinetuneInput>;
  /** An optimiser step in the middle of an epoch, after a refresh of the maps. */
  step: number;
}
const kinds: [string, Kind][] = [
  ["pretraining", { verb: "pretrain", more: {}, step: 24 }],
  [
    "pretraining with accumulation, clipping and average",
    { verb: "pretrain", more: { accumIter: 2, clipGrad: 1, emaDecay: 0.9 }, step: 14 },
  ],
  ["pretraining by the small recipe", { verb: "pretrain", more: { recipe: "small" }, step: 24 }],
  ["pretraining in int8", { verb: "pretrain", more: { precision: "int8" }, step: 24 }],
  ["pretraining with every product in int8", { verb: "pretrain", more: { precision: "int8-all" }, step: 24 }],
  ["fine-tuning", { verb: "finetune", more: {}, step: 24 }],
  // Step 24 lies in the stage of epoch 3, after one of fewer patches.
  [
    "fine-tuning on more and more patches",
    { verb: "finetune", more: { keepSchedule: "0:0.25,2:0.5,75%:0.8,5:1", epochs: 6 }, step: 24 },
  ],
  [
    "fine-tuning in int8 with accumulation and average",
    { verb: "finetune", more: { precision: "int8", accumIter: 2, emaDecay: 0.9 }, step: 14 },
  ],
  [
    "fine-tuning with accumulation, clipping and average",
    { verb: "finetune", more: { accumIter: 2, clipGrad: 1, emaDecay: 0.9 }, step: 14 },
  ],
  [
    "fine-tuning with mixing, balanced sampling and the focal loss",
    {
      verb: "finetune",
      more: { accumIter: 2, mixup: 0.8, cutmix: 1, mixupMode: "elem", sampling: "balanced", loss: "focal" },
      step: 14,
    },
  ],
];

function inputOf({ verb, more }: Kind, outputDir: string): PretrainInput & FinetuneInput {
  const base = verb === "pretrain" ? pretraining(data, outputDir) : finetuning(data, outputDir);
  return { ...base, ...more } as PretrainInput & FinetuneInput;
}

function run(kind: Kind, input: PretrainInput & FinetuneInput, hooks?: RunHooks) {
  return kind.verb === "pretrain" ? pretrain(input, hooks) : finetune(input, hooks);
}

async function failure(work: Promise<unknown>): Promise<MsmaeError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MsmaeError);
  return error as MsmaeError;
}

/** Stops a run after the given step, as a first SIGINT does. */
function stoppingAt(step: number): RunHooks {
  const controller = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.type === "step" && event.step === step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

describe.each(kinds)("%s", (name, kind) => {
  const whole = at(`${name} whole`);
  let result: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    result = await run(kind, inputOf(kind, whole));
  });

  test("killed in the middle of an epoch and resumed gives the bytes of the uninterrupted run", async () => {
    const outputDir = at(`${name} killed`);
    const input = inputOf(kind, outputDir);
    const script = join(import.meta.dirname, "killed-run.ts");
    const killed = spawnSync(process.execPath, [script, String(kind.step), kind.verb, ...flags(input)], {
      encoding: "utf8",
    });
    expect(killed.signal, killed.stderr).toBe("SIGKILL");
    const { description } = await describeModelFile(join(outputDir, "last.safetensors"));
    const { step } = await readProgress(join(outputDir, "last.safetensors"), description.step);
    expect(step).toBeLessThan(kind.step);
    expect(digests(outputDir)["last.safetensors"]).not.toBe(digests(whole)["last.safetensors"]);

    const again = await run(kind, { ...input, resume: outputDir });
    expect(digests(outputDir)).toEqual(digests(whole));
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(whole));
    expect({ ...again, checkpoint: "", seconds: 0 }).toEqual({ ...result, checkpoint: "", seconds: 0 });
  });

  test("stopped by a signal in the middle of an epoch goes on from there to the same bytes", async () => {
    const outputDir = at(`${name} stopped`);
    const input = inputOf(kind, outputDir);
    const error = await failure(run(kind, input, stoppingAt(kind.step)));
    expect(error.code).toBe("Interrupted");
    expect(error.message).toContain(`--resume ${outputDir}`);
    const { description } = await describeModelFile(join(outputDir, "last.safetensors"));
    const { step, batch } = await readProgress(join(outputDir, "last.safetensors"), description.step);
    expect(step).toBe(kind.step);
    expect(batch).toBeGreaterThan(0);

    const steps: number[] = [];
    const onEvent = (event: RunEvent): void => {
      if (event.type === "step") steps.push(event.step);
    };
    await run(kind, { ...input, resume: join(outputDir, "last.safetensors") }, { onEvent });
    expect(steps[0]).toBe(kind.step + 1);
    expect(digests(outputDir)).toEqual(digests(whole));
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(whole));
  });

  // What follows has nothing to do with accumulation, clipping or averages.
  if (kind.more.accumIter) return;

  test("stopped while maps are made or the split is measured, it loses no step", async () => {
    for (const phase of ["attention maps", "validation"]) {
      if (kind.verb === "pretrain" && phase === "validation") continue;
      const outputDir = at(`${name} stopped in ${phase}`);
      const input = inputOf(kind, outputDir);
      const controller = new AbortController();
      let steps = 0;
      const onEvent = (event: RunEvent): void => {
        if (event.type === "step") steps = event.step;
        if (event.type === "phase" && event.name === phase && steps > 0) controller.abort();
      };
      expect((await failure(run(kind, input, { signal: controller.signal, onEvent }))).code).toBe("Interrupted");
      const { description } = await describeModelFile(join(outputDir, "last.safetensors"));
      expect(description.step).toBe(steps);
      await run(kind, { ...input, resume: outputDir });
      expect(digests(outputDir)).toEqual(digests(whole));
      expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(whole));
    }
  });

  test("resumed into another folder, it has all that the uninterrupted run ends with", async () => {
    const first = at(`${name} first folder`);
    await failure(run(kind, inputOf(kind, first), stoppingAt(kind.step)));
    const second = at(`${name} second folder`);
    await run(kind, { ...inputOf(kind, second), resume: first });
    const expected = digests(whole);
    for (const [file, digest] of Object.entries(digests(second)))
      expect([file, digest]).toEqual([file, expected[file]]);
    expect(loggedEpochs(second)).toEqual(loggedEpochs(whole));
    expect(Object.keys(digests(second))).toContain(kind.verb === "pretrain" ? "last.safetensors" : "best.safetensors");
  });
});

const kind: Kind = { verb: "pretrain", more: {}, step: 24 };

test("SIGINT ends the command with 130 and everything saved; --resume finishes it to the same bytes", async () => {
  const outputDir = at("sigint");
  const argv = ["pretrain", ...flags(inputOf(kind, outputDir)), "--json"];
  const { child, ended } = startMsmae(...argv);
  // The first figures of an epoch stand in log.txt: many steps are still to come.
  const log = join(outputDir, "log.txt");
  while (child.exitCode === null && !(existsSync(log) && readFileSync(log, "utf8").includes("\n"))) await setTimeout(2);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(130);
  expect(stderr).toContain("error[Interrupted]");
  expect(stderr).toContain(`--resume ${outputDir}`);
  const resumed = msmae(...argv, "--resume", outputDir);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ epochs: 6, checkpoint: join(outputDir, "last.safetensors") });
  expect(digests(outputDir)).toEqual(digests(at("pretraining whole")));
});

describe("a resume that cannot be exact is refused", () => {
  const stopped = at("refused");
  const input = () => ({ ...inputOf(kind, stopped), resume: stopped });
  beforeAll(async () => {
    await failure(run(kind, inputOf(kind, stopped), stoppingAt(24)));
  });

  test("with other options, naming each with both values", () => {
    const changed = { ...input(), batchSize: 5, maskRatio: 0.5, model: "msmae_vit_mini_patch16" };
    const { code, stderr } = msmae("pretrain", ...flags(changed));
    expect(code).toBe(4);
    const errors = stderr.split("\n").filter((line) => line.startsWith("error"));
    expect(errors).toEqual([expect.stringMatching(/^error\[Checkpoint\]: /)]);
    for (const part of [
      "batchSize 4",
      "batchSize 5",
      "maskRatio 0.45",
      "maskRatio 0.5",
      'model "msmae_vit_mini_patch16"',
    ]) {
      expect(stderr).toContain(part);
    }
    expect(stderr).not.toContain("throwRatio");
  });

  test("with an average the run did not keep", async () => {
    const error = await failure(run(kind, { ...input(), emaDecay: 0.9 }));
    expect([error.code, error.message]).toEqual(["Checkpoint", expect.stringContaining("emaDecay 0.9")]);
  });

  test("with other images", async () => {
    const other = at("other data");
    cpSync(data, other, { recursive: true });
    renameSync(join(other, "train/disc/0000.png"), join(other, "train/disc/first.png"));
    const error = await failure(run(kind, { ...input(), dataPath: other }));
    expect([error.code, error.message]).toEqual(["Checkpoint", expect.stringMatching(/data "[0-9a-f]{64}"/)]);
  });

  test("but the folder may move and the number of workers may change", async () => {
    const moved = at("moved data");
    cpSync(data, moved, { recursive: true });
    const outputDir = at("moved");
    cpSync(stopped, outputDir, { recursive: true });
    await run(kind, { ...input(), dataPath: moved, outputDir, resume: outputDir, workers: 0, cacheMb: 0 });
    expect(digests(outputDir)).toEqual(digests(at("pretraining whole")));
  });

  test("with the state of another verb", async () => {
    const error = await failure(finetune({ ...finetuning(data, at("other verb")), resume: stopped }));
    expect([error.code, error.message]).toEqual(["Checkpoint", expect.stringContaining('verb "pretrain"')]);
  });
});

describe("damage", () => {
  const stopped = at("damaged");
  const last = join(stopped, "last.safetensors");
  const state = join(stopped, "last.24.state.safetensors");
  const resume = () => failure(run(kind, { ...inputOf(kind, stopped), resume: stopped }));
  const spoiled = async (file: string, spoil: () => void): Promise<MsmaeError> => {
    const before = readFileSync(file);
    spoil();
    const error = await resume();
    writeFileSync(file, before);
    expect(error.code).toBe("Checkpoint");
    // The stop came in epoch 3: the numbered checkpoint of epoch 1 is the last one before.
    expect(error.parts.todo).toContain(join(stopped, "checkpoint-1.safetensors"));
    return error;
  };
  beforeAll(async () => {
    await failure(run(kind, inputOf(kind, stopped), stoppingAt(24)));
  });

  test("of weights cut short is named with a checkpoint to go on from", async () => {
    const error = await spoiled(last, () => truncateSync(last, 5000));
    expect(error.parts.where).toBe(last);
  });

  test("of one altered byte is found by the checksum", async () => {
    await spoiled(last, () => {
      const bytes = readFileSync(last);
      bytes[bytes.length - 9] = (bytes[bytes.length - 9] as number) ^ 1;
      writeFileSync(last, bytes);
    });
  });

  test("of the state is named too", async () => {
    const error = await spoiled(state, () => truncateSync(state, 5000));
    expect(error.parts.where).toBe(state);
    const gone = await spoiled(state, () => rmSync(state));
    expect(gone.parts.where).toBe(state);
  });

  test("of the best weights is found before hours of training, not after; without them the run goes on", async () => {
    const outputDir = at("damaged best");
    const tuning: Kind = { verb: "finetune", more: {}, step: 24 };
    const input = { ...inputOf(tuning, outputDir), resume: outputDir };
    await failure(run(tuning, inputOf(tuning, outputDir), stoppingAt(24)));
    const best = join(outputDir, "best.safetensors");
    truncateSync(best, 5000);
    let steps = 0;
    const onEvent = (event: RunEvent) => {
      if (event.type === "step") steps++;
    };
    const error = await failure(run(tuning, input, { onEvent }));
    expect([error.code, error.parts.where, steps]).toEqual(["Checkpoint", best, 0]);
    expect(error.parts.todo).toContain("move it away");
    rmSync(best);
    await run(tuning, input);
    expect(Object.keys(digests(outputDir))).toContain("best.safetensors");
  });

  test("of the log is mended from the state, said, and kept beside it", async () => {
    const outputDir = at("damaged log");
    cpSync(stopped, outputDir, { recursive: true });
    const log = join(outputDir, "log.txt");
    const before = readFileSync(log, "utf8");
    const altered = before.replace(/"train_loss":\d/, '"train_loss":9');
    expect(altered).not.toBe(before);
    writeFileSync(log, altered);
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "warning") warnings.push(event.message);
    };
    await run(kind, { ...inputOf(kind, outputDir), resume: outputDir }, { onEvent });
    expect(warnings).toContainEqual(expect.stringContaining("log.txt is not as it was written"));
    expect(readFileSync(join(outputDir, "log.damaged.txt"), "utf8")).toBe(altered);
    expect(loggedEpochs(outputDir)).toEqual(loggedEpochs(at("pretraining whole")));
  });

  test("of a crash between the state and the weights leaves the older pair, which goes on exactly", async () => {
    const outputDir = at("half saved");
    cpSync(stopped, outputDir, { recursive: true });
    // The state of a later step is there, its weights and the removal of the older state are not.
    copyFileSync(at("pretraining whole", "last.42.state.safetensors"), join(outputDir, "last.42.state.safetensors"));
    await run(kind, { ...inputOf(kind, outputDir), resume: outputDir });
    expect(digests(outputDir)).toEqual(digests(at("pretraining whole")));
  });

  test("goes on from a numbered checkpoint to the same bytes, each epoch logged once", async () => {
    const outputDir = at("numbered");
    cpSync(stopped, outputDir, { recursive: true });
    await run(kind, { ...inputOf(kind, outputDir), resume: join(outputDir, "checkpoint-1.safetensors") });
    expect(digests(outputDir)).toEqual(digests(at("pretraining whole")));
    expect(loggedEpochs(outputDir).map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
