import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ConvertOptions, parseYamlMapping } from "../../src/config/index.ts";
import type { PretrainedDescription } from "../../src/interop/model-file.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import { type EncoderPreset, pretrainPresets } from "../../src/method/models/presets.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { pretrained, writeMicroModel } from "./micro-models.ts";
import { finetuning, msmae, pretraining, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-foreign-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const mean = [0.1, 0.2, 0.3];
const std = [0.4, 0.5, 0.6];
const preset = pretrainPresets.msmae_vit_micro_patch8 as EncoderPreset;

beforeAll(async () => {
  await writePhantoms(at("data"));
  const config = { ...pretrained.config, ...preset, inputHeight: 32, inputWidth: 32 };
  const description: PretrainedDescription = { ...pretrained, config, classNames: [], mean, std };
  await writeMicroModel(at("own.safetensors"), description);
  for (const to of ["hf", "mae"] satisfies ConvertOptions["to"][]) {
    const { code, stdout } = msmae("convert", at("own.safetensors"), at(to, "model.safetensors"), "--to", to, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ layout: "msmae", to, missing: [], reshaped: [] });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** So slow that weights stay as they were read. */
const still = { init: "checkpoint", lr: 1e-12, minLr: 0, weightDecay: 0, epochs: 1, warmupEpochs: 0 } as const;

async function weightOf(path: string, key: string): Promise<number[]> {
  const tensor = (await readModelFile(path)).tensors.get(key);
  return tensor ? [...toFloat32(tensor)] : [];
}

function listening() {
  const notes: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type === "note") notes.push(event.message);
  };
  return { notes, hooks: { onEvent } };
}

describe("training starts from files of Hugging Face and MAE as they are", () => {
  test("fine-tuning from a folder of ViTMAE, with the mean and deviation beside it, and goes on with them", async () => {
    const { notes, hooks } = listening();
    const outputDir = at("finetuned");
    const options = { ...finetuning(at("data"), outputDir), ...still, finetune: at("hf") };
    const { checkpoint } = await finetune(options, hooks);
    const line = notes.find((note) => note.startsWith(at("hf")));
    expect(line).toMatch(/Hugging Face's ViTMAE; 28 tensors fit; 4 new \(fc_norm\.weight, .*head/);
    expect(line).toMatch(/\d+ dropped .*queries, keys and values joined; mean 0\.1,0\.2,0\.3 and std 0\.4,0\.5,0\.6$/);
    expect(parseYamlMapping(readFileSync(join(outputDir, "config.yaml"), "utf8"), "x")).toMatchObject({ mean, std });
    const { description } = await readModelFile(checkpoint);
    expect(description).toMatchObject({ mean, std });
    const key = "blocks.1.attn.qkv.weight";
    const [source, target] = [await weightOf(at("own.safetensors"), key), await weightOf(checkpoint, key)];
    expect(Math.max(...source.map((value, i) => Math.abs(value - (target[i] as number))))).toBeLessThan(1e-6);
    const again = await finetune({ ...finetuning(at("data"), outputDir), ...still, epochs: 2, resume: outputDir });
    expect((await readModelFile(again.checkpoint)).description).toMatchObject({ mean, std });
  });

  test("what is given wins over what the checkpoint says", async () => {
    const given = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const options = { ...finetuning(at("data"), at("given")), ...still, ...given, finetune: at("own.safetensors") };
    const { checkpoint } = await finetune(options);
    expect((await readModelFile(checkpoint)).description).toMatchObject(given);
  });

  test("one channel of three, and patches of another size when that is asked for", async () => {
    const { notes, hooks } = listening();
    const sizes = { inChans: 1, patchSize: 4, inputSize: { height: 32, width: 32 } } as const;
    const options = {
      ...finetuning(at("data"), at("grey")),
      ...still,
      ...sizes,
      finetune: at("mae", "model.safetensors"),
    };
    await expect(finetune({ ...options, outputDir: at("refused") })).rejects.toThrow(/1 reshaped \(patch_embed/);
    const { checkpoint } = await finetune({ ...options, resizePatches: true }, hooks);
    const told = "3 channels as 1 (summed), patches of 8 as 4 pixels; positions 4x4 as 8x8";
    expect(notes.find((note) => note.includes("MAE (facebookresearch/mae)"))).toContain(told);
    expect((await readModelFile(checkpoint)).description.mean[0]).toBeCloseTo(0.449, 6);
  });

  test("the layout is the one that is said", async () => {
    const { notes, hooks } = listening();
    const options = { ...finetuning(at("data"), at("said")), ...still, finetune: at("mae", "model.safetensors") };
    await finetune({ ...options, from: "retfound" }, hooks);
    expect(notes.find((note) => note.includes("tensors fit"))).toContain("RETFound");
  });

  test("pre-training goes on from MAE's decoder, with a head that is new", async () => {
    const { notes, hooks } = listening();
    const short = { epochs: 1, warmupEpochs: 0, attentionStartEpoch: "never" } as const;
    const options = { ...pretraining(at("data"), at("pretrained")), ...short, finetune: at("hf") };
    const { checkpoint } = await pretrain({ ...options, lr: 1e-12 }, hooks);
    expect(notes.find((note) => note.includes("Hugging Face's ViTMAE"))).toMatch(
      /3 new \(decoder_pos_embed|3 new \(head/,
    );
    const key = "blocks.0.mlp.fc1.weight";
    expect((await weightOf(checkpoint, key))[5]).toBeCloseTo(
      (await weightOf(at("own.safetensors"), key))[5] as number,
      5,
    );
  });
});
