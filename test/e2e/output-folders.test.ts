import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { checkData } from "../../src/curation/check/check-data.ts";
import { showImageFile } from "../../src/curation/show/show.ts";
import { splitData } from "../../src/curation/split-data.ts";
import { dataStats } from "../../src/curation/stats.ts";
import { Engine } from "../../src/engine/thread/engine.ts";
import { attentionMaps } from "../../src/inference/attention-maps.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { predict } from "../../src/inference/predict.ts";
import { reconstruct } from "../../src/inference/reconstruct.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { classifier, pretrained, writeDataSet, writeMicroModel } from "./micro-models.ts";
import { digests, finetuning, flags, msmae, pretraining, writePhantoms } from "./runs.ts";
import { segmenter } from "./segmentation/masked.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-output-folders-"));
const at = (...parts: string[]): string => join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true }));

/** Every file below a folder with its bytes. */
function contents(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => [
      join(parentPath, name).slice(root.length + 1),
      readFileSync(join(parentPath, name), "latin1"),
    ]),
  );
}

describe("a run's folder", () => {
  const data = at("phantoms");
  const done = at("done");
  const short = { epochs: 2, warmupEpochs: 0, saveEvery: 1, fullTokenEpochs: 2 };
  const again = (outputDir: string) => ({ ...finetuning(data, outputDir), ...short, seed: 4 });
  beforeAll(async () => {
    await writePhantoms(data);
    await finetune({ ...finetuning(data, done), ...short });
  });

  /** A copy of the finished run, with a note of the user's in it. */
  function copyOfRun(name: string): string {
    cpSync(done, at(name), { recursive: true });
    writeFileSync(at(name, "notes.md"), "mine");
    return at(name);
  }

  test("of a finished run is refused by both kinds of training, and not a byte changes", async () => {
    const before = contents(done);
    await expect(finetune(again(done))).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(
        /^.*done: expected a folder without a result, got a training run \(.+\); go on with it by --resume .*done, choose another --output-dir, or replace it by --overwrite$/,
      ),
    });
    const { code, stderr } = msmae("pretrain", ...flags(pretraining(data, done)));
    expect([code, stderr]).toEqual([3, expect.stringContaining("error[Data]")]);
    expect(contents(done)).toEqual(before);
  });

  test("of a running run is refused to everyone, and --overwrite helps nobody", async () => {
    const outputDir = at("running");
    const refusals: Promise<unknown>[] = [];
    const onEvent = ({ type }: RunEvent) => {
      if (type !== "step" || refusals.length > 0) return;
      for (const overwrite of [false, true]) refusals.push(finetune({ ...again(outputDir), overwrite }));
      refusals.push(finetune({ ...again(outputDir), resume: outputDir }));
      for (const refusal of refusals) refusal.catch(() => undefined);
    };
    await finetune(again(outputDir), { onEvent });
    const refused = await Promise.allSettled(refusals);
    expect(refused).toHaveLength(3);
    for (const outcome of refused) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining("in use by") } });
    }
    expect(existsSync(join(outputDir, ".lock"))).toBe(false);
  });

  test("keeps its run when the one that is to replace it fails to start", async () => {
    const outputDir = copyOfRun("failed start");
    const before = contents(outputDir);
    const input = { ...again(outputDir), overwrite: true };
    await expect(finetune({ ...input, dataPath: at("no such data") })).rejects.toMatchObject({ code: "Data" });
    await expect(finetune({ ...input, batchSize: 999 })).rejects.toMatchObject({ code: "Config" });
    const missing = { init: "checkpoint", finetune: at("gone.safetensors") } as const;
    await expect(finetune({ ...input, ...missing })).rejects.toMatchObject({ code: "Checkpoint" });
    await expect(finetune({ ...input, resume: outputDir })).rejects.toMatchObject({ code: "Config" });
    expect(contents(outputDir)).toEqual(before);
  });

  test("holds the old run until the new one has a state, however it is killed, and then the new one alone", async () => {
    const outputDir = copyOfRun("killed");
    const before = contents(outputDir);
    const script = join(import.meta.dirname, "killed-run.ts");
    // Before the first state, of seven steps an epoch.
    const early = spawnSync(
      process.execPath,
      [script, "3", "finetune", ...flags({ ...again(outputDir), overwrite: true })],
      { encoding: "utf8" },
    );
    expect(early.signal, early.stderr).toBe("SIGKILL");
    const left = contents(outputDir);
    expect(left).toMatchObject(before);
    // The old run goes on as if nothing had been.
    const { checkpoint } = await finetune({ ...finetuning(data, outputDir), ...short, resume: outputDir });
    expect(checkpoint).toBe(join(outputDir, "best.safetensors"));
    expect(digests(outputDir)).toEqual(digests(done));
    expect(Object.keys(contents(outputDir)).some((name) => name.startsWith("."))).toBe(false);

    const late = spawnSync(
      process.execPath,
      [script, "10", "finetune", ...flags({ ...again(outputDir), overwrite: true })],
      { encoding: "utf8" },
    );
    expect(late.signal, late.stderr).toBe("SIGKILL");
    expect(Object.keys(digests(outputDir)).filter((name) => name.startsWith("checkpoint-1."))).toEqual([]);
    await finetune({ ...again(outputDir), resume: outputDir });
    const fresh = at("fresh");
    await finetune(again(fresh));
    expect(digests(outputDir)).toEqual(digests(fresh));
    expect(contents(outputDir)["notes.md"]).toBe("mine");
  });

  test("that held nothing holds nothing of a run which failed before its first state", async () => {
    const outputDir = at("never started");
    const hooks: RunHooks = {
      onEvent({ type }) {
        if (type === "step") throw new Error("a fault of the caller");
      },
    };
    await expect(pretrain(pretraining(data, outputDir), hooks)).rejects.toThrow("a fault of the caller");
    expect(existsSync(outputDir)).toBe(false);
  });

  const linux = process.platform === "linux";
  test.skipIf(!linux)(
    `is let go when the engine cannot start: no file left open, no thread${linux ? "" : " SKIPPED: no /proc"}`,
    async () => {
      const outputDir = at("no engine");
      const threads = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
      const before = threads();
      const start = vi.spyOn(Engine, "start").mockRejectedValueOnce(new Error("no such device"));
      await expect(finetune(again(outputDir))).rejects.toThrow("no such device");
      start.mockRestore();
      const open = readdirSync("/proc/self/fd").flatMap((name) => {
        try {
          return [readlinkSync(join("/proc/self/fd", name))];
        } catch {
          return [];
        }
      });
      expect(open.filter((path) => path.startsWith(outputDir))).toEqual([]);
      expect(threads()).toBe(before);
      expect(existsSync(outputDir)).toBe(false);
    },
  );

  test("has a config.yaml that does not ask to be overwritten when it is given back", async () => {
    const outputDir = copyOfRun("repeated");
    await finetune({ ...again(outputDir), overwrite: true });
    const { code, stderr } = msmae("finetune", "--config", join(outputDir, "config.yaml"));
    expect([code, stderr]).toEqual([3, expect.stringContaining("a training run")]);
  });
});

