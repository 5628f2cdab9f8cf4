import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveOptions, verbs } from "../../src/config/index.ts";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { wholeImage } from "../../src/geometry/geometry.ts";
import { attentionMaps } from "../../src/inference/attention-maps.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { flops } from "../../src/inference/flops.ts";
import { predict } from "../../src/inference/predict.ts";
import type { Prediction } from "../../src/inference/predictor.ts";
import type { FileFailure } from "../../src/inference/read-files.ts";
import { reconstruct } from "../../src/inference/reconstruct.ts";
import { inspect } from "../../src/interop/inspect.ts";
import { writeSafetensorsFile } from "../../src/interop/safetensors-file.ts";
import { patchWeights } from "../../src/method/masking/patch-weights.ts";
import { attentionOrder } from "../../src/method/masking/selection.ts";
import { attentionMapGraph, mapWeights } from "../../src/method/models/attention-maps.ts";
import { classifierGraph } from "../../src/method/models/classifier.ts";
import { patchCount, patchValues } from "../../src/method/models/config.ts";
import { reconstructionGraph } from "../../src/method/models/mae.ts";
import { overlayMap } from "../../src/results/visual/index.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { RandomStream } from "../../src/support/random.ts";
import {
  classifier,
  normalisedPlanes,
  patchesOf,
  pretrained,
  writeDataSet,
  writeMicroModel,
  writePicture,
} from "./micro-models.ts";

type Weights = Map<string, Float32Array>;

