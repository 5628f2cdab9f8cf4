import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readHead } from "../../src/interop/checkpoint.ts";
import { convert } from "../../src/interop/convert.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { startSizes } from "../../src/interop/start-sizes.ts";
import { encoderPresets, pretrainPresets } from "../../src/method/models/presets.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { linprobe } from "../../src/training/tasks/linprobe.ts";
import { finetuning, probing, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-start-"));
const at = (...parts: string[]): string => join(folder, ...parts);
beforeAll(async () => {
  await writePhantoms(at("data"));
  await convert({ checkpoint: "msmae:micro-phantoms", output: at("timm.safetensors"), to: "timm" });
});
afterAll(() => rmSync(folder, { recursive: true }));

const micro = { model: "vit_micro_patch8", patchSize: 8, inChans: 1 };
const encoders = Object.keys(encoderPresets);

describe("which model starts from a checkpoint", () => {
  test("is told by ours and by tensors of other programs, as far as there is one of the verb's", async () => {
    const inputSize = { height: 64, width: 64 };
    expect(startSizes(await readHead("msmae:micro-phantoms"), encoders)).toEqual({ ...micro, inputSize });
    const pretraining = { ...micro, model: "msmae_vit_micro_patch8", inputSize };
    expect(startSizes(await readHead("msmae:micro-phantoms"), Object.keys(pretrainPresets))).toEqual(pretraining);
    // Its file has as many positions as 64 pixels make, but does not say so.
    expect(startSizes(await readHead(at("timm.safetensors")), encoders)).toEqual(micro);
    expect(startSizes(await readHead("msmae:micro-phantoms"), ["vit_base_patch16"])).toBeUndefined();
  });

  test("is the one that is trained where none is named, on images as the checkpoint's", async () => {
    const notes: string[] = [];
    const onEvent = (event: RunEvent): unknown => event.type === "note" && notes.push(event.message);
    const { model: _, inputSize: __, ...unnamed } = finetuning(at("data"), at("own"));
    const input = {
      ...unnamed,
      epochs: 1,
      warmupEpochs: 0,
      init: "checkpoint",
      finetune: "msmae:micro-phantoms",
    } as const;
    const { checkpoint } = await finetune(input, { onEvent });
    const { description } = await readModelFile(checkpoint);
    expect(description.model).toBe("vit_micro_patch8");
    expect(description.config).toMatchObject({ inputHeight: 64, inputWidth: 64, patchSize: 8, inChans: 1 });
    expect(notes).toContain("vit_micro_patch8, as in msmae:micro-phantoms; --model names another");
    // A run that goes on need not say it either.
    const again = await finetune({ ...unnamed, epochs: 2, warmupEpochs: 0, outputDir: at("own"), resume: at("own") });
    expect(again.epochs).toBe(2);
  });

  test("is a probe's as well; sizes that are given win", async () => {
    const { model: _, inputSize: __, ...unnamed } = probing(at("data"), at("probe"), at("timm.safetensors"));
    const { checkpoint } = await linprobe({
      ...unnamed,
      epochs: 1,
      warmupEpochs: 0,
      inputSize: { height: 32, width: 32 },
    });
    const { description } = await readModelFile(checkpoint);
    expect(description.config).toMatchObject({ inputHeight: 32, inputWidth: 32, patchSize: 8, inChans: 1 });
  });
});
