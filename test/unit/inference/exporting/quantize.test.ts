import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExportInput } from "../../../../src/config/index.ts";
import { inputName } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { inInt8 } from "../../../../src/engine/graph/passes/in-int8.ts";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import { linearWeights } from "../../../../src/engine/onnx/portable.ts";
import { int4Block, int4Weight } from "../../../../src/engine/onnx/weight-rounding.ts";
import { evaluate } from "../../../../src/inference/evaluate.ts";
import { exportModel } from "../../../../src/inference/export-model.ts";
import { meaningGraph } from "../../../../src/inference/exported-outputs.ts";
import { levelsOf } from "../../../../src/inference/exporting/calibration.ts";
import type { MaskMetrics } from "../../../../src/inference/outcomes/masks.ts";
import { kindOf, type ModelDescription, writeModelFile } from "../../../../src/interop/model-file.ts";
import type { EncoderConfig } from "../../../../src/method/models/config.ts";
import { halfBits, halfValue } from "../../../../src/support/half.ts";
import { normalisedPlanes, patchesOf, writeMicroModel, writePicture } from "../../../e2e/micro-models.ts";
import { segmenter } from "../../../e2e/segmentation/masked.ts";
import { models, runFile } from "../../../support/exported.ts";
import { quantizedFeeds } from "../../../support/quantized-reference.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-quantised-"));
const at = (name: string) => join(folder, name);
const description = models.classifier as ModelDescription;
const kind = kindOf(description);
const shapes = new Map(kind.specs(description.config).map(({ name, shape }) => [name, shape]));
const pictures = Array.from({ length: 4 }, (_, i) => at(`${i}.png`));
let weights: Map<string, Float32Array>;

/** A folder of pictures whose classes are those that a model tells of them. @returns the training images. */
async function writeToldSet(root: string, model: string): Promise<string[]> {
  const train: string[] = [];
  const seen = new Map<string, number>();
  for (let i = 0; i < 48; i++) {
    const picture = at(`told-${i}.png`);
    await writePicture(picture, 100 + i, 48, 32, 3);
    const logits = [...(await logitsOf(model, picture))];
    const name = description.classNames[logits.indexOf(Math.max(...logits))] as string;
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    // As many of each class in every split.
    const split = ["train", "val", "test"][before % 3] as string;
    const path = join(root, split, name, `${i}.png`);
    await writePicture(path, 100 + i, 48, 32, 3);
    if (split === "train") train.push(path);
  }
  return train;
}

async function writeWeights(path: string, values: ReadonlyMap<string, Float32Array>): Promise<void> {
  const tensors = [...values].map(
    ([name, data]) => [name, { data, shape: shapes.get(name) as readonly number[] }] as const,
  );
  await writeModelFile(path, description, new Map(tensors));
}

