import type { ParameterSpec } from "../../src/engine/parameters/specs.ts";
import type { EncoderConfig } from "../../src/method/models/config.ts";
import { type Executor, gradients, outputs, type Table, type Tolerance } from "../tolerances.ts";
import { CpuEngine, type Engine, Float64Engine, type Results } from "./engines.ts";
import type { GoldenFile } from "./goldens.ts";
import type { Comparison } from "./harness.ts";

/** The part of a case's entry in `index.json` that all model cases share. */
export interface ModelCase {
  config: {
    img_size: number | readonly [height: number, width: number];
    patch_size: number;
    embed_dim: number;
    depth: number;
    num_heads: number;
    num_classes: number;
  };
  batch: number;
  maskRatio: number;
  throwRatio: number;
}

/** The encoder of a case; what the index leaves out is read from the shapes of the parameters. */
export function encoderConfigOf({ config }: ModelCase, golden: GoldenFile): EncoderConfig {
  const {
    img_size: size,
    patch_size: patchSize,
    embed_dim: embedDim,
    depth,
    num_heads: numHeads,
    num_classes: numClasses,
  } = config;
  const [inputHeight, inputWidth] = typeof size === "number" ? [size, size] : size;
  const inChans = golden.shape("param/patch_embed.proj.weight")[1] as number;
  const hidden = golden.shape("param/blocks.0.mlp.fc1.weight")[0] as number;
  const mlpRatio = hidden / embedDim;
  return { inputHeight, inputWidth, patchSize, inChans, embedDim, depth, numHeads, mlpRatio, numClasses };
}

/** A case's parameters and the engines that run it. */
export interface ModelRun {
  golden: GoldenFile;
  out: Comparison;
  specs: readonly ParameterSpec[];
  parameters: ReadonlyMap<string, Float64Array>;
  engines: readonly Engine[];
}

/** Loads the case's parameters into every engine, runs `check`, and frees what the engines hold. */
export async function withEngines(
  golden: GoldenFile,
  out: Comparison,
  specs: readonly ParameterSpec[],
  check: (run: ModelRun) => Promise<void>,
): Promise<void> {
  const parameters = new Map(specs.map(({ name }) => [name, golden.values(`param/${name}`)]));
  const engines = [new Float64Engine(specs), new CpuEngine(specs)];
  try {
    for (const engine of engines) engine.reset(parameters);
    await check({ golden, out, specs, parameters, engines });
  } finally {
    for (const engine of engines) await engine.close();
  }
}

/** Compares a golden tensor of the same name as the quantity, where the golden holds it. */
export function compare(
  { golden, out }: Pick<ModelRun, "golden" | "out">,
  quantity: string,
  executor: Executor,
  got: ArrayLike<number>,
  table: Table = outputs,
): void {
  if (!golden.has(quantity)) return;
  out.add(quantity, executor, got, golden.values(quantity), table[golden.dtype(quantity)][executor]);
}

/** As {@link compare}, for what no graph computes. */
export function compareHost(
  { golden, out }: ModelRun,
  quantity: string,
  got: ArrayLike<number>,
  tolerance: Tolerance,
): void {
  if (golden.has(quantity)) out.add(quantity, "host", got, golden.values(quantity), tolerance);
}

/** Rows [tokens · batch, width] in token-major order as [batch, tokens, width]. */
export function batchMajor(rows: ArrayLike<number>, tokens: number, batch: number): Float64Array {
  const width = rows.length / (tokens * batch);
  const result = new Float64Array(rows.length);
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < tokens; n++) {
      for (let d = 0; d < width; d++) {
        result[(b * tokens + n) * width + d] = rows[(n * batch + b) * width + d] as number;
      }
    }
  }
  return result;
}

/** Class targets [batch, classes] in float64: one-hot with the share `smoothing` spread over all classes. */
export function oneHot(labels: ArrayLike<number>, classes: number, smoothing = 0): Float64Array {
  const targets = new Float64Array(labels.length * classes).fill(smoothing / classes);
  for (let b = 0; b < labels.length; b++) {
    const at = b * classes + (labels[b] as number);
    targets[at] = (targets[at] as number) + 1 - smoothing;
  }
  return targets;
}

/** Compares every gradient under `prefix`: where the golden holds any, those of all trainable tensors. */
export function compareGradients(run: ModelRun, prefix: string, executor: Executor, results: Results): void {
  const { golden, specs, out } = run;
  const known = new Set(specs.filter(({ role }) => role === "trainable").map(({ name }) => name));
  const held = golden.namesUnder(`${prefix}/grad/`);
  if (held.length === 0) return;
  for (const name of held) {
    const quantity = `${prefix}/grad/${name}`;
    if (known.has(name)) compare(run, quantity, executor, results(`grad/${name}`), gradients);
    else out.fail(quantity, executor, "no trainable tensor of this name");
    known.delete(name);
  }
  for (const name of known) out.fail(`${prefix}/grad/${name}`, executor, "a gradient that the golden lacks");
}
