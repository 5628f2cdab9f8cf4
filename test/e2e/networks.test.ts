import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FinetuneInput } from "../../src/config/index.ts";
import { initialStore } from "../../src/engine/parameters/initial-store.ts";
import { attentionMaps } from "../../src/inference/attention-maps.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { loadClassifier } from "../../src/inference/predictor.ts";
import { inspect } from "../../src/interop/inspect.ts";
import { readModelFile } from "../../src/interop/model-file.ts";
import { writeSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import { networkKindOf } from "../../src/method/kinds/networks.ts";
import { modelShape } from "../../src/method/kinds/shape.ts";
import { type FinetuneResult, finetune } from "../../src/training/tasks/finetune.ts";
import { digests, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-networks-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
beforeAll(() => writePhantoms(data));
afterAll(() => rmSync(folder, { recursive: true }));

// Every stage of the Swin Transformer has whole windows, so that its tables are those of any larger size.
const inputSize = { height: 112, width: 112 };
const machine = { threads: 1, workers: 1 };
const training = { dataPath: data, inputSize, ...machine, epochs: 2, warmupEpochs: 0, batchSize: 6, seed: 3, lr: 1e-3 };

describe.each([
  ["resnet_micro", "resnet", "fc"],
  ["swin_micro_patch4_window7", "swin", "head.fc"],
] as const)("%s", (model, kind, head) => {
  const options = (run: string): FinetuneInput => ({
    ...training,
    model,
    init: "scratch",
    outputDir: at(model, run),
  });
  let trained: FinetuneResult;
  const notes: string[] = [];

  test("is trained on whole images to a run like any other", async () => {
    trained = await finetune(options("run"), {
      onEvent: (event) => void (event.type === "note" && notes.push(event.message)),
    });
    expect(notes).toContain(`training ${model} on whole images`);
    const card = readFileSync(at(model, "run", "README.md"), "utf8");
    expect(card).toContain("on whole images, from scratch.");
    expect(card).not.toMatch(/maskRatio|throwRatio|layerDecay|method:|vision-transformer|2305\.05871/);
  });

  test("says of itself what it is, to inspect as well", async () => {
    const { description } = await readModelFile(trained.checkpoint);
    expect(description).toMatchObject({ kind, model, config: { inputHeight: 112, numClasses: 3 } });
    expect(await inspect(trained.checkpoint)).toMatchObject({
      kind,
      model,
      numClasses: 3,
      described: true,
      inputSize,
    });
  });

  test("is evaluated to the figures of its run, with a report, and asked about images", async () => {
    const evaluation = await evaluate({
      dataPath: data,
      checkpoint: trained.checkpoint,
      outputDir: at(model, "evaluation"),
      ...machine,
    });
    expect(evaluation).toMatchObject({ split: "test", accuracy: trained.accuracy });
    expect(readFileSync(at(model, "evaluation", "report.html"), "utf8")).not.toContain("Attention maps");
    await using classifier = await loadClassifier(trained.checkpoint, { threads: 1 });
    for await (const line of classifier.predict([join(data, "test")])) {
      if ("error" in line) throw new Error(JSON.stringify(line.error));
      const { probabilities } = line;
      expect(Object.values(probabilities).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });

  test("has no attention to look at, which is said by name", async () => {
    const looking = attentionMaps({
      checkpoint: trained.checkpoint,
      files: [data],
      outputDir: at(model, "maps"),
      threads: 1,
    });
    await expect(looking.next()).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringMatching(/a model with a vision transformer, .* got a/),
    });
  });

  test("stopped and resumed leaves the same bytes", async () => {
    const controller = new AbortController();
    const stopped = finetune(options("halves"), {
      signal: controller.signal,
      onEvent: (event) => void (event.type === "step" && event.step === 7 && controller.abort(new Error("enough"))),
    });
    await expect(stopped).rejects.toThrow(/everything is saved/);
    await finetune({ ...options("halves"), resume: at(model, "halves") });
    expect(digests(at(model, "halves"))).toEqual(digests(at(model, "run")));
  });

  test("starts from another program's weights of other classes, whose head is drawn anew", async () => {
    const network = networkKindOf(model);
    if (!network) throw new Error(`no kind has ${model}`);
    const config = modelShape(network, { model, inputSize, inChans: 3, numClasses: 7 });
    const store = initialStore(network.specs(config), 11);
    const foreign = at(model, "foreign.safetensors");
    const tensors = store.names.map((name) => {
      const shape = store.shapeOf(name);
      return [name, { dtype: "F32" as const, shape, data: store.parameter(name) }] as const;
    });
    await writeSafetensorsFile(foreign, new Map(tensors), { format: "pt" });
    expect(await inspect(foreign)).toMatchObject({ kind, model, numClasses: 7, described: false });
    const { init: _, ...more } = options("started");
    // So small a step that the weights are still those they started from.
    const result = await finetune({ ...more, finetune: foreign, lr: 1e-12, minLr: 0, weightDecay: 0, epochs: 1 });
    const weights = (await readModelFile(result.checkpoint)).tensors;
    const last = store.names.filter((name) => name.endsWith(".weight") && !name.startsWith(head)).at(-1) as string;
    const kept = toFloat32(weights.get(last) as NonNullable<ReturnType<typeof weights.get>>);
    expect(Math.max(...kept.map((value, i) => Math.abs(value - (store.parameter(last)[i] as number))))).toBeLessThan(
      1e-6,
    );
    expect(weights.get(`${head}.weight`)?.shape[0]).toBe(3);
    expect(readdirSync(at(model, "started"))).toContain("best.safetensors");
  });
});
