import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { onnx } from "../../../src/engine/onnx/generated/onnx.js";
import { floatsOf } from "../../../src/engine/runtime/program.ts";
import { Resizer } from "../../../src/images/transforms/resize.ts";
import { exportModel } from "../../../src/inference/export-model.ts";
import { openFeatureModel } from "../../../src/inference/feature-model.ts";
import { predict } from "../../../src/inference/predict.ts";
import { forwardOf, openModel } from "../../../src/inference/session.ts";
import { classifierKind } from "../../../src/method/kinds/classifier.ts";
import { attentionMapGraph } from "../../../src/method/models/attention-maps.ts";
import type { EncoderConfig } from "../../../src/method/models/config.ts";
import { modelCard } from "../../../src/training/records/model-card.ts";
import { normalisedPlanes, writePicture } from "../../e2e/micro-models.ts";
import { models, pixelsOf, runFile, writeModel } from "../../support/exported.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-export-"));
const at = (name: string) => join(folder, name);
const pictures = Array.from({ length: 5 }, (_, i) => at(`${i}.png`));
const here = { device: "cpu", threads: 1 } as const;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  for (const [i, path] of pictures.entries()) await writePicture(path, i, 61, 45, 3);
  for (const [name, description] of Object.entries(models)) await writeModel(at(`${name}.safetensors`), description);
});

const hasEncoder = (name: string) => name !== "resnet" && name !== "swin";

async function exported(name: string, options: object = {}) {
  const output = at(`${name}-${JSON.stringify(options).replaceAll(/\W/g, "")}.onnx`);
  if (existsSync(output)) return output;
  await exportModel({ checkpoint: at(`${name}.safetensors`), output, threads: 1, ...options });
  return output;
}

/** What the engine's own graphs make of the pictures. */
async function engineOutputs(name: string): Promise<Record<string, Float32Array>> {
  const checkpoint = at(`${name}.safetensors`);
  const open =
    name === "pretrained" || name === "encoder"
      ? openFeatureModel({ checkpoint, features: name === "encoder" ? "mean" : "cls", ...here })
      : openModel(checkpoint, undefined, { ...here, allowPartial: false });
  const session = await open;
  try {
    const { config } = session.description;
    const { inputHeight: height, inputWidth: width, inChans } = config;
    const images = new Uint8Array(pictures.length * height * width * inChans);
    for (const [i, path] of pictures.entries()) {
      const image = await decodeImage(path, { channels: inChans as 1 | 3 });
      const resized = new Resizer().resize(image, height, width, { filter: "bilinear" });
      images.set(resized, i * resized.length);
    }
    const feeds = () => session.feeds.whole(images, pictures.length);
    const { graph } = forwardOf(session.kind, config, { batchSize: pictures.length });
    await session.engine.load(graph);
    const told = floatsOf(await session.engine.run(graph.name, feeds()));
    if (!hasEncoder(name)) return told;
    const maps = attentionMapGraph(session.kind.encoder(config) as EncoderConfig, pictures.length);
    await session.engine.load(maps);
    return { ...told, ...floatsOf(await session.engine.run(maps.name, feeds())) };
  } finally {
    await session.close();
  }
}

function close(got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-5): void {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const [one, other] = [got[i] as number, want[i] as number];
    if (!(Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(other)))) expect([i, one]).toEqual([i, other]);
  }
}

test.each(Object.keys(models))("%s: from files, in batches of 1, 2 and 5, what the engine gives", async (name) => {
  const file = await exported(name, { preprocess: true, attention: hasEncoder(name) });
  const wanted = await engineOutputs(name);
  for (const count of [1, 2, 5]) {
    const told = await runFile(file, { pixels: await pixelsOf(pictures.slice(0, count)) });
    expect(Object.keys(told)).toEqual(expect.arrayContaining(Object.keys(wanted)));
    for (const [output, values] of Object.entries(wanted)) {
      close(told[output] as Float32Array, values.subarray(0, (count * values.length) / pictures.length));
    }
  }
});

test.each(["classifier", "cls", "findings", "grades", "number", "linear-probe", "resnet", "swin"])(
  "%s: what predict says of the files, calibrated and in its own unit",
  async (name) => {
    const file = await exported(name, { preprocess: true, attention: hasEncoder(name) });
    const told = await runFile(file, { pixels: await pixelsOf(pictures) });
    const said: number[] = [];
    const asked = { checkpoint: at(`${name}.safetensors`), files: pictures, threads: 1 };
    for await (const line of predict<{ probabilities?: Record<string, number>; value?: number }>(asked)) {
      if ("error" in line) throw new Error(line.error.message);
      said.push(...(line.probabilities ? Object.values(line.probabilities) : [line.value as number]));
    }
    close((told.probabilities ?? told.value) as Float32Array, said);
    expect(new Set(said.map((value) => value.toFixed(3))).size).toBeGreaterThan(2);
  },
);