const folder = mkdtempSync(join(tmpdir(), "msmae-inference-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const checkpoints = { classifier: at("classifier.safetensors"), pretrained: at("pretrained.safetensors") };
const good = ["a.png", "b.jpg", "grey.png", "other/a.png", "e.webp"].map((name) => at("files", name));
const cut = at("files", "cut.png");
let classifierWeights: Weights;
let pretrainedWeights: Weights;

beforeAll(async () => {
  classifierWeights = await writeMicroModel(checkpoints.classifier, classifier);
  pretrainedWeights = await writeMicroModel(checkpoints.pretrained, pretrained);
  for (const [i, path] of good.entries()) await writePicture(path, i, 61 - i, 45 + i, path.includes("grey") ? 1 : 3);
  writeFileSync(cut, readFileSync(good[0] as string).subarray(0, 900));
  await writeDataSet(at("data"), 3);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function all<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const line of lines) list.push(line);
  return list;
}

function predictAll(files: string[], more: { batchSize?: number; threads?: number; slices?: string } = {}) {
  return all(
    predict(resolveOptions(verbs.predict, { checkpoint: checkpoints.classifier, files, threads: 1, ...more })),
  );
}

/** Runs the real entry in a process of its own and reads its JSON lines. */
function msmae(...argv: string[]): { code: number | null; lines: Record<string, unknown>[]; stderr: string } {
  const entry = join(import.meta.dirname, "../../src/apps/cli/main.ts");
  const result = spawnSync(process.execPath, [entry, ...argv, "--json", "--threads", "1"], { encoding: "utf8" });
  const lines = result.stdout.split("\n").filter((line) => line !== "");
  return { code: result.status, lines: lines.map((line) => JSON.parse(line)), stderr: result.stderr };
}

/** Class probabilities by the float64 interpreter. */
async function directProbabilities(path: string): Promise<number[]> {
  const patches = patchesOf(await normalisedPlanes(path, classifier), classifier.config);
  const graph = classifierGraph(classifier.config, { batch: 1, kept: "all" });
  const logits = interpret(graph, { ...Object.fromEntries(classifierWeights), patches }).get("logits")?.data ?? [];
  const powers = Array.from(logits, (logit) => Math.exp(Number(logit)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The attention map by the float64 interpreter. */
async function directMap(path: string, weights: Weights): Promise<Float64Array> {
  const { config } = pretrained;
  const patches = patchesOf(await normalisedPlanes(path, pretrained), config);
  const outputs = interpret(attentionMapGraph(config, 1), { ...Object.fromEntries(weights), patches });
  return mapWeights(Float64Array.from(outputs.get("attention")?.data ?? [], Number), config.numHeads);
}

/** Loss on masked patches, and their pixels, 0..255, by the float64 interpreter and its own patch statistics. */
async function direct(
  path: string,
  order: { kept: Uint32Array; masked: Uint32Array },
): Promise<{ loss: number; pixels: number[] }> {
  const { config } = pretrained;
  const { kept, masked } = order;
  const planes = await normalisedPlanes(path, pretrained);
  const values = patchValues(config);
  const outputs = interpret(reconstructionGraph(config, { batch: 1, kept: kept.length, masked: masked.length }), {
    ...Object.fromEntries(pretrainedWeights),
    patches: patchesOf(planes, config, kept),
    positions: Array.from(kept, (patch) => BigInt(patch + 1)),
    maskPositions: Array.from(masked, (patch) => BigInt(patch + 1)),
  });
  const prediction = Array.from(outputs.get("prediction")?.data ?? [], Number).slice(kept.length * values);
  const targets = patchesOf(planes, config, masked, "row-column-channel");
  let sum = 0;
  const pixels: number[] = [];
  for (let n = 0; n < masked.length; n++) {
    const target = Array.from(targets.subarray(n * values, (n + 1) * values));
    const mean = target.reduce((a, b) => a + b) / values;
    const variance = target.reduce((a, b) => a + (b - mean) ** 2, 0) / (values - 1);
    const deviation = Math.sqrt(variance + 1e-6);
    target.forEach((value, i) => {
      const predicted = prediction[n * values + i] as number;
      sum += ((value - mean) / deviation - predicted) ** 2;
      const channel = i % 3;
      const [m, s] = [pretrained.mean[channel] as number, pretrained.std[channel] as number];
      pixels.push(Math.min(255, Math.max(0, 255 * ((predicted * deviation + mean) * s + m))));
    });
  }
  return { loss: sum / targets.length, pixels };
}

describe("predict", () => {
  test("gives the probabilities of a float64 evaluation within 1e-4, for colour, grey, JPEG and WebP files", async () => {
    const lines = (await predictAll(good)) as Prediction[];
    expect(lines.map(({ path }) => path)).toEqual(good);
    const winners = new Set<string>();
    for (const line of lines) {
      const direct = await directProbabilities(line.path);
      expect(Object.keys(line.probabilities)).toEqual(classifier.classNames);
      Object.values(line.probabilities).forEach((value, k) => {
        expect(Math.abs(value - (direct[k] as number))).toBeLessThan(1e-4);
      });
      expect(line.class).toBe(classifier.classNames[direct.indexOf(Math.max(...direct))]);
      winners.add(Object.values(line.probabilities).join());
    }
    expect(winners.size).toBe(good.length);
  });

  test("gives the same in batches of 1, 2, 3 and 16", async () => {
    const expected = (await predictAll(good, { batchSize: 16 })) as Prediction[];
    for (const batchSize of [1, 2, 3]) {
      const lines = (await predictAll(good, { batchSize })) as Prediction[];
      lines.forEach((line, i) => {
        expect(line.path).toBe(good[i]);
        for (const [name, value] of Object.entries(line.probabilities)) {
          expect(value).toBeCloseTo(expected[i]?.probabilities[name] as number, 5);
        }
      });
    }
  });

  test("a truncated image, a folder and a missing file have error lines in their places; the others go on", async () => {
    const [a, b] = good as [string, string];
    mkdirSync(at("empty"), { recursive: true });
    const files = [cut, a, at("empty"), at("none.dcm"), b];
    for (const batchSize of [1, 2, 16]) {
      const lines = await predictAll(files, { batchSize });
      expect(lines.map(({ path }) => path)).toEqual(files);
      expect(lines.map((line) => ("error" in line ? line.error.code : "ok"))).toEqual([
        "Data",
        "ok",
        "Data",
        "Data",
        "ok",
      ]);
      const messages = lines.map((line) => ("error" in line ? line.error.message : ""));
      expect(messages[2]).toContain("expected an image file, got a folder without images");
      expect(messages[3]).toContain("got nothing of this name; check the path");
      const direct = await directProbabilities(b);
      expect((lines[4] as Prediction).probabilities.glioma).toBeCloseTo(direct[0] as number, 4);
    }
  });

  test("a folder stands for the images in it; pages of a file have a line each, by the rule asked for", async () => {
    const folder = at("nested");
    mkdirSync(join(folder, "deeper"), { recursive: true });
    copyFileSync(good[0] as string, join(folder, "deeper", "z.png"));
    writeFileSync(join(folder, "notes.txt"), "no image");
    const pages = join(folder, "pages.npy");
    writeFileSync(
      pages,
      encodeNpy(
        Float32Array.from({ length: 3 * 20 * 30 }, (_, i) => i),
        [3, 20, 30],
      ),
    );
    const names = async (slices: string) =>
      (await predictAll([folder], { slices })).map(({ path, slice }) => [relative(folder, path), slice]);
    const first = [join("deeper", "z.png"), undefined];
    expect(await names("all")).toEqual([first, ["pages.npy", 0], ["pages.npy", 1], ["pages.npy", 2]]);
    expect(await names("middle")).toEqual([first, ["pages.npy", 1]]);
  });

  test("files that all fail give error lines alone", async () => {
    const lines = (await predictAll([cut, at("none.png")])) as FileFailure[];
    expect(lines.map(({ error }) => error.code)).toEqual(["Data", "Data"]);
  });

  test("the command writes a line per file and ends well; with no readable file it exits 3", () => {
    const { code, lines } = msmae("predict", "--checkpoint", checkpoints.classifier, cut, good[1] as string);
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ path: cut, error: { code: "Data" } });
    expect(lines[1]).toMatchObject({ path: good[1], class: expect.any(String) });
    expect(msmae("predict", "--checkpoint", checkpoints.classifier, cut).code).toBe(3);
  });

  test("refuses a pre-trained checkpoint by name, with exit code 4", () => {
    const { code, stderr } = msmae("predict", "--checkpoint", checkpoints.pretrained, good[0] as string);
    expect(code).toBe(4);
    expect(stderr).toContain(
      "expected a classifier, got a pre-trained model; use a checkpoint written by msmae finetune",
    );
  });

  test("stops when the signal fires", async () => {
    const controller = new AbortController();
    const lines = predict(
      resolveOptions(verbs.predict, { checkpoint: checkpoints.classifier, files: good, batchSize: 1, threads: 1 }),
      { signal: controller.signal },
    );
    await lines.next();
    controller.abort(new Error("enough"));
    await expect(all(lines)).rejects.toThrow("enough");
  });
});

describe("checkpoints", () => {
  test.each([
    [{ classNames: ["a", "b"] }, "2 class names for 3 classes"],
    [{ mean: [0.5, 0.5] }, "mean of 2 channels"],
    [{ std: [0.2, 0, 0.2] }, "std [0.2, 0, 0.2]"],
  ])("a description with %j is refused", async (change, problem) => {
    const path = at("faulty.safetensors");
    await writeMicroModel(path, { ...classifier, ...change });
    const lines = all(predict(resolveOptions(verbs.predict, { checkpoint: path, files: good })));
    await expect(lines).rejects.toMatchObject({ code: "Checkpoint", message: expect.stringContaining(problem) });
  });

  test("one that lacks a weight is refused; with allowPartial it starts anew, with a warning", async () => {
    const path = at("partial.safetensors");
    const whole = at("whole.safetensors");
    const key = "blocks.0.norm1.weight";
    const shapes = new Map((await inspect(checkpoints.classifier)).keys.map((tensor) => [tensor.key, tensor.shape]));
    const metadata = { msmae: JSON.stringify(classifier) };
    const stored = [...classifierWeights].map(
      ([name, data]) => [name, { data, shape: shapes.get(name) ?? [] }] as const,
    );
    await writeSafetensorsFile(path, new Map(stored.filter(([name]) => name !== key)), metadata);
    const fresh = { data: new Float32Array(16).fill(1), shape: [16] };
    await writeSafetensorsFile(whole, new Map([...stored, [key, fresh] as const]), metadata);
    const given = { checkpoint: path, files: good, threads: 1 };
    await expect(all(predict(resolveOptions(verbs.predict, given)))).rejects.toThrow(`1 missing (${key})`);
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const lines = await all(predict(resolveOptions(verbs.predict, { ...given, allowPartial: true }), { onEvent }));
    expect(lines).toEqual(await all(predict(resolveOptions(verbs.predict, { ...given, checkpoint: whole }))));
    expect(events[0]).toMatchObject({ type: "warning", message: expect.stringContaining(`1 missing (${key})`) });
  });
});

describe("maps", () => {
  test.each([
    ["classifier", () => classifierWeights],
    ["pretrained", () => pretrainedWeights],
  ] as const)("of a %s equal a float64 evaluation, and are drawn over the image", async (kind, weights) => {
    const outputDir = at("maps", kind);
    const files = [...good, cut];
    const given = { checkpoint: checkpoints[kind], files, outputDir, batchSize: 2, threads: 1 };
    const lines = await all(attentionMaps(resolveOptions(verbs.maps, given)));
    expect(lines.map(({ path }) => path)).toEqual(files);
    expect(lines.at(-1)).toMatchObject({ error: { code: "Data" } });
    // Two inputs are called a.png.
    expect(readdirSync(outputDir).filter((name) => name.startsWith("a"))).toEqual(
      ["a-2-attention.npy", "a-2-attention.png", "a-attention.npy", "a-attention.png"].sort(),
    );
    for (const line of lines.slice(0, -1)) {
      if ("error" in line) throw new Error(line.error.message);
      const bytes = readFileSync(line.weights);
      const start = 10 + bytes.readUInt16LE(8);
      expect(bytes.toString("latin1", 10, start)).toContain("'descr': '<f4', 'fortran_order': False, 'shape': (4, 6)");
      const map = new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer);
      const direct = await directMap(line.path, weights());
      expect(map).toHaveLength(24);
      map.forEach((value, i) => {
        expect(Math.abs(value - (direct[i] as number))).toBeLessThan(1e-4);
      });
      const { data, info } = await sharp(line.overlay).raw().toBuffer({ resolveWithObject: true });
      const source = await sharp(line.path).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([source.info.width, source.info.height]);
      const picture = { width: info.width, height: info.height, data: new Uint8Array(source.data) };
      const drawn = overlayMap(picture, { height: 4, width: 6, data: direct }).data;
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (drawn[i] as number))), 0);
      expect(worst).toBeLessThanOrEqual(2);
    }
  });

  test("never overwrite an input", async () => {
    const input = at("inputs", "x.png");
    const inTheWay = at("inputs", "x-attention.png");
    await writePicture(input, 1);
    await writePicture(inTheWay, 2);
    const before = readFileSync(inTheWay);
    const { code, lines } = msmae(
      ...["maps", "--checkpoint", checkpoints.classifier, "--output-dir", at("inputs"), input, inTheWay],
    );
    expect(code).toBe(0);
    expect(lines.map(({ overlay }) => overlay)).toEqual([
      at("inputs", "x-2-attention.png"),
      at("inputs", "x-attention-attention.png"),
    ]);
    expect(readFileSync(inTheWay).equals(before)).toBe(true);
  });
});

