import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SegmentInput } from "../../../src/config/index.ts";
import { inspect } from "../../../src/interop/inspect.ts";
import { describeModelFile } from "../../../src/interop/model-file.ts";
import { readSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { toFloat32 } from "../../../src/interop/tensor-values.ts";
import type { RunEvent } from "../../../src/support/events.ts";
import { tensorboard } from "../../../src/training/records/generated/event.js";
import { finetune } from "../../../src/training/tasks/finetune.ts";
import { pretrain } from "../../../src/training/tasks/pretrain.ts";
import { type SegmentResult, segment } from "../../../src/training/tasks/segment.ts";
import { classifier, pretrained, writeMicroModel } from "../micro-models.ts";
import { flags, loggedEpochs, msmae } from "../runs.ts";
import { segmenting, writeMaskedPhantoms } from "./masked.ts";

// Each run takes a second or two on a machine that does nothing else.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-segment-"));
const at = (...parts: string[]): string => join(folder, ...parts);
let data: Awaited<ReturnType<typeof writeMaskedPhantoms>>;
let result: SegmentResult;
const events: RunEvent[] = [];
/** A run whose IoU is best before its end. */
const run = at("run");
beforeAll(async () => {
  data = await writeMaskedPhantoms(at("data"));
  const input = { ...segmenting(data.lesions, run), loss: "tversky", lr: 3e-3, headWidth: 16, epochs: 4 } as const;
  result = await segment(input, { onEvent: (event) => events.push(event) });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function weights(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readSafetensorsFile(path);
  return new Map([...tensors].map(([key, tensor]) => [key, toFloat32(tensor)]));
}

/** Tags and values of a TensorBoard file by step. */
function scalars(path: string): Map<string, number[]> {
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  const found = new Map<string, number[]>();
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Number(view.getBigUint64(offset, true));
    const event = tensorboard.Event.decode(bytes.subarray(offset + 12, offset + 12 + length));
    for (const { tag, simpleValue } of event.summary?.value ?? []) {
      if (typeof tag !== "string" || typeof simpleValue !== "number") continue;
      found.set(tag, [...(found.get(tag) ?? []), simpleValue]);
    }
    offset += length + 16;
  }
  return found;
}

describe("a run", () => {
  test("leaves what every run leaves", () => {
    const names = readdirSync(run).map((name) => name.replace(/^(events\.out\.tfevents)\..*/, "$1"));
    expect(names.sort()).toEqual(
      [
        ...[
          "README.md",
          "best.safetensors",
          "config.yaml",
          "env.json",
          "events.out.tfevents",
          "last.28.state.safetensors",
        ],
        ...["last.safetensors", "log.txt", "metrics.json", "split.csv"],
        ...[0, 1, 2, 3].flatMap((epoch) => [
          `checkpoint-${epoch}.${7 * (epoch + 1)}.state.safetensors`,
          `checkpoint-${epoch}.safetensors`,
        ]),
      ].sort(),
    );
    const split = readFileSync(join(run, "split.csv"), "utf8");
    expect(split).toMatch(/^path,label,split,mask$/m);
    expect(split).toMatch(/^.*train\/disc\/0000\.png,lesion,train,.*masks\/train\/disc\/0000\.png$/m);
    const { code, stderr } = msmae("segment", "--config", join(run, "config.yaml"));
    expect([code, stderr]).toEqual([3, expect.stringContaining("a training run")]);
  });

  test("logs loss, Dice and IoU of each epoch, in log.txt and for TensorBoard, and the loss falls", () => {
    const logged = loggedEpochs(run) as Record<string, number>[];
    expect(logged.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
    expect(logged.at(-1)?.train_loss).toBeLessThan(logged[0]?.train_loss as number);
    const file = readdirSync(run).find((name) => name.startsWith("events.")) as string;
    const written = scalars(join(run, file));
    for (const figure of ["dice", "iou", "sensitivity", "precision"]) {
      const [tag, values] = [...written].find(([name]) => name.endsWith(`/${figure}`)) ?? [];
      expect(tag).toBeDefined();
      expect(values).toEqual(logged.map((line) => Math.fround(line[`test_${figure}`] as number)));
    }
    for (const line of logged) {
      const { test_dice: dice, test_iou: iou } = line as { test_dice: number; test_iou: number };
      expect(iou).toBeGreaterThan(0);
      expect(iou).toBeLessThan(dice);
    }
  });

  test("keeps the weights of the best IoU, and measures them as eval does", async () => {
    const logged = loggedEpochs(run) as Record<string, number>[];
    const best = logged.reduce((a, b) => ((b.test_iou as number) > (a.test_iou as number) ? b : a));
    // Else the last weights would do.
    expect(best.epoch).toBeLessThan(3);
    expect(result.checkpoint).toBe(join(run, "best.safetensors"));
    expect((await describeModelFile(result.checkpoint)).description.epoch).toBe(best.epoch);
    const written = JSON.parse(readFileSync(join(run, "metrics.json"), "utf8")) as Record<string, unknown>;
    const argv = ["--checkpoint", result.checkpoint, "--data-path", data.lesions, "--json", "--threads", "1"];
    const { code, stdout, stderr } = msmae("eval", ...argv);
    expect(code, stderr).toBe(0);
    const { unreadable: _, ...measured } = JSON.parse(stdout) as Record<string, unknown>;
    expect(written).toMatchObject({ ...measured, split: "test", epochs: 4, checkpoint: "best.safetensors" });
    expect([result.epochs, result.dice, result.iou]).toEqual([4, written.dice, written.iou]);
    const val = msmae("eval", ...argv, "--split", "val");
    expect(JSON.parse(val.stdout)).toMatchObject({ n: 6, dice: best.test_dice, iou: best.test_iou });
  });

  test("has a model card with the task, the classes of pixels, how many images show them, and Dice and IoU", () => {
    const card = readFileSync(join(run, "README.md"), "utf8");
    expect(card).toMatch(/^pipeline_tag: image-segmentation$/m);
    expect(card).toMatch(/^metrics:\n {2}- dice\n {2}- mean_iou$/m);
    expect(card).toContain("the class of each pixel: background, lesion.");
    expect(card).toContain("| background | 0 |\n| lesion | 30 |\n");
    expect(card).toContain(`type: dice\n            value: ${result.dice}`);
    expect(card).toContain(`type: mean_iou\n            value: ${result.iou}`);
    expect(card).toContain("| `head` | light |");
    expect(card).toContain("Trained to outline for 4 epochs with the head light, from scratch.");
  });

  test("takes the masks of a share of each class's images", async () => {
    const outputDir = at("few");
    await segment({ ...segmenting(data.kinds, outputDir), epochs: 1, labelShare: 0.4 });
    const card = readFileSync(join(outputDir, "README.md"), "utf8");
    expect([...card.matchAll(/^\| (\w+) \| (\d+) \|$/gm)].map(([, , count]) => count)).toEqual(["0", "4", "4", "4"]);
    expect(card).toContain("labels of 12 of 30 training images were used; the others were left out.");
  });

  test("is described by inspect", async () => {
    expect(await inspect(result.checkpoint)).toMatchObject({
      ...{ kind: "segmenter", model: "vit_micro_patch8", numClasses: 2, classNames: ["background", "lesion"] },
      inputSize: { height: 32, width: 32 },
      described: true,
      details: { head: "light", headWidth: 16, taps: [0, 1], deepSupervision: false },
    });
  });

  test("says nothing worth a warning, and trains and validates in phases", () => {
    expect(events.filter(({ type }) => type === "warning")).toEqual([]);
    const phases = events.filter((event) => event.type === "phase").map(({ name, total }) => [name, total]);
    expect(phases).toEqual([...new Array(4).fill(["validation", 6]), ["evaluation", 6]]);
  });
});

/** Options of a run in which nothing that starts from a checkpoint moves, but running statistics. */
const still = { epochs: 1, lr: 1e-60, minLr: 0, weightDecay: 0, saveEvery: 5 } as const;
const starting = (outputDir: string, checkpoint: string, more: Partial<SegmentInput> = {}): SegmentInput => ({
  ...segmenting(data.lesions, outputDir),
  ...still,
  init: "checkpoint",
  finetune: checkpoint,
  ...more,
});
const isHead = (key: string) => key.startsWith("heads.");

describe("starting weights", () => {
  const encoder = { inputHeight: 32, inputWidth: 32, embedDim: 96, depth: 2, numHeads: 3, mlpRatio: 4 } as const;
  const start = at("start.safetensors");

  test.each([
    ["of a pre-trained model", "pretrained"],
    ["of a classifier", "classifier"],
  ] as const)("%s reach the encoder; its own heads do not", async (_, kind) => {
    const description =
      kind === "pretrained"
        ? { ...pretrained, config: { ...pretrained.config, ...encoder } }
        : { ...classifier, config: { ...classifier.config, ...encoder } };
    await writeMicroModel(start, description);
    const outputDir = at(`from ${kind}`);
    await segment(starting(outputDir, start));
    const [source, target] = [await weights(start), await weights(join(outputDir, "last.safetensors"))];
    const carried = [...target.keys()].filter((key) => !isHead(key));
    expect(carried).toContain("blocks.1.mlp.fc2.weight");
    for (const key of carried) expect([key, target.get(key)]).toEqual([key, source.get(key)]);
    // Of the source nothing else has come.
    expect([...source.keys()].filter((key) => /^(decoder_|mask_token|head\.|norm|fc_norm)/.test(key))).not.toEqual([]);
    expect([...target.keys()].filter((key) => !source.has(key)).every(isHead)).toBe(true);
  });

  test("of a segmenter come with its heads", async () => {
    const outputDir = at("from segmenter");
    await segment(starting(outputDir, result.checkpoint, { headWidth: 16 }));
    const [source, target] = [await weights(result.checkpoint), await weights(join(outputDir, "last.safetensors"))];
    expect([...target.keys()]).toEqual([...source.keys()]);
    for (const [key, values] of target) {
      if (!/running_(mean|var)$/.test(key)) expect([key, values]).toEqual([key, source.get(key)]);
    }
  });

  test("of a segmenter of other classes or with another head are refused by their keys", async () => {
    const classes = segment(starting(at("other classes"), result.checkpoint, { dataPath: data.kinds, headWidth: 16 }));
    await expect(classes).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringMatching(
        /2 reshaped \(heads\.Head1\.cls_seg\.weight: \[1,16,1,1\] instead of \[4,16,1,1\]/,
      ),
    });
    const head = segment(starting(at("other head"), result.checkpoint, { head: "setr-naive" }));
    await expect(head).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringMatching(/missing \(heads\..* unexpected \(heads\./),
    });
  });

  test("of a segmenter do not pass for those of a classifier or a pre-trained model", async () => {
    const common = { ...still, dataPath: at("data"), init: "checkpoint", finetune: result.checkpoint } as const;
    const size = {
      inputSize: { height: 32, width: 32 },
      batchSize: 4,
      threads: 1,
      workers: 0,
      warmupEpochs: 0,
    } as const;
    const refused = { code: "Checkpoint", message: expect.stringContaining("unexpected (heads.") };
    const outputDir = at("classifier from segmenter");
    const { mapInterval: _, ...tuning } = { ...common, ...size, outputDir, model: "vit_micro_patch8", mapInterval: 1 };
    await expect(finetune(tuning)).rejects.toMatchObject(refused);
    const model = "msmae_vit_micro_patch8";
    await expect(pretrain({ ...common, ...size, outputDir, model })).rejects.toMatchObject(refused);
  });
});

test("every head, loss and optimiser trains a step, with several classes and deep supervision too", async () => {
  const one = { epochs: 1, batchSize: 30, saveEvery: 5 } as const;
  const variants: Partial<SegmentInput>[] = [
    { head: "setr-pup", loss: "bce-dice", inputSize: { height: 32, width: 48 } },
    { head: "setr-naive", loss: "focal", focalGamma: 1, optimizer: "adamw", deepSupervision: true },
    { head: "light", loss: "tversky", tversky: [0.4, 0.6], deepSupervision: true, keepRatio: 0.5, fullTokenEpochs: 0 },
    { head: "light", loss: "dice", dataPath: data.kinds, accumIter: 2, batchSize: 10, clipGrad: 1, emaDecay: 0.5 },
  ];
  for (const [n, more] of variants.entries()) {
    const { dice, checkpoint } = await segment({ ...segmenting(data.lesions, at(`variant ${n}`)), ...one, ...more });
    expect(dice).toBeGreaterThanOrEqual(0);
    const { details, inputSize } = await inspect(checkpoint);
    expect(details).toMatchObject({ head: more.head, deepSupervision: more.deepSupervision ?? false });
    expect(inputSize).toEqual(more.inputSize ?? { height: 32, width: 32 });
  }
});

test("the command tells epochs, Dice, IoU and the checkpoint", () => {
  const outputDir = at("command");
  const { code, stdout, stderr } = msmae(
    "segment",
    ...flags({ ...segmenting(data.lesions, outputDir), epochs: 1 }),
    "--json",
  );
  expect(code, stderr).toBe(0);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(told)).toEqual(["epochs", "dice", "iou", "checkpoint", "seconds"]);
  expect(told).toMatchObject({ epochs: 1, checkpoint: join(outputDir, "best.safetensors") });
});