test.each([
  ["classifier", 0.5],
  ["classifier", 0.04],
  ["cls", 0.5],
  ["findings", 0.25],
  ["grades", 0.75],
  ["number", 0.25],
  ["classifier", 1],
] as const)("%s on %d of the patches: what predict says on as many", async (name, keepRatio) => {
  const file = await exported(name, { preprocess: true, keepRatio });
  const said: number[] = [];
  const asked = { checkpoint: at(`${name}.safetensors`), files: pictures, threads: 1, keepRatio };
  for await (const line of predict<{ probabilities?: Record<string, number>; value?: number }>(asked)) {
    if ("error" in line) throw new Error(line.error.message);
    said.push(...(line.probabilities ? Object.values(line.probabilities) : [line.value as number]));
  }
  for (const count of [1, 2, 5]) {
    const told = await runFile(file, { pixels: await pixelsOf(pictures.slice(0, count)) });
    close((told.probabilities ?? told.value) as Float32Array, said.slice(0, (count * said.length) / pictures.length));
  }
  const whole = await exported(name, { preprocess: true, attention: true });
  const all = await runFile(whole, { pixels: await pixelsOf(pictures) });
  const differs = said.some((value, i) => Math.abs(value - ((all.probabilities ?? all.value)?.[i] as number)) > 1e-3);
  expect(differs).toBe(keepRatio < 1);
});

test("a file for a share of the patches says so", async () => {
  const file = await exported("classifier", { keepRatio: 0.25 });
  const model = onnx.ModelProto.decode(readFileSync(file));
  expect(model.metadataProps).toContainEqual(expect.objectContaining({ key: "keep_ratio", value: "0.25" }));
  expect(model.graph?.node?.some(({ opType }) => opType === "TopK")).toBe(true);
});

test("without the pixels' part it takes normalised images", async () => {
  const file = await exported("classifier");
  const path = pictures[0] as string;
  const planes = await normalisedPlanes(path, models.classifier as (typeof models)[string]);
  const { logits } = await runFile(file, { images: new Tensor("float32", Float32Array.from(planes), [1, 3, 32, 48]) });
  const whole = await exported("classifier", { preprocess: true, attention: true });
  close(logits as Float32Array, (await runFile(whole, { pixels: await pixelsOf([path]) })).logits as Float32Array);
});

test("grey pixels are repeated for a model of three channels; the encoder of a classifier is given on request", async () => {
  await writePicture(at("grey.png"), 9, 50, 90, 1);
  const file = await exported("classifier", { preprocess: true, features: "cls" });
  const grey = await pixelsOf([at("grey.png")]);
  // sharp repeats grey itself.
  const one = new Tensor("uint8", (grey.data as Uint8Array).slice(0, 90 * 50), [1, 1, 90, 50]);
  const { features } = await runFile(file, { pixels: one });
  expect(features).toHaveLength(16);
  expect(features).toEqual((await runFile(file, { pixels: grey })).features);
});

test("it is of the standard's operators, says what it is, and describes what goes in and comes out", async () => {
  const output = at("described.onnx");
  const checkpoint = at("grades.safetensors");
  expect(await exportModel({ checkpoint, output, preprocess: true, attention: true })).toEqual({
    path: output,
    inputs: [{ name: "pixels", dtype: "uint8", shape: ["batch", "channels", "height", "width"] }],
    outputs: [
      { name: "logits", dtype: "float32", shape: ["batch", 2] },
      { name: "probabilities", dtype: "float32", shape: ["batch", 3] },
      { name: "attention", dtype: "float32", shape: ["batch", 2, 25] },
    ],
    bytes: readFileSync(output).length,
    drop: {},
  });
  const model = onnx.ModelProto.decode(readFileSync(output));
  expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([["", 17]]);
  const nodes = model.graph?.node ?? [];
  expect(nodes.filter(({ domain }) => domain)).toEqual([]);
  // The encoder's first blocks serve both outputs.
  expect(nodes.filter(({ opType }) => opType === "Erf")).toHaveLength(2);
  const said = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  expect(said).toMatchObject({
    ...{ kind: "classifier", classes: '["glioma","meningioma","no tumour"]', target: '{"kind":"grades"}' },
    ...{ temperature: "0.6", mean: "[0.4,0.5,0.6]", input_size: "[32,48]", licence: "Apache-2.0", window: "auto" },
  });
});