describe("reconstruct", () => {
  const patches = patchCount(pretrained.config);
  const given = () => ({
    checkpoint: checkpoints.pretrained,
    files: good,
    outputDir: at("panels"),
    overwrite: true,
    threads: 1,
    seed: 5,
  });

  test("random masking: losses equal a float64 evaluation of the same patches", async () => {
    const lines = await all(
      reconstruct(
        resolveOptions(verbs.reconstruct, { ...given(), masking: "random", randomMaskRatio: 0.6, batchSize: 2 }),
      ),
    );
    for (const [index, line] of lines.entries()) {
      if ("error" in line) throw new Error(line.error.message);
      const order = RandomStream.for(5, "evaluation", index).permutation(patches);
      // floor(24 · 0.4) = 9 kept.
      const expected = await direct(line.path, { kept: order.slice(0, 9), masked: order.slice(9) });
      expect(Math.abs(line.loss / expected.loss - 1)).toBeLessThan(1e-4);
    }
  });

  test("attention masking: by the image's own map, the same whatever the batch size", async () => {
    const options4 = resolveOptions(verbs.reconstruct, { ...given(), maskRatio: 0.3, throwRatio: 0.2, batchSize: 4 });
    const lines = await all(reconstruct(options4));
    const again = await all(reconstruct({ ...options4, batchSize: 1 }));
    for (const [index, line] of lines.entries()) {
      const other = again[index];
      if ("error" in line || !other || "error" in other) throw new Error("expected reconstructions");
      const map = Float32Array.from(await directMap(line.path, pretrainedWeights));
      const weights = patchWeights(map, wholeImage(32, 48), { ...pretrained.config, mapCrop: "aligned" });
      const { order } = attentionOrder(weights, RandomStream.for(5, "evaluation", index));
      // floor(24 · 0.3) = 7 masked, floor(24 · 0.5) = 12 masked or thrown.
      const masked = order.slice(0, 7);
      const expected = await direct(line.path, { masked, kept: order.slice(12) });
      expect(Math.abs(line.loss / expected.loss - 1)).toBeLessThan(1e-4);
      const { data, info } = await sharp(line.image).raw().toBuffer({ resolveWithObject: true });
      expected.pixels.forEach((value, i) => {
        const [patch, place] = [masked[Math.floor(i / 192)] as number, Math.floor((i % 192) / 3)];
        const x = 104 + (patch % 6) * 8 + (place % 8);
        const y = Math.floor(patch / 6) * 8 + Math.floor(place / 8);
        expect(Math.abs((data[(y * info.width + x) * 3 + (i % 3)] as number) - value)).toBeLessThan(0.6);
      });
      expect(other.loss).toBeCloseTo(line.loss, 5);
    }
  });

  test("the panel shows the input, what was kept, and the kept patches unchanged in the reconstruction", async () => {
    const [line] = await all(reconstruct(resolveOptions(verbs.reconstruct, { ...given(), files: good.slice(0, 1) })));
    if (!line || "error" in line) throw new Error("expected a reconstruction");
    const { data, info } = await sharp(line.image).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([3 * 48 + 2 * 4, 32]);
    const pixel = (x: number, y: number) =>
      data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3).join();
    const counts = { kept: 0, masked: 0, thrown: 0 };
    for (let patch = 0; patch < patches; patch++) {
      const corners = [0, 7].flatMap((dy) =>
        [0, 7].map((dx) => [(patch % 6) * 8 + dx, Math.floor(patch / 6) * 8 + dy]),
      );
      const same = (left: number, right: number) =>
        corners.every(([x = 0, y = 0]) => pixel(left + x, y) === pixel(right + x, y));
      if (same(0, 52)) {
        counts.kept++;
        expect(same(0, 104)).toBe(true);
      } else if (corners.every(([x = 0, y = 0]) => pixel(52 + x, y) === "128,128,128")) {
        counts.masked++;
        expect(same(52, 104)).toBe(false);
      } else {
        counts.thrown++;
        expect(same(52, 104)).toBe(true);
      }
    }
    // floor(24 · 0.45) = 10 masked, floor(24 · 0.75) − 10 = 8 thrown.
    expect(counts).toEqual({ kept: 6, masked: 10, thrown: 8 });
  });

  test("ratios that mask nothing of this model's patches, and classifiers, are refused", async () => {
    const none = all(reconstruct(resolveOptions(verbs.reconstruct, { ...given(), maskRatio: 0.01 })));
    await expect(none).rejects.toMatchObject({ code: "Config", message: expect.stringContaining("--mask-ratio") });
    const { code, stderr } = msmae(
      ...["reconstruct", "--checkpoint", checkpoints.classifier, "--output-dir", at("none"), good[0] as string],
    );
    expect(code).toBe(4);
    expect(stderr).toContain("expected a pre-trained model with its decoder, got a classifier");
  });
});

