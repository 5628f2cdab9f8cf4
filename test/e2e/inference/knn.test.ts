import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import type { KnnInput } from "../../../src/config/index.ts";
import { interpret } from "../../../src/engine/graph/interpreter.ts";
import { knn } from "../../../src/inference/knn.ts";
import { readSafetensorsFile, writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { toFloat32 } from "../../../src/interop/tensor-values.ts";
import { featuresGraph, frozenEncoderSpecs } from "../../../src/method/models/linear-probe.ts";
import { type EncoderPreset, encoderPresets } from "../../../src/method/models/presets.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import { classifier, normalisedPlanes, patchesOf, pretrained, writeMicroModel } from "../micro-models.ts";
import { at, checkpoints, msmae, pretrainedWeights } from "./scene.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ask = (more: Partial<KnnInput> = {}) =>
  knn({ checkpoint: checkpoints.pretrained, dataPath: at("data"), k: [3], threads: 1, workers: 0, ...more });

async function failure(work: Promise<unknown>): Promise<MsmaeError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MsmaeError);
  return error as MsmaeError;
}

/** The cls features of an image in float64, without the code under test. */
async function features(path: string): Promise<Float64Array> {
  const config = { ...pretrained.config, globalPool: "cls" as const };
  const specs = frozenEncoderSpecs(config);
  const weights = specs.map(
    ({ name }) => [name, Float64Array.from(pretrainedWeights.get(name) as Float32Array)] as const,
  );
  const patches = patchesOf(await normalisedPlanes(path, pretrained), config);
  const { data } =
    interpret(featuresGraph(config, 1), { ...Object.fromEntries(weights), patches }).get("features") ?? {};
  return data as Float64Array;
}

