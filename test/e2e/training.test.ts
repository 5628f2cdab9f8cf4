import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinetuneInput, PretrainInput } from "../../src/config/index.ts";
import { inspect } from "../../src/interop/inspect.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { interpolatePositionEmbedding } from "../../src/interop/position-embedding.ts";
import type { TensorToStore } from "../../src/interop/safetensors.ts";
import { readSafetensorsFile, writeSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import { sinCosPositionEmbedding } from "../../src/method/nn/pos-embed.ts";
import { MsmaeError } from "../../src/support/errors.ts";
import type { RunEvent, RunHooks } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { pretrain } from "../../src/training/tasks/pretrain.ts";
import { finetuning, flags, loggedEpochs, msmae, pretraining, writePhantoms } from "./runs.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-training-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
/** One epoch, whose only steps have a learning rate above 0. */
const short = { epochs: 1, warmupEpochs: 0, mapInterval: 1 };
const shortPretraining = (more: Partial<PretrainInput> & { outputDir: string }): PretrainInput => ({
  ...pretraining(data, more.outputDir),
  ...short,
  attentionStartEpoch: 0,
  mapWarmupEpochs: 0,
  ...more,
});
const shortFinetuning = (more: Partial<FinetuneInput> & { outputDir: string }): FinetuneInput => ({
  ...finetuning(data, more.outputDir),
  ...short,
  ...more,
});
/** Options that start from a checkpoint with a learning rate that is 0 in fp32, so that nothing moves. */
const from = (checkpoint: string) => ({
  finetune: checkpoint,
  init: "checkpoint" as const,
  lr: 1e-60,
  minLr: 0,
  weightDecay: 0,
});
const pretrained = at("pretrained/last.safetensors");

beforeAll(async () => {
  await writePhantoms(data);
  await pretrain(shortPretraining({ outputDir: at("pretrained") }));
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

async function weights(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readSafetensorsFile(path);
  return new Map([...tensors].map(([key, tensor]) => [key, toFloat32(tensor)]));
}

/** A checkpoint's tensors, changed, without metadata, as another program may write them. */
async function rewrite(
  source: string,
  target: string,
  change: (tensors: Map<string, TensorToStore>) => void,
): Promise<string> {
  const { tensors } = await readSafetensorsFile(source);
  const copies = new Map(
    [...tensors].map(([key, tensor]): [string, TensorToStore] => [
      key,
      { data: toFloat32(tensor), shape: tensor.shape },
    ]),
  );
  change(copies);
  await writeSafetensorsFile(target, copies);
  return target;
}

function listening(): { hooks: RunHooks; warnings: string[] } {
  const warnings: string[] = [];
  const onEvent = (event: RunEvent): void => {
    if (event.type === "warning") warnings.push(event.message);
  };
  return { hooks: { onEvent }, warnings };
}

describe("a run", () => {
  test("pre-trains: losses fall, everything is recorded, and averaged weights are the result where they are kept", async () => {
    const outputDir = at("recorded");
    const events: RunEvent[] = [];
    const input = { ...pretraining(data, outputDir), epochs: 8, emaDecay: 0.5, clsLoss: "ce" as const };
    const result = await pretrain(input, { onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ epochs: 8, checkpoint: join(outputDir, "ema.safetensors") });
    const logged = loggedEpochs(outputDir);
    expect(logged.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(result.trainLoss).toBe(logged.at(-1)?.train_loss);
    expect(result.trainLoss).toBeLessThan((logged[0]?.train_loss as number) * 0.8);
    for (const line of logged) {
      const { train_loss, train_reconstruction_loss, train_classification_loss } = line as Record<string, number>;
      expect(train_loss).toBeCloseTo(
        (train_reconstruction_loss as number) + 0.1 * (train_classification_loss as number),
        5,
      );
    }
    // Seven batches of an epoch: the last one's rate, at fractional epoch 0 + 6/7 of a linear warm-up over one epoch.
    expect(logged[0]?.train_lr).toBeCloseTo((1e-3 * 6) / 7, 12);
    const last = await weights(join(outputDir, "last.safetensors"));
    const averaged = await weights(result.checkpoint);
    expect(averaged.get("head.weight")).not.toEqual(last.get("head.weight"));
    expect([...averaged.keys()]).toEqual([...last.keys()]);
    for (const name of ["config.yaml", "env.json", "metrics.json", "README.md", "split.csv"]) {
      expect(existsSync(join(outputDir, name)), name).toBe(true);
    }
    const steps = events.filter((event) => event.type === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 56 }, (_, i) => i + 1));
    const phases = events.filter((event) => event.type === "phase");
    expect(phases).toEqual([2, 4, 6].map(() => ({ type: "phase", name: "attention maps", total: 30 })));
  });

  test("told no recipe takes the small one where there is no GPU, says so before all else, and keeps it when it goes on", async () => {
    const outputDir = at("small");
    const { recipe: _told, ...input } = { ...pretraining(data, outputDir), epochs: 3, overwrite: true };
    const notes: string[] = [];
    const onEvent = (event: RunEvent): void => {
      if (event.type === "note") notes.push(event.message);
    };
    await pretrain(input, { onEvent });
    expect(notes[0]).toMatch(/^small recipe, without a GPU /);
    const kept = readFileSync(join(outputDir, "config.yaml"), "utf8");
    for (const line of [
      "recipe: small",
      "clsLoss: ce",
      "clsLossWeight: 1",
      "attended: keep",
      "mapHeads: mean",
      "mapBlocks: all",
    ]) {
      expect(kept).toMatch(new RegExp(`^${line}$`, "m"));
    }
    const { overwrite: _again, ...rest } = input;
    await pretrain({ ...rest, epochs: 4, resume: outputDir });
    expect(readFileSync(join(outputDir, "config.yaml"), "utf8")).toMatch(/^recipe: small$/m);
    const other = pretrain({ ...rest, epochs: 5, resume: outputDir, recipe: "paper" });
    await expect(other).rejects.toThrow(/recipe "small".* got .*recipe "paper"/s);
  });

  test("fine-tunes: the best weights are measured, and eval measures the same", async () => {
    const outputDir = at("measured");
    const result = await finetune({ ...finetuning(data, outputDir), fullTokenEpochs: 1 });
    const { code, stdout, stderr } = msmae("eval", "--checkpoint", result.checkpoint, "--data-path", data, "--json");
    expect(code, stderr).toBe(0);
    const measured = JSON.parse(stdout) as Record<string, number>;
    expect([result.accuracy, result.f1Macro, result.auc]).toEqual([
      measured.accuracy,
      measured.f1Macro,
      measured.aucMacro,
    ]);
    const logged = loggedEpochs(outputDir);
    const best = logged.reduce((a, b) => {
      const [x, y] = [a, b].map(
        (line) => [line.test_accuracy, -(line.test_log_loss as number)] as [number, number],
      ) as [[number, number], [number, number]];
      return y[0] > x[0] || (y[0] === x[0] && y[1] > x[1]) ? b : a;
    });
    expect((await readModelFile(result.checkpoint)).description.epoch).toBe(best.epoch);
  });
});

describe("a loss that is not finite", () => {
  /** Pixels that overflow once they are normalised. */
  const overflowing = [1e-30, 1e-30, 1e-30];
  const imagesOf = (error: MsmaeError) => error.parts.where.match(/\/train\/[a-z]+\/\d{4}\.png/g);

  test("stops before a parameter moves, naming the step and its images", async () => {
    const outputDir = at("diverged");
    const error = await failure(pretrain(shortPretraining({ outputDir, std: overflowing })));
    expect(error.code).toBe("NonFiniteLoss");
    expect(error.message).toMatch(/^step 1 \(epoch 0, images /);
    expect(imagesOf(error)).toHaveLength(4);
    expect(error.parts.todo).toContain("there is no checkpoint yet");
    expect(existsSync(join(outputDir, "last.safetensors"))).toBe(false);
  });

  test("names the last good checkpoint, which is whole", async () => {
    const outputDir = at("exploded");
    // One step an epoch. Warm-up gives the first a learning rate of 0, and the second throws every weight far away.
    const input = {
      ...shortPretraining({ outputDir, saveEvery: 10 }),
      batchSize: 30,
      epochs: 4,
      lr: 1e30,
      warmupEpochs: 1,
    };
    const inMaps = await failure(pretrain({ ...input, outputDir: at("exploded maps") }));
    expect([inMaps.code, inMaps.parts.where]).toEqual(["NonFiniteLoss", "attention maps"]);
    const error = await failure(pretrain({ ...input, attentionStartEpoch: "never" }));
    expect(error.code).toBe("NonFiniteLoss");
    expect(error.parts.where).toMatch(/^step [234] \(epoch [123], images /);
    expect(imagesOf(error)).toHaveLength(30);
    const checkpoint = join(outputDir, "last.safetensors");
    expect(error.parts.todo).toContain(`the last good checkpoint is ${checkpoint}`);
    const { description } = await readModelFile(checkpoint);
    expect(error.parts.where).toContain(`step ${description.step + 1} (epoch ${description.epoch}, `);
  });

  test("is told by the command in one line with exit code 1", () => {
    const options = { ...shortPretraining({ outputDir: at("told") }), std: overflowing };
    const { code, stderr } = msmae("pretrain", ...flags(options));
    expect(code).toBe(1);
    const errors = stderr.split("\n").filter((line) => line.startsWith("error"));
    const line =
      /^error\[NonFiniteLoss\]: step 1 \(epoch 0, images .*\): expected a finite loss, got (NaN|Infinity); look at/;
    expect(errors).toEqual([expect.stringMatching(line)]);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("starting weights", () => {
  test("of pre-training reach the classifier; decoder and head do not", async () => {
    const outputDir = at("from pretraining");
    await finetune(shortFinetuning({ outputDir, ...from(pretrained) }));
    const [source, target] = [await weights(pretrained), await weights(join(outputDir, "last.safetensors"))];
    for (const [key, values] of target) {
      if (/^(head|fc_norm)\./.test(key)) continue;
      expect([key, values]).toEqual([key, source.get(key)]);
    }
    expect(target.get("head.weight")).not.toEqual(source.get("head.weight"));
    expect(target.has("mask_token")).toBe(false);
  });

  test("of another input size come with their positions interpolated, non-square too", async () => {
    const outputDir = at("wider");
    await finetune(shortFinetuning({ outputDir, ...from(pretrained), inputSize: { height: 32, width: 48 } }));
    const table = (await weights(pretrained)).get("pos_embed") as Float32Array;
    const expected = Float32Array.from(interpolatePositionEmbedding(table, 96, [4, 4], [4, 6]));
    const path = join(outputDir, "last.safetensors");
    expect((await weights(path)).get("pos_embed")).toEqual(expected);
    expect((await inspect(path)).inputSize).toEqual({ height: 32, width: 48 });
    // And back: the file itself says that its 24 patches are 4 rows of 6.
    const back = at("back");
    await finetune(shortFinetuning({ outputDir: back, ...from(path) }));
    const again = Float32Array.from(interpolatePositionEmbedding(expected, 96, [4, 6], [4, 4]));
    expect((await weights(join(back, "last.safetensors"))).get("pos_embed")).toEqual(again);
  });

  test("of a pre-training go on in one of another size, whose decoder keeps its own table", async () => {
    const outputDir = at("larger pretraining");
    await pretrain(shortPretraining({ outputDir, ...from(pretrained), inputSize: { height: 32, width: 48 } }));
    const [source, target] = [await weights(pretrained), await weights(join(outputDir, "last.safetensors"))];
    expect(target.get("blocks.3.attn.qkv.weight")).toEqual(source.get("blocks.3.attn.qkv.weight"));
    expect(target.get("decoder_pos_embed")).toEqual(
      Float32Array.from(sinCosPositionEmbedding(64, { height: 4, width: 6 })),
    );
  });

  test.each(["avg", "cls"] as const)("of a classifier pooled by %s keep its norm and head", async (globalPool) => {
    const first = at(`classifier ${globalPool}`);
    await finetune(shortFinetuning({ outputDir: first, globalPool }));
    const second = at(`classifier again ${globalPool}`);
    const { hooks, warnings } = listening();
    await finetune(shortFinetuning({ outputDir: second, globalPool, ...from(join(first, "last.safetensors")) }), hooks);
    expect(await weights(join(second, "last.safetensors"))).toEqual(await weights(join(first, "last.safetensors")));
    expect(warnings).toEqual([]);
  });

  test("of another program, under timm's keys and without metadata", async () => {
    const foreign = await rewrite(pretrained, at("foreign.safetensors"), (tensors) => {
      for (const key of [...tensors.keys()]) if (/^(decoder_|mask_token)/.test(key)) tensors.delete(key);
    });
    const outputDir = at("from foreign");
    await finetune(shortFinetuning({ outputDir, ...from(foreign), inputSize: { height: 48, width: 48 } }));
    const table = (await weights(pretrained)).get("pos_embed") as Float32Array;
    const expected = Float32Array.from(interpolatePositionEmbedding(table, 96, [4, 4], [6, 6]));
    expect((await weights(join(outputDir, "last.safetensors"))).get("pos_embed")).toEqual(expected);
  });

  test("that do not fit are refused naming what is missing, unexpected and reshaped, unless --allow-partial", async () => {
    const misfit = await rewrite(pretrained, at("misfit.safetensors"), (tensors) => {
      tensors.delete("blocks.1.norm1.weight");
      tensors.set("extra.weight", { data: new Float32Array(2), shape: [2] });
      tensors.set("blocks.0.mlp.fc1.bias", { data: new Float32Array(5), shape: [5] });
    });
    const options = shortFinetuning({ outputDir: at("misfit"), ...from(misfit) });
    const { code, stderr } = msmae("finetune", ...flags(options));
    expect(code).toBe(4);
    const line = `${misfit}: expected every key of the model, and no other, got 1 missing (blocks.1.norm1.weight); 1 unexpected (extra.weight); 1 reshaped (blocks.0.mlp.fc1.bias: [5] instead of [384])`;
    expect(stderr).toContain(`error[Checkpoint]: ${line}; `);
    const { hooks, warnings } = listening();
    await finetune({ ...options, allowPartial: true }, hooks);
    const told = warnings.find((warning) => warning.startsWith(misfit));
    for (const key of ["blocks.1.norm1.weight", "extra.weight", "blocks.0.mlp.fc1.bias"]) expect(told).toContain(key);
    const target = await weights(join(options.outputDir, "last.safetensors"));
    expect(target.get("blocks.2.mlp.fc2.weight")).toEqual((await weights(misfit)).get("blocks.2.mlp.fc2.weight"));
  });

  test("of patches of one size do not pass for another", async () => {
    const error = await failure(
      finetune(shortFinetuning({ outputDir: at("small patches"), ...from(pretrained), patchSize: 4 })),
    );
    expect(error.code).toBe("Checkpoint");
    expect(error.message).toContain("patch_embed.proj.weight: [96,3,8,8] instead of [96,3,4,4]");
    expect(error.parts.todo).toContain("channels");
  });

  test.each([
    ["that is not JSON", "{kind", /text that is not JSON/],
    ["without a configuration", JSON.stringify({ kind: "pretrained" }), /config/],
  ])("with a description %s are a named fault", async (_, description, expected) => {
    const path = at("described.safetensors");
    const { tensors } = await readSafetensorsFile(pretrained);
    const copies = new Map(
      [...tensors].map(([key, tensor]) => [key, { data: toFloat32(tensor), shape: tensor.shape }]),
    );
    await writeSafetensorsFile(path, copies, { msmae: description });
    const error = await failure(finetune(shortFinetuning({ outputDir: at("described"), ...from(path) })));
    expect([error.code, error.parts.where]).toEqual(["Checkpoint", path]);
    expect(error.parts.got).toMatch(expected);
  });

  test("with positions of a grid that nobody can know are a named fault", async () => {
    const odd = await rewrite(pretrained, at("odd.safetensors"), (tensors) => {
      tensors.set("pos_embed", { data: new Float32Array(12 * 96), shape: [1, 12, 96] });
    });
    const error = await failure(finetune(shortFinetuning({ outputDir: at("odd"), ...from(odd) })));
    expect([error.code, error.parts.got]).toEqual(["Checkpoint", "11 positions"]);
  });
});

describe("images of other kinds", () => {
  test("one channel end to end: pre-training, fine-tuning and evaluation", async () => {
    const [first, second] = [at("grey pretraining"), at("grey finetuning")];
    const { checkpoint } = await pretrain(shortPretraining({ outputDir: first, inChans: 1 }));
    const result = await finetune(shortFinetuning({ outputDir: second, ...from(checkpoint), inChans: 1 }));
    const { code, stdout, stderr } = msmae("eval", "--checkpoint", result.checkpoint, "--data-path", data, "--json");
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ n: 6, accuracy: result.accuracy });
    const { mean, std, details } = await inspect(result.checkpoint);
    expect([mean, std, details.inChans]).toEqual([[0.449], [0.226], 1]);
  });

  test("grey and RGB mixed, and of other sizes, train as if all were of one kind", async () => {
    const mixed = at("mixed");
    cpSync(data, mixed, { recursive: true });
    // The same pixels as RGB: the run must not tell them apart.
    for (const [i, name] of ["0000", "0003", "0007"].entries()) {
      const path = join(mixed, "train", ["disc", "ring", "star"][i] as string, `${name}.png`);
      await sharp(readFileSync(path)).toColourspace("srgb").png({ palette: false }).toFile(`${path}.rgb.png`);
      renameSync(`${path}.rgb.png`, path);
      expect((await sharp(path).metadata()).channels).toBe(3);
    }
    const outputDir = at("mixed run");
    await pretrain({ ...shortPretraining({ outputDir }), dataPath: mixed });
    expect(await weights(join(outputDir, "last.safetensors"))).toEqual(await weights(pretrained));
  });
});