describe("what other verbs write", () => {
  const data = at("data");
  const checkpoints = {
    classifier: at("c.safetensors"),
    pretrained: at("p.safetensors"),
    segmenter: at("s.safetensors"),
  };
  const image = join(data, "test/glioma/0.png");
  const runtime = { seed: 0, threads: 1, workers: 0 };
  const engine = { threads: 1 };
  const set = { seed: 0 };
  beforeAll(async () => {
    await writeDataSet(data, 3);
    await writeMicroModel(checkpoints.classifier, classifier);
    await writeMicroModel(checkpoints.pretrained, pretrained);
    await writeMicroModel(checkpoints.segmenter, segmenter(["lesion"]));
  });
  const all = async (lines: AsyncIterable<unknown>) => {
    const list: unknown[] = [];
    for await (const line of lines) list.push(line);
    return list;
  };
  type Work = (outputDir: string, overwrite?: boolean) => Promise<unknown>;
  const verbs: [name: string, files: string[], work: Work][] = [
    [
      "maps",
      ["0-attention.npy", "0-attention.png"],
      (outputDir, overwrite) =>
        all(attentionMaps({ checkpoint: checkpoints.classifier, files: [image], outputDir, overwrite, ...engine })),
    ],
    [
      "predict",
      ["0-mask.png", "0-overlay.png"],
      (outputDir, overwrite) =>
        all(predict({ checkpoint: checkpoints.segmenter, files: [image], outputDir, overwrite, ...engine })),
    ],
    [
      "reconstruct",
      ["0-reconstruction.png"],
      (outputDir, overwrite) =>
        all(reconstruct({ checkpoint: checkpoints.pretrained, files: [image], outputDir, overwrite, ...engine })),
    ],
    [
      "eval",
      ["metrics.json", "predictions.csv", "report.html"],
      (outputDir, overwrite) =>
        evaluate({ checkpoint: checkpoints.classifier, dataPath: data, outputDir, overwrite, ...runtime }),
    ],
    [
      "data check",
      ["check.json", "report.html"],
      (outputDir, overwrite) => checkData({ dataPath: data, outputDir, overwrite, workers: 0, ...set }),
    ],
    [
      "data check --fix",
      ["clean.csv"],
      (outputDir, overwrite) =>
        checkData({ dataPath: data, fix: join(outputDir, "clean.csv"), overwrite, workers: 0, ...set }),
    ],
    [
      "data split",
      ["splits.csv"],
      (outputDir, overwrite) => splitData({ dataPath: data, output: join(outputDir, "splits.csv"), overwrite, ...set }),
    ],
    [
      "data stats",
      ["stats.yaml"],
      (outputDir, overwrite) =>
        dataStats({ dataPath: data, output: join(outputDir, "stats.yaml"), overwrite, inputSize: 32, ...runtime }),
    ],
    [
      "data show",
      ["0.npy", "0.png"],
      (outputDir, overwrite) =>
        showImageFile({ file: image, png: join(outputDir, "0.png"), array: join(outputDir, "0.npy"), overwrite }),
    ],
  ];

  test.each(verbs)(
    "%s: refused where a result stands, which stays; replaced by --overwrite",
    async (name, files, work) => {
      const outputDir = at(name, "out");
      await work(outputDir);
      expect(readdirSync(outputDir).sort()).toEqual(files);
      writeFileSync(join(outputDir, "notes.md"), "mine");
      const [first = ""] = files;
      writeFileSync(join(outputDir, first), "touched");
      const before = contents(outputDir);
      await expect(work(outputDir)).rejects.toMatchObject({
        code: "Data",
        message: expect.stringMatching(new RegExp(`^${outputDir}.*--overwrite`)),
      });
      expect(contents(outputDir)).toEqual(before);
      await work(outputDir, true);
      expect(readdirSync(outputDir).sort()).toEqual([...files, "notes.md"].sort());
      expect(readFileSync(join(outputDir, first), "latin1")).not.toBe("touched");
    },
  );

  test("a file that is read is never written, --overwrite or not", async () => {
    const before = contents(data);
    const table = at("table.csv");
    await splitData({ dataPath: data, output: table, ...set });
    const text = readFileSync(table, "utf8");
    const refusal = { code: "Data", message: expect.stringContaining("the file that is read") };
    for (const overwrite of [false, true]) {
      await expect(showImageFile({ file: image, png: image, overwrite })).rejects.toMatchObject(refusal);
      await expect(splitData({ dataPath: table, output: table, overwrite, ...set })).rejects.toMatchObject(refusal);
      const checked = checkData({ dataPath: data, splitFile: table, fix: table, overwrite, workers: 0, ...set });
      await expect(checked).rejects.toMatchObject(refusal);
    }
    expect(contents(data)).toEqual(before);
    expect(readFileSync(table, "utf8")).toBe(text);
  });
});