describe("eval", () => {
  test("metrics, predictions and report agree with predict, an unreadable image counted apart", async () => {
    writeFileSync(at("data", "test", "glioma", "cut.png"), readFileSync(cut));
    const outputDir = at("evaluation");
    const argv = ["eval", "--checkpoint", checkpoints.classifier, "--data-path", at("data"), "--output-dir", outputDir];
    const { code, lines } = msmae(...argv, "--batch-size", "4");
    rmSync(at("data", "test", "glioma", "cut.png"));
    expect(code).toBe(0);
    const result = lines[0] as unknown as Awaited<ReturnType<typeof evaluate>>;
    expect(result).toMatchObject({ n: 9, unreadable: 1, split: "test" });
    const files = classifier.classNames.flatMap((name) => [0, 1, 2].map((i) => at("data", "test", name, `${i}.png`)));
    const predictions = (await predictAll(files)) as Prediction[];
    const confusion = [0, 1, 2].map(() => [0, 0, 0]);
    predictions.forEach((line, i) => {
      const row = confusion[Math.floor(i / 3)] as number[];
      const k = classifier.classNames.indexOf(line.class);
      row[k] = (row[k] as number) + 1;
    });
    expect(result.confusion).toEqual(confusion);
    const logLoss = predictions.reduce((sum, line, i) => {
      return sum - Math.log(line.probabilities[classifier.classNames[Math.floor(i / 3)] as string] as number) / 9;
    }, 0);
    expect(result.logLoss).toBeCloseTo(logLoss, 5);
    const written = JSON.parse(readFileSync(join(outputDir, "metrics.json"), "utf8"));
    expect(written).toMatchObject({ n: 9, accuracy: result.accuracy, unreadable: ["test/glioma/cut.png"] });
    expect(written.roc).toHaveLength(3);
    const csv = readFileSync(join(outputDir, "predictions.csv"), "utf8").trimEnd().split("\n");
    expect(csv).toHaveLength(10);
    expect(csv[0]).toBe("path,class,predicted,p(glioma),p(meningioma),p(no tumour)");
    expect(csv[9]?.split(",").slice(0, 3)).toEqual(["test/no tumour/2.png", "no tumour", predictions[8]?.class]);
    const report = readFileSync(join(outputDir, "report.html"), "utf8");
    expect(report).toContain("glioma, predicted");
    expect(report).toContain("data:image/png;base64,");
  });

  test("a validation split is drawn with the checkpoint's seed, whatever --seed is", async () => {
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => void events.push(event);
    const given = { checkpoint: checkpoints.classifier, dataPath: at("data"), split: "val", valSplit: 0.4 } as const;
    const run = { workers: 0, threads: 1 };
    const expected = await evaluate(resolveOptions(verbs.evaluate, { ...given, ...run }));
    const result = await evaluate(resolveOptions(verbs.evaluate, { ...given, ...run, seed: 3 }), { onEvent });
    expect(result).toEqual(expected);
    expect(events).toContainEqual({ type: "warning", message: expect.stringContaining("seed 11, not with --seed 3") });
  });

  test("classes are matched by name, and one that the model does not know is refused", async () => {
    const root = at("renamed");
    const checkpoint = at("renamed.safetensors");
    const name = 'no tumour, or "none"';
    await writeMicroModel(checkpoint, { ...classifier, classNames: ["glioma", "meningioma", name] });
    await writePicture(join(root, "test", name, "0.png"), 1200);
    for (let i = 0; i < 10; i++) await writePicture(join(root, "test", "meningioma", `${i}.png`), 1100 + i);
    const given = {
      checkpoint,
      dataPath: root,
      workers: 0,
      threads: 1,
      outputDir: at("renamed-evaluation"),
      overwrite: true,
    };
    const { confusion } = await evaluate(resolveOptions(verbs.evaluate, given));
    expect(confusion.map((row) => row.reduce((a, b) => a + b))).toEqual([0, 10, 1]);
    // The pictures of the report: 8, of every class some.
    const report = readFileSync(at("renamed-evaluation", "report.html"), "utf8");
    const captions = report.match(/[^<>]*, predicted [^<>]* \(\d+ %\)/g) ?? [];
    expect(captions.filter((caption) => caption.startsWith("no tumour"))).toHaveLength(1);
    expect(captions.filter((caption) => caption.startsWith("meningioma"))).toHaveLength(7);
    const csv = readFileSync(at("renamed-evaluation", "predictions.csv"), "utf8").trimEnd().split("\n");
    expect(csv.at(-1)).toMatch(/^"test\/no tumour, or ""none""\/0.png","no tumour, or ""none""",/);
    await writePicture(join(root, "test", "pituitary", "0.png"), 1);
    await expect(evaluate(resolveOptions(verbs.evaluate, given))).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("got pituitary"),
    });
  });
});