beforeAll(async () => {
  for (const [i, path] of pictures.entries()) await writePicture(path, i, 48, 32, 3);
  weights = await writeMicroModel(at("model.safetensors"), description);
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
async function exported(options: Partial<ExportInput>, checkpoint = at("model.safetensors")) {
  const output = at(`${count++}.onnx`);
  return exportModel({ checkpoint, output, threads: 1, workers: 0, ...options });
}

async function imageOf(path: string): Promise<{ images: Tensor }> {
  const planes = Float32Array.from(await normalisedPlanes(path, description));
  return { images: new Tensor("float32", planes, [1, 3, 32, 48]) };
}

async function logitsOf(file: string, path: string, how?: InferenceSession.SessionOptions): Promise<Float32Array> {
  return (await runFile(file, await imageOf(path), how)).logits as Float32Array;
}

function close(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(want.length);
  const largest = Math.max(...Array.from(want, Math.abs));
  for (let i = 0; i < want.length; i++) {
    expect(Math.abs((got[i] as number) - (want[i] as number)) / largest).toBeLessThanOrEqual(tolerance);
  }
}

const layers = ["blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.mlp.fc1", "blocks.0.mlp.fc2"];

test("int8: the product of the training in 8 bits, with the standard's operators, in a quarter of the weights' bytes", async () => {
  const { path, quantization, bytes, drop } = await exported({ quantize: "int8" });
  const graph = meaningGraph(kind, description, 1);
  const keys = linearWeights([graph]);
  expect(quantization).toEqual({ weights: "int8", activations: "dynamic", layers: keys.length, fp32: [] });
  expect(drop).toEqual({});
  expect(keys.map((key) => key.replace(".weight", ""))).toEqual(expect.arrayContaining([...layers, "head"]));
  const store = {
    parameter: (name: string) => weights.get(name) as Float32Array,
    shapeOf: (name: string) => shapes.get(name) as readonly number[],
  };
  for (const picture of pictures) {
    const patches = patchesOf(await normalisedPlanes(picture, description), description.config as EncoderConfig);
    const feeds = {
      ...Object.fromEntries([...weights].map(([k, v]) => [k, Float64Array.from(v)])),
      ...quantizedFeeds(store, keys),
    };
    const told = interpret(inInt8(graph, new Set(keys)), { ...feeds, patches: Float64Array.from(patches) });
    // A value at the border of two levels may fall to either side.
    close(await logitsOf(path, picture), told.get("logits")?.data as Float64Array, 2e-3);
  }
  const model = onnx.ModelProto.decode(readFileSync(path));
  expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([["", 17]]);
  expect(model.graph?.node?.every(({ domain }) => !domain)).toBe(true);
  const tensors = new Map(model.graph?.initializer?.map((tensor) => [tensor.name, tensor.rawData?.length]));
  expect(tensors.get("blocks.0.mlp.fc1.weight/int8")).toBe(16 * 32);
  expect(tensors.has("blocks.0.mlp.fc1.weight")).toBe(false);
  expect(bytes).toBe(readFileSync(path).length);
});

/** The weights as they are after rounding. */
function rounded(how: (name: string, data: Float32Array) => Float32Array): Map<string, Float32Array> {
  return new Map([...weights].map(([name, data]) => [name, how(name, data)]));
}

test.each([
  [
    "fp16",
    { quantize: "fp16" as const },
    (name: string, data: Float32Array) =>
      (shapes.get(name) as readonly number[]).length < 2 ? data : data.map((value) => halfValue(halfBits(value))),
  ],
  [
    "int4",
    { weights: "int4" as const, keepFp32: ["blocks.1.mlp.fc2"] },
    (name: string, data: Float32Array) => {
      const linear = linearWeights([meaningGraph(kind, description, 1)]);
      if (!linear.includes(name) || name === "blocks.1.mlp.fc2.weight") return data;
      const [rows, columns] = shapes.get(name) as readonly [number, number];
      const { bytes, scales } = int4Weight(data, [rows, columns], int4Block(columns) as number);
      return data.map((_, i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        const place = column * rows + row;
        const four = ((bytes[place >> 1] as number) >> (4 * (place % 2))) & 15;
        return ((four ^ 8) - 8) * (scales[Math.floor(column / (int4Block(columns) as number)) * rows + row] as number);
      });
    },
  ],
])("%s: the model of the rounded weights", async (name, options, how) => {
  const checkpoint = at(`${name}-rounded.safetensors`);
  await writeWeights(checkpoint, rounded(how));
  const [got, want] = [await exported(options), await exported({}, checkpoint)];
  const plain = await exported({});
  expect(got.bytes).toBeLessThan(plain.bytes);
  for (const picture of pictures) {
    const told = await logitsOf(want.path, picture);
    // As it stands there: ONNX Runtime's operation for 4 bits also rounds what it multiplies by them.
    close(await logitsOf(got.path, picture, { graphOptimizationLevel: "disabled" }), told, 1e-5);
    close(await logitsOf(got.path, picture), told, 0.05);
    expect(told).not.toEqual(await logitsOf(plain.path, picture));
  }
  if (name === "int4") {
    expect(got.quantization).toMatchObject({ weights: "int4", fp32: ["blocks.1.mlp.fc2"] });
    const model = onnx.ModelProto.decode(readFileSync(got.path));
    expect(model.opsetImport.map(({ version }) => Number(version))).toEqual([21]);
  }
});

test("levels: 256 with 0 among them, or as many on both sides of it", () => {
  expect(levelsOf({ least: -50, most: 205 }, "asymmetric")).toEqual({ step: 1, zero: 50 });
  expect(levelsOf({ least: 3, most: 510 }, "asymmetric")).toEqual({ step: 2, zero: 0 });
  expect(levelsOf({ least: -20, most: 254 }, "symmetric")).toEqual({ step: 2, zero: 128 });
  expect(levelsOf({ least: 0, most: 0 }, "symmetric")).toEqual({ step: 1, zero: 128 });
});

describe("with a data set whose classes are what the model says", () => {
  const set = at("set");
  let train: string[];
  beforeAll(async () => {
    train = await writeToldSet(set, (await exported({})).path);
  });

  test.each(["asymmetric", "symmetric"] as const)("fixed levels (%s) are those of the training images", async (how) => {
    const { path, quantization } = await exported({
      ...{ quantize: "int8", calibrationPath: set, calibrationImages: 1000, calibrationLevels: how },
    });
    expect(quantization).toMatchObject({ activations: "static" });
    const model = onnx.ModelProto.decode(readFileSync(path));
    const bytesOf = (name: string) => model.graph?.initializer?.find((tensor) => tensor.name === name)?.rawData;
    const step = new DataView(Uint8Array.from(bytesOf("blocks.0.mlp.fc2.weight/step") as Uint8Array).buffer).getFloat32(
      0,
      true,
    );
    const [zero] = bytesOf("blocks.0.mlp.fc2.weight/zero") as Uint8Array;
    const graph = meaningGraph(kind, description, 1);
    const node = graph.nodes.find(
      ({ op, inputs }) =>
        op === "Gemm" && inputs[1]?.node.op === "Input" && inputName(inputs[1]) === "blocks.0.mlp.fc2.weight",
    );
    const read = { ...graph, outputs: new Map([["x", node?.inputs[0] as (typeof graph.inputs)[number]]]) };
    let [least, most] = [0, 0];
    for (const picture of train) {
      const patches = Float64Array.from(
        patchesOf(await normalisedPlanes(picture, description), description.config as EncoderConfig),
      );
      const feeds = Object.fromEntries([...weights].map(([k, v]) => [k, Float64Array.from(v)]));
      const x = interpret(read, { ...feeds, patches }).get("x")?.data as Float64Array;
      [least, most] = [Math.min(least, ...x), Math.max(most, ...x)];
    }
    const want = levelsOf({ least, most }, how);
    expect(step / want.step).toBeCloseTo(1, 4);
    expect(zero).toBe(want.zero);
    const plain = await exported({});
    // Layers of 16 inputs and random weights: much of what rounding does stays in a sum.
    for (const picture of pictures) close(await logitsOf(path, picture), await logitsOf(plain.path, picture), 0.15);
  });

  test("what quantising takes is told", async () => {
    const { drop, measured } = await exported({ quantize: "fp16", dataPath: set, split: "val" });
    expect(drop).toMatchObject({ accuracy: 0, aucMacro: 0, seconds: expect.any(Number) });
    expect(measured).toMatchObject({
      split: "val",
      n: 16,
      fp32: { metrics: { accuracy: 1 } },
      quantized: { metrics: { accuracy: 1 } },
    });
    expect(measured?.fp32.seconds).toBeGreaterThan(0);
  });
});

describe("a model whose head is spoilt by quantising", () => {
  const checkpoint = at("fragile.safetensors");
  const set = at("fragile");
  beforeAll(async () => {
    // What all classes have in common changes no probability, but sets the step of the levels.
    const head = weights.get("head.weight") as Float32Array;
    const largest = head.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const common = (i: number) => (i % 2 === 0 ? 1e4 : -1e4) * largest;
    const fragile = head.map((value, i) => value + common(i % 16));
    await writeWeights(checkpoint, new Map([...weights, ["head.weight", fragile]]));
    await writeToldSet(set, (await exported({}, checkpoint)).path);
  });

  test("is refused, with what it lost, and leaves nothing behind", async () => {
    const output = at("refused.onnx");
    const refused = exported({ quantize: "int8", dataPath: set, output }, checkpoint);
    await expect(refused).rejects.toMatchObject({
      code: "Checkpoint",
      message: expect.stringMatching(/at most 0\.01.*accuracy 0\.\d+ instead of 1\.0000/),
    });
    expect(existsSync(output)).toBe(false);
  });

  test("is quantised but for its head, which the scan finds", async () => {
    const found = await exported({ quantize: "int8", dataPath: set, scan: "val" }, checkpoint);
    expect(found.quantization).toMatchObject({
      fp32: ["head"],
      sensitivity: [{ layer: "head" }, {}, {}, {}, {}, {}, {}, {}, {}],
    });
    const [first, second] = found.quantization?.sensitivity ?? [];
    expect(first?.loss).toBeGreaterThan(second?.loss as number);
    expect(first?.drop.accuracy).toBeGreaterThan(0.01);
    expect(found.drop.accuracy).toBeLessThanOrEqual(0.01);
    const named = await exported({ quantize: "int8", keepFp32: ["head"], dataPath: set }, checkpoint);
    expect(readFileSync(named.path)).toEqual(readFileSync(found.path));
  });

  test("may lose all where that is allowed", async () => {
    const { drop } = await exported({ quantize: "int8", dataPath: set, maxDrop: 1 }, checkpoint);
    expect(drop.accuracy).toBeGreaterThan(0.01);
  });
});

describe("refused", () => {
  const dataPath = "x";
  test.each<[string, Partial<ExportInput>, RegExp]>([
    ["two precisions", { quantize: "int8", weights: "int4" }, /one of them, got int8 and int4/],
    ["calibration of what is not int8", { weights: "int4", calibrationPath: "x" }, /--quantize int8 beside it/],
    ["layers of a model in float32", { keepFp32: ["head"] }, /--quantize int8 or --weights int4 beside it/],
    ["data for a model in float32", { dataPath }, /--quantize or --weights beside it/],
    ["a scan without data", { quantize: "int8", scan: "val" }, /--data-path beside it/],
    ["a scan of float16", { quantize: "fp16", dataPath, scan: "val" }, /int8 or int4 beside it/],
    ["a layer that is not there", { quantize: "int8", keepFp32: ["neck"] }, /linear layers of the model \(.*got neck/],
    ["features, which have no labels", { quantize: "int8", features: "cls", dataPath }, /compared with labels/],
  ])("%s", async (_, options, message) => {
    await expect(exported(options)).rejects.toThrow(message);
  });

  test("a network of convolutions, whose weights can be stored in 16 bits", async () => {
    await writeMicroModel(at("resnet.safetensors"), models.resnet as ModelDescription);
    const none = { quantize: "int8", keepFp32: ["fc"] } as const;
    await expect(exported(none, at("resnet.safetensors"))).rejects.toThrow(/linear layers that can be quantised/);
    const { quantization } = await exported({ quantize: "fp16" }, at("resnet.safetensors"));
    expect(quantization).toMatchObject({ weights: "float16" });
  });

  test("weights beyond float16", async () => {
    const large = new Map([...weights, ["head.weight", (weights.get("head.weight") as Float32Array).map(() => 1e6)]]);
    await writeWeights(at("large.safetensors"), large);
    await expect(exported({ quantize: "fp16" }, at("large.safetensors"))).rejects.toThrow(/head\.weight.*65504/);
  });
});

test("of a segmenter Dice is told, in float32 that of eval", async () => {
  const checkpoint = at("segmenter.safetensors");
  await writeMicroModel(checkpoint, segmenter(["lesion"]));
  const lines = ["path,label,split,mask"];
  for (let i = 0; i < 4; i++) {
    // Of other sizes than the input, which masks are measured at.
    const [width, height] = [61 - 5 * i, 45 + 3 * i];
    await writePicture(at(`masked/${i}.png`), i, width, height, 3);
    const pixels = Uint8Array.from({ length: width * height }, (_, k) => (k % width < width / (2 + i) ? 255 : 0));
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .toColourspace("b-w")
      .toFile(at(`masked/mask-${i}.png`));
    lines.push(`${i}.png,lesion,${i < 2 ? "train" : "test"},mask-${i}.png`);
  }
  const dataPath = at("masked/table.csv");
  writeFileSync(dataPath, lines.join("\n"));
  const asked = { quantize: "int8", calibrationPath: dataPath, dataPath, maxDrop: 1 } as const;
  const { drop, measured } = await exported(asked, checkpoint);
  const said = await evaluate<MaskMetrics>({ checkpoint, dataPath, threads: 1, workers: 0 });
  expect(measured?.n).toBe(2);
  expect(measured?.fp32.metrics.dice).toBeCloseTo(said.dice as number, 6);
  const { fp32, quantized } = measured as NonNullable<typeof measured>;
  for (const name of ["dice", "iou"]) {
    expect(drop[name]).toBe((fp32.metrics[name] as number) - (quantized.metrics[name] as number));
  }
});
