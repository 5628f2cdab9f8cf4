import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { resolveOptions, verbs } from "../../../src/config/index.ts";
import { interpret } from "../../../src/engine/graph/interpreter.ts";
import { predict } from "../../../src/inference/predict.ts";
import { attentionMapGraph, mapWeights } from "../../../src/method/models/attention-maps.ts";
import { classifierGraph } from "../../../src/method/models/classifier.ts";
import { type EncoderConfig, patchValues } from "../../../src/method/models/config.ts";
import { reconstructionGraph } from "../../../src/method/models/mae.ts";
import {
  classifier,
  normalisedPlanes,
  patchesOf,
  pretrained,
  writeDataSet,
  writeMicroModel,
  writePicture,
} from "../micro-models.ts";

type Weights = Map<string, Float32Array>;

export const folder = mkdtempSync(join(tmpdir(), "msmae-inference-"));
export const at = (...parts: string[]): string => join(folder, ...parts);
export const checkpoints = { classifier: at("classifier.safetensors"), pretrained: at("pretrained.safetensors") };
export const good = ["a.png", "b.jpg", "grey.png", "other/a.png", "e.webp"].map((name) => at("files", name));
export const cut = at("files", "cut.png");
export let classifierWeights: Weights;
export let pretrainedWeights: Weights;

beforeAll(async () => {
  classifierWeights = await writeMicroModel(checkpoints.classifier, classifier);
  pretrainedWeights = await writeMicroModel(checkpoints.pretrained, pretrained);
  for (const [i, path] of good.entries()) await writePicture(path, i, 61 - i, 45 + i, path.includes("grey") ? 1 : 3);
  writeFileSync(cut, readFileSync(good[0] as string).subarray(0, 900));
  await writeDataSet(at("data"), 3);
});
afterAll(() => rmSync(folder, { recursive: true }));

export async function all<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const line of lines) list.push(line);
  return list;
}

export function predictAll(
  files: string[],
  more: { batchSize?: number; threads?: number; slices?: string; keepRatio?: number } = {},
) {
  return all(
    predict(resolveOptions(verbs.predict, { checkpoint: checkpoints.classifier, files, threads: 1, ...more })),
  );
}

/** Runs the real entry in a process of its own and reads its JSON lines. */
export function msmae(...argv: string[]): { code: number | null; lines: Record<string, unknown>[]; stderr: string } {
  const entry = join(import.meta.dirname, "../../../src/apps/cli/main.ts");
  const result = spawnSync(process.execPath, [entry, ...argv, "--json", "--threads", "1"], { encoding: "utf8" });
  const lines = result.stdout.split("\n").filter((line) => line !== "");
  return { code: result.status, lines: lines.map((line) => JSON.parse(line)), stderr: result.stderr };
}

/** Class probabilities by the float64 interpreter. */
export async function directProbabilities(path: string): Promise<number[]> {
  const patches = patchesOf(await normalisedPlanes(path, classifier), classifier.config);
  const graph = classifierGraph(classifier.config, { batch: 1, kept: "all" });
  const logits = interpret(graph, { ...Object.fromEntries(classifierWeights), patches }).get("logits")?.data ?? [];
  const powers = Array.from(logits, (logit) => Math.exp(Number(logit)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The attention map by the float64 interpreter. */
export async function directMap(
  path: string,
  weights: Weights,
  config: EncoderConfig = pretrained.config,
): Promise<Float64Array> {
  const patches = patchesOf(await normalisedPlanes(path, pretrained), config);
  const outputs = interpret(attentionMapGraph(config, 1), { ...Object.fromEntries(weights), patches });
  return mapWeights(Float64Array.from(outputs.get("attention")?.data ?? [], Number), config.numHeads);
}

/** Loss on masked patches, and their pixels, 0..255, by the float64 interpreter and its own patch statistics. */
export async function direct(
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