describe("flops", () => {
  test("counts of ViT-B/16 are the published ones under both conventions", async () => {
    const result = await flops(resolveOptions(verbs.flops, { repeats: 0 }));
    expect(result.thop.full / 1e9).toBeCloseTo(16.862, 3);
    expect(result.thop.masked / 1e9).toBeCloseTo(4.366, 3);
    expect(result.fvcore.full / 1e9).toBeCloseTo(17.581, 3);
    expect(result.fvcore.masked / 1e9).toBeCloseTo(4.413, 3);
    expect(result.seconds).toBeUndefined();
    expect(result.patches).toEqual({ full: 196, masked: 49 });
  });

  test("the command times both graphs", () => {
    const { code, lines } = msmae("flops", "--model", "vit_micro_patch8", "--input-size", "32x48", "--repeats", "2");
    expect(code).toBe(0);
    const [{ seconds, thop } = {}] = lines as { seconds?: { full: number; masked: number }; thop?: { full: number } }[];
    expect(seconds?.full).toBeGreaterThan(0);
    expect(seconds?.masked).toBeGreaterThan(0);
    expect(thop?.full).toBeGreaterThan(0);
  });
});

describe("inspect", () => {
  test("a checkpoint of ours says what it is", async () => {
    const { code, lines } = msmae("inspect", checkpoints.pretrained);
    expect(code).toBe(0);
    const { classNames, mean, std } = pretrained;
    const expected = { kind: "pretrained", model: pretrained.model, numClasses: 3, classNames, mean, std };
    expect(lines[0]).toMatchObject({ ...expected, inputSize: { height: 32, width: 48 }, described: true });
    const result = await inspect(checkpoints.pretrained);
    expect(result.parameters).toBe([...pretrainedWeights.values()].reduce((sum, { length }) => sum + length, 0));
    expect(result.keys).toHaveLength(pretrainedWeights.size);
    expect(result.details).toMatchObject({ patchSize: 8, normPixLoss: true, decoderDepth: 1 });
  });

  const zeros = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
  const encoderKeys = (prefix = "") => ({
    [`${prefix}pos_embed`]: zeros(1, 197, 192),
    [`${prefix}patch_embed.proj.weight`]: zeros(192, 3, 16, 16),
    ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`${prefix}blocks.${i}.norm1.weight`, zeros(192)])),
  });

  test.each([
    ["classifier", { ...encoderKeys(), "head.weight": zeros(7, 192) }, { model: "vit_tiny_patch16", numClasses: 7 }],
    [
      "pretrained",
      { ...encoderKeys(), "decoder_embed.bias": zeros(8) },
      { model: "msmae_vit_tiny_patch16", numClasses: 0 },
    ],
    [
      "encoder",
      encoderKeys("module."),
      { model: "vit_tiny_patch16", details: expect.objectContaining({ prefix: "module." }) },
    ],
  ] as const)("another program's %s is known by its keys", async (kind, tensors, expected) => {
    const path = at(`foreign-${kind}.safetensors`);
    await writeSafetensorsFile(path, new Map(Object.entries(tensors)));
    const result = await inspect(path);
    expect(result).toMatchObject({
      kind,
      ...expected,
      inputSize: { height: 224, width: 224 },
      classNames: [],
      described: false,
    });
  });

  test("a file of other tensors is unknown; one that is no safetensors file is refused", async () => {
    const path = at("other.safetensors");
    await writeSafetensorsFile(path, new Map([["conv1.weight", zeros(8, 3, 3, 3)]]));
    expect(await inspect(path)).toMatchObject({ kind: "unknown", model: "unknown", inputSize: null, parameters: 216 });
    mkdirSync(at("x"), { recursive: true });
    writeFileSync(at("x", "text.safetensors"), "no tensors here at all");
    expect(msmae("inspect", at("x", "text.safetensors")).code).toBe(4);
  });
});