test("its licence and training data are those that are given, else those of the checkpoint and of the card beside it", async () => {
  const beside = mkdtempSync(join(folder, "run-"));
  const [checkpoint, output] = [join(beside, "best.safetensors"), join(beside, "model.onnx")];
  await writeModel(checkpoint, models.classifier as (typeof models)[string]);
  const told = async (options: object = {}) => {
    await exportModel({ checkpoint, output, overwrite: true, threads: 1, ...options });
    const { metadataProps } = onnx.ModelProto.decode(readFileSync(output));
    const { licence, training_data: data } = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    return [licence, data];
  };
  expect(await told()).toEqual(["Apache-2.0", undefined]);
  writeFileSync(join(beside, "README.md"), "# A project\n\n## Training data\n\nsome other text\n");
  expect(await told()).toEqual(["Apache-2.0", undefined]);
  const data = { name: "btmd", classCounts: { glioma: 30, "no tumour": 12 }, licence: "CC0 1.0" };
  const card = {
    ...{ modelName: "vit", kind: classifierKind, inputSize: [32, 48] as const, inChans: 3, classNames: ["a", "b"] },
    ...{ trainingData: data, trainingSummary: [], hyperparameters: {}, results: [], msmaeVersion: "0" },
  };
  writeFileSync(join(beside, "README.md"), modelCard(card));
  expect(await told()).toEqual(["Apache-2.0", "btmd, 42 images. Terms of the data: CC0 1.0."]);
  const given = { licence: "CC-BY-NC-4.0", trainingData: "in-house MRI, not public" };
  expect(await told(given)).toEqual(["CC-BY-NC-4.0", "in-house MRI, not public"]);
});

test("onnxruntime-web gives the same in WebAssembly", async (context) => {
  const ort = await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = 1;
  for (const name of ["classifier", "pup", "swin"]) {
    const file = await exported(name, { preprocess: true, attention: hasEncoder(name) });
    const session = await ort.InferenceSession.create(readFileSync(file)).catch((error: unknown) => String(error));
    if (typeof session === "string") return context.skip(`SKIPPED: onnxruntime-web does not load here (${session})`);
    const pixels = await pixelsOf(pictures.slice(0, 2));
    const fed = new ort.Tensor("uint8", pixels.data as Uint8Array, pixels.dims);
    const wanted = await runFile(file, { pixels });
    const told = await session.run({ pixels: fed });
    for (const [output, values] of Object.entries(wanted)) close(told[output]?.data as Float32Array, values);
  }
  // Whose operators of whole numbers and of 4 bits are others than those of processors.
  const rounded = [{ quantize: "int8" }, { quantize: "fp16" }, { weights: "int4" }] as const;
  for (const options of rounded) {
    const file = await exported("classifier", { preprocess: true, ...options });
    const session = await ort.InferenceSession.create(readFileSync(file));
    const pixels = await pixelsOf(pictures.slice(0, 1));
    const told = await session.run({ pixels: new ort.Tensor("uint8", pixels.data as Uint8Array, pixels.dims) });
    close(told.logits?.data as Float32Array, (await runFile(file, { pixels })).logits as Float32Array, 0.05);
  }
});

describe("refused", () => {
  const checkpoint = at("resnet.safetensors");
  test.each([
    ["another ending", { output: at("model.bin") }, /ends in \.onnx/],
    ["a file that stands there", { output: at("0.png.onnx"), twice: true }, /--overwrite/],
    [
      "attention of a network without it",
      { output: at("x.onnx"), attention: true },
      /whose attention can be looked at/,
    ],
    [
      "a budget of a network without patches",
      { output: at("x.onnx"), keepRatio: 0.5 },
      /--keep-ratio.*part of the patches/,
    ],
    ["a budget beside attention", { output: at("x.onnx"), keepRatio: 0.5, attention: true }, /keepRatio.*--attention/],
    [
      "features of a network without an encoder",
      { output: at("x.onnx"), features: "cls" as const },
      /encoder|transformer/,
    ],
    ["another program's file", { output: at("x.onnx"), checkpoint: at("0.png") }, /0\.png/],
  ])("%s", async (_, { twice, ...options }: { output: string; twice?: boolean }, message) => {
    if (twice) await exportModel({ checkpoint, ...options });
    await expect(exportModel({ checkpoint, ...options })).rejects.toThrow(message);
    if (twice) await exportModel({ checkpoint, ...options, overwrite: true });
  });
});
