import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { LinprobeInput } from "../../src/config/index.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { registerModel } from "../../src/inference/outcomes/registry.ts";
import { inspect } from "../../src/interop/inspect.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { readSafetensorsFile, writeSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import { MsmaeError } from "../../src/support/errors.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { linprobe } from "../../src/training/tasks/linprobe.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { colourKind } from "../support/colour-model.ts";
import { colours } from "../support/colour-task.ts";
import { writeMicroModel } from "./micro-models.ts";
import { digests, finetuning, loggedEpochs, pretraining, probing, writePhantoms } from "./runs.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-linprobe-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
const pretrained = at("pretrained", "last.safetensors");
const probe = (name: string, more: Partial<LinprobeInput> = {}, hooks?: RunHooks) =>
  linprobe({ ...probing(data, at(name), pretrained), ...more }, hooks);

let whole: Awaited<ReturnType<typeof linprobe>>;
beforeAll(async () => {
  await writePhantoms(data);
  const short = { epochs: 1, warmupEpochs: 0, attentionStartEpoch: 0, mapWarmupEpochs: 0, mapInterval: 1 };
  await pretrain({ ...pretraining(data, at("pretrained")), ...short });
  whole = await probe("whole");
});
afterAll(() => rmSync(folder, { recursive: true }));

async function failure(work: Promise<unknown>): Promise<MsmaeError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MsmaeError);
  return error as MsmaeError;
}

const metricsOf = (name: string) => JSON.parse(readFileSync(at(name, "metrics.json"), "utf8"));

describe("a linear probe", () => {
  test("leaves the encoder as it was and trains its head, whose classifier eval measures alike", async () => {
    const { tensors: before } = await readModelFile(pretrained);
    const { tensors: after } = await readModelFile(at("whole", "last.safetensors"));
    for (const key of ["cls_token", "patch_embed.proj.weight", "blocks.1.mlp.fc2.weight", "norm.bias"]) {
      expect(after.get(key)?.bytes, key).toEqual(before.get(key)?.bytes);
    }
    const first = loggedEpochs(at("whole"))[0]?.train_loss as number;
    expect(loggedEpochs(at("whole")).at(-1)?.train_loss as number).toBeLessThan(first);
    expect(whole.checkpoint).toBe(at("whole", "classifier.safetensors"));
    expect(await inspect({ checkpoint: whole.checkpoint })).toMatchObject({ kind: "classifier", numClasses: 3 });
    const metrics = metricsOf("whole");
    const { accuracy, f1Macro, aucMacro } = whole;
    expect(metrics).toMatchObject({ split: "test", accuracy, f1Macro, aucMacro, checkpoint: "best.safetensors" });
    for (const checkpoint of [whole.checkpoint, at("whole", "best.safetensors")]) {
      const evaluated = await evaluate({ checkpoint, dataPath: data, threads: 1, workers: 0 });
      expect(evaluated.confusion).toEqual(metrics.confusion);
      expect(evaluated.logLoss).toBeCloseTo(metrics.logLoss, 5);
    }
    expect(readFileSync(at("whole", "README.md"), "utf8")).toContain("linear layer");
  });

  test.each([
    { name: "kept features", more: {} },
    { name: "augmented images", more: { hflip: 0.5, cropMinScale: 0.5 } },
  ])("of $name stopped in the middle of an epoch goes on to the same bytes", async ({ name, more }) => {
    await probe(`${name} whole`, more);
    const controller = new AbortController();
    const onEvent = (event: RunEvent): void => {
      if (event.type === "step" && event.step === 13) controller.abort();
    };
    const error = await failure(probe(`${name} stopped`, more, { signal: controller.signal, onEvent }));
    expect(error.code).toBe("Interrupted");
    await probe(`${name} stopped`, { ...more, resume: at(`${name} stopped`) });
    expect(digests(at(`${name} stopped`))).toEqual(digests(at(`${name} whole`)));
    expect(loggedEpochs(at(`${name} stopped`))).toEqual(loggedEpochs(at(`${name} whole`)));
  });

  test("makes features once, and anew in each epoch where images are augmented", async () => {
    const phases = async (name: string, more: Partial<LinprobeInput>) => {
      const seen: string[] = [];
      const onEvent = (event: RunEvent): void => {
        if (event.type === "phase") seen.push(event.name);
      };
      await probe(name, { ...more, epochs: 2 }, { onEvent });
      return seen;
    };
    expect(await phases("counted", {})).toEqual(["features of train", "features of val", "evaluation"]);
    expect(await phases("counted anew", { hflip: 0.5 })).toEqual(["features of val", "evaluation"]);
    expect(loggedEpochs(at("counted"))).not.toEqual(loggedEpochs(at("counted anew")));
  });

  test("starts from classifiers, segmenters, probes and other programs' encoders, cls token or mean of patches", async () => {
    await finetune({ ...finetuning(data, at("classifier")), epochs: 1, warmupEpochs: 0, mapInterval: 1 });
    const { description: known } = await readModelFile(pretrained);
    const head = { head: "light", headWidth: 4, taps: [0, 1], deepSupervision: false };
    const config = { ...known.config, ...head };
    await writeMicroModel(at("segmenter.safetensors"), { ...known, kind: "segmenter", config });
    const { tensors } = await readSafetensorsFile(pretrained);
    const foreign = new Map(
      [...tensors]
        .filter(([key]) => !/^(decoder_|mask_token|head)/.test(key))
        .map(([key, tensor]) => [`module.encoder.${key}`, { data: toFloat32(tensor), shape: tensor.shape }] as const),
    );
    await writeSafetensorsFile(at("foreign.safetensors"), foreign, {});
    const starts = [
      at("classifier", "last.safetensors"),
      at("segmenter.safetensors"),
      at("whole", "last.safetensors"),
      at("whole", "classifier.safetensors"),
      at("foreign.safetensors"),
    ];
    for (const [i, start] of starts.entries()) {
      for (const features of ["cls", "mean"] as const) {
        const name = `from ${i} ${features}`;
        await probe(name, { finetune: start, features, epochs: 1 });
        const { description } = await readModelFile(at(name, "classifier.safetensors"));
        expect(description.config).toMatchObject({ globalPool: features === "cls" ? "cls" : "avg" });
      }
    }
    // The same encoder in another program's file gives the same probe.
    expect(metricsOf("from 4 cls").logLoss).toBe(metricsOf("from 2 cls").logLoss);
  });

  test("names a checkpoint without an encoder, and weights of another size", async () => {
    registerModel(colourKind, colours);
    const config = { inputHeight: 32, inputWidth: 32, inChans: 3, numClasses: 3, hidden: 4 };
    const { description } = await readModelFile(pretrained);
    await writeMicroModel(at("colour.safetensors"), { ...description, kind: "colour", config });
    const without = await failure(probe("without", { finetune: at("colour.safetensors") }));
    expect(without.code).toBe("Checkpoint");
    expect(without.message).toMatch(
      /colour\.safetensors: expected a checkpoint with a vision transformer.*a model of colours/,
    );
    const other = await failure(probe("other", { model: "vit_mini_patch16" }));
    expect(other.code).toBe("Checkpoint");
  });

  test("refuses a data set of one class", async () => {
    cpSync(join(data, "train", "disc"), at("single", "train", "disc"), { recursive: true });
    const one = await failure(probe("one", { dataPath: at("single") }));
    expect(one.message).toMatch(/at least two classes, got one class only \(disc\)/);
  });
});