describe("knn", () => {
  test("finds the images that float64 finds, and writes figures, predictions and images side by side", async () => {
    const result = await ask({ k: [1], valSplit: 0, outputDir: at("knn") });
    const images = classifier.classNames.flatMap((name, label) =>
      [0, 1, 2].map((i) => ({ file: `${name}/${i}.png`, label })),
    );
    const load = async (split: string) => Promise.all(images.map(({ file }) => features(at("data", split, file))));
    const [bank, queries] = [await load("train"), await load("test")];
    const cosine = (a: Float64Array, b: Float64Array) =>
      a.reduce((sum, value, d) => sum + value * (b[d] as number), 0) / (Math.hypot(...a) * Math.hypot(...b));
    const nearest = queries.map((query) => {
      const cosines = bank.map((row) => cosine(row, query));
      return cosines.indexOf(Math.max(...cosines));
    });
    const right = nearest.filter((row, i) => images[row]?.label === images[i]?.label).length;
    expect(result).toMatchObject({ n: 9, k: 1, split: "test", accuracy: right / 9, unreadable: 0 });
    const metrics = JSON.parse(readFileSync(at("knn", "metrics.json"), "utf8"));
    expect(metrics).toMatchObject({ k: 1, features: "cls", accuracy: right / 9 });
    const lines = readFileSync(at("knn", "predictions.csv"), "utf8").trim().split("\n");
    expect(lines.slice(1).map((line) => line.split(",")[2])).toEqual(
      nearest.map((row) => classifier.classNames[images[row]?.label as number]),
    );
    const report = readFileSync(at("knn", "report.html"), "utf8");
    expect(report).toContain("What it finds alike");
    expect(report.match(/alt="nearest to it: /g)).toHaveLength(8);
  });

  test("takes the number of neighbours that is best on the validation split, the smallest of equals", async () => {
    const result = await ask({ k: [1, 2, 6], valSplit: 0.34 });
    expect(result.validation?.map(({ k }) => k)).toEqual([1, 2, 6]);
    const best = Math.max(...(result.validation ?? []).map(({ accuracy }) => accuracy));
    expect(result.k).toBe(result.validation?.find(({ accuracy }) => accuracy === best)?.k);
    const alone = await ask({ k: [result.k], valSplit: 0.34 });
    expect(alone.confusion).toEqual(result.confusion);
    expect(alone.validation).toBeUndefined();
  });

  test("reads another program's encoder, of the size that its tensors have or that it is told, to the same figures", async () => {
    const config = { ...classifier.config, ...(encoderPresets.vit_micro_patch8 as EncoderPreset) };
    await writeMicroModel(at("own.safetensors"), { ...classifier, config });
    const { tensors } = await readSafetensorsFile(at("own.safetensors"));
    const foreign = [...tensors]
      .filter(([key]) => !key.startsWith("head"))
      .map(([key, tensor]) => [`backbone.${key}`, { data: toFloat32(tensor), shape: tensor.shape }] as const);
    await writeSafetensorsFile(at("foreign.safetensors"), new Map(foreign), {});
    const { inputHeight: height, inputWidth: width } = config;
    const { mean, std } = classifier;
    const told = { model: "vit_micro_patch8", inputSize: { height, width }, mean, std, features: "mean" } as const;
    const mine = await ask({ checkpoint: at("own.safetensors"), features: "mean", valSplit: 0 });
    const asked = { checkpoint: at("foreign.safetensors"), ...told, valSplit: 0 };
    expect(await ask(asked)).toEqual(mine);
    const { model: _, ...unnamed } = asked;
    expect(await ask(unnamed)).toEqual(mine);
    expect(await ask({ ...unnamed, from: "timm", numHeads: 3 })).toEqual(mine);
    for (const more of [{ numHeads: 6 }, { mean: [0, 0, 0] }])
      expect(await ask({ ...unnamed, ...more })).not.toEqual(mine);
    // Whose family's mean and deviation are others.
    const { mean: _mean, std: _std, ...unsaid } = unnamed;
    expect(await ask({ ...unsaid, from: "hf-vit" })).not.toEqual(await ask(unsaid));
    const other = await failure(
      ask({ checkpoint: at("foreign.safetensors"), ...told, model: "vit_mini_patch16", patchSize: 8 }),
    );
    expect(other).toMatchObject({ code: "Checkpoint", message: expect.stringContaining("cls_token") });
    for (const more of [{ model: "vit_micro_patch8" }, { from: "mae" }, { numHeads: 3 }] as const) {
      const said = await failure(ask(more));
      expect(said.message).toMatch(new RegExp(`^${Object.keys(more)[0]}: expected a checkpoint of another program`));
    }
  });

  test("names more neighbours than images, a training split of one class and what no kind of split has", async () => {
    expect((await failure(ask({ k: [10], valSplit: 0 }))).message).toMatch(
      /^k: expected at most the 9 training images, got 10/,
    );
    expect((await failure(ask({ k: [1, 2], valSplit: 0 }))).message).toMatch(/images of split "val"/);
    expect((await failure(ask({ k: [201] }))).code).toBe("Config");
    const rows = classifier.classNames.map((name) => `data/test/${name}/0.png,${name},test`);
    const bank = [0, 1].map((i) => `data/train/glioma/${i}.png,glioma,train`);
    writeFileSync(at("one.csv"), ["path,label,split", ...bank, ...rows, ""].join("\n"));
    expect((await failure(ask({ dataPath: at("one.csv"), k: [1], valSplit: 0 }))).message).toMatch(
      /training images of at least two classes, got one class only/,
    );
  });

  test("by the command line gives figures and k as JSON", () => {
    const { code, lines } = msmae(
      "knn",
      "--checkpoint",
      checkpoints.classifier,
      "--data-path",
      at("data"),
      "--k",
      "2",
      "--features",
      "mean",
    );
    expect({ code, line: lines[0] }).toMatchObject({
      code: 0,
      line: { k: 2, accuracy: expect.any(Number), f1Macro: expect.any(Number), aucMacro: expect.any(Number) },
    });
  });
});
