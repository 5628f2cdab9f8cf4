import { availableParallelism } from "node:os";
import type { ReadingOptions } from "../data/pictures/reading.ts";
import { initialStore } from "../engine/parameters/initial-store.ts";
import { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { ParameterSpec } from "../engine/parameters/specs.ts";
import type { Engine } from "../engine/thread/engine.ts";
import { openEngine } from "../engine/thread/node-engine.ts";
import type { AlphaRule, SliceAxis } from "../formats/source-image.ts";
import { Normalizer } from "../images/transforms/normalize.ts";
import { parseWindow } from "../images/window-rule.ts";
import { type LoadReport, loadWeights } from "../interop/load-weights.ts";
import { type DescriptionOf, kindOf, type ModelDescription, readModelFile } from "../interop/model-file.ts";
import type { BudgetedForward, Feeder, ModelKind } from "../method/kinds/kind.ts";
import { outputsOf } from "../method/kinds/target.ts";
import type { EncoderConfig, ImageModelConfig } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { type BatchRun, forBatchSize, type ImageBatch } from "./run-batches.ts";

export interface EngineOptions {
  device: "cpu" | "webgpu" | "cuda";
  /** 0: one per core. */
  threads: number;
}

export interface SessionOptions extends EngineOptions {
  allowPartial: boolean;
}

/** A checkpoint whose model is ready to run. */
export interface ModelSession<D extends ModelDescription = ModelDescription> {
  description: D;
  kind: ModelKind;
  engine: Engine;
  feeds: Feeder;
  /** Ends the engine's thread. */
  close(): Promise<void>;
}

/** A checkpoint whose weights are in memory. */
export interface LoadedModel<D extends ModelDescription = ModelDescription> {
  description: D;
  kind: ModelKind;
  store: ParameterStore;
}

/**
 * Opens a checkpoint of ours for use on images: its weights in shared memory, and an engine over them.
 *
 * @param wanted the kinds of checkpoint that the caller can use; all of them where it is undefined.
 * @throws MsmaeError Checkpoint when the file is damaged, of another kind, or does not fit the model it describes;
 * Device when the engine cannot start.
 */
export async function openModel<K extends ModelKind = ModelKind>(
  path: string,
  wanted: readonly K[] | undefined,
  options: SessionOptions,
  hooks: RunHooks = {},
): Promise<ModelSession<DescriptionOf<K>>> {
  const { description, kind, store } = await loadModel(path, wanted, options, hooks);
  const feeds = kind.feeder(description.config, normalizerOf(description));
  const engine = await startEngine(store, options);
  return { description, kind, engine, feeds, close: () => engine.close() };
}

/** The first part of {@link openModel}, which needs no engine. */
export async function loadModel<K extends ModelKind = ModelKind>(
  path: string,
  wanted: readonly K[] | undefined,
  { allowPartial }: Pick<SessionOptions, "allowPartial">,
  hooks: RunHooks = {},
): Promise<LoadedModel<DescriptionOf<K>>> {
  const { description, tensors } = await readModelFile(path);
  const kind = kindOf(description);
  if (wanted) checkKind(path, kind, wanted);
  checkDescription(path, description, kind);
  const store = createWeights(kind.specs(description.config), allowPartial ? description.seed : undefined);
  warnOfMisfit(path, loadWeights(store, tensors, { where: path, allowPartial }), hooks);
  // It is one of the kinds wanted.
  return { description: description as DescriptionOf<K>, kind, store };
}

/** The encoder within a model whose attention can be looked at. @throws MsmaeError Checkpoint where it has none. */
export function encoderOf(
  path: string,
  { kind, description }: Pick<ModelSession, "kind" | "description">,
): EncoderConfig {
  const encoder = kind.encoder(description.config);
  if (encoder) return encoder;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: "a model with a vision transformer, whose attention can be looked at",
    got: kind.title,
    todo: "use a checkpoint of another kind",
  });
}

/** How a model is run on images: {@link BatchRun.graph} and its second part, if there is one. */
export type Forward = Pick<BatchRun<ImageBatch>, "graph" | "rest">;

/**
 * The forward pass of a kind over batches of whole images.
 *
 * @param keepRatio share of the patches that all but the first blocks run on; all of them where it is undefined.
 * @throws MsmaeError Config for a budget of a kind that has none; Error for a kind without outputs.
 */
export function forwardOf(
  kind: ModelKind,
  config: ImageModelConfig,
  { batchSize, keepRatio }: { batchSize: number; keepRatio?: number | undefined },
): Forward {
  if (keepRatio !== undefined) return budgetOf(kind, config, { batchSize, keepRatio });
  const graph = kind.forward?.(config, batchSize);
  if (!graph) throw new Error(`a model of kind "${kind.name}" has no outputs`);
  return { graph: forBatchSize(graph, batchSize) };
}

function budgetOf(
  kind: ModelKind,
  config: ImageModelConfig,
  options: { batchSize: number; keepRatio: number },
): Forward {
  const { batchSize, keepRatio } = options;
  const { first, rest } = budgetedOf(kind, config, { batch: batchSize, keepRatio });
  const second = { ...rest, graph: forBatchSize(rest.graph, batchSize) };
  return { graph: forBatchSize(first, batchSize), rest: second };
}

/** The forward pass on part of the patches. @throws MsmaeError Config for a kind that runs on all of them or none. */
export function budgetedOf(
  kind: ModelKind,
  config: ImageModelConfig,
  options: { batch: number; keepRatio: number },
): BudgetedForward {
  const budgeted = kind.budgeted?.(config, options);
  if (!budgeted) throw noBudget("--keep-ratio", kind);
  return budgeted;
}

/** The refusal of a model that runs on all patches or none. */
export function noBudget(where: string, { title }: ModelKind): MsmaeError {
  return new MsmaeError("Config", {
    where,
    expected: "a classifier with a vision transformer, which can run on part of the patches",
    got: title,
    todo: "leave it out, or use another checkpoint",
  });
}

/** Brings pixels to the values that a model was trained on. */
export function normalizerOf({ config, mean, std }: Pick<ModelDescription, "config" | "mean" | "std">): Normalizer {
  return new Normalizer(config.inChans as 1 | 3, { mean, std });
}

/** How images are to be read for a model: as it was trained, save what is asked for. */
export function readingOf(
  { reading }: Pick<ModelDescription, "reading">,
  asked: { window?: string | undefined; sliceAxis?: SliceAxis | undefined; alpha?: AlphaRule | undefined },
): ReadingOptions {
  return {
    window: parseWindow(asked.window ?? reading.window),
    sliceAxis: asked.sliceAxis ?? reading.axis,
    alpha: asked.alpha ?? reading.alpha,
  };
}

/** A store for weights that are not trained: drawn from `seed` where one is given, else zero. */
export function createWeights(specs: readonly ParameterSpec[], seed: number | undefined): ParameterStore {
  const weightsAlone = { gradients: false, moments: false };
  return seed === undefined ? ParameterStore.create(specs, weightsAlone) : initialStore(specs, seed, weightsAlone);
}

/** An engine without an optimiser. @throws MsmaeError Device when it cannot start. */
export function startEngine(store: ParameterStore, { device, threads }: EngineOptions): Promise<Engine> {
  return openEngine({ provider: device, threads: threads || availableParallelism(), store });
}

/** @throws MsmaeError Checkpoint when a checkpoint is of none of the kinds that the caller can use. */
export function checkKind(path: string, got: ModelKind, wanted: readonly ModelKind[]): void {
  if (wanted.some(({ name }) => name === got.name)) return;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: oneOf(wanted.map((kind) => kind.wanted)),
    got: got.title,
    todo: `use a checkpoint written by ${oneOf(wanted.map((kind) => kind.writtenBy))}`,
  });
}

/** "a, b or c", each once. */
function oneOf(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  return [distinct.slice(0, -1).join(", "), distinct.at(-1)].filter(Boolean).join(" or ");
}

/** What the description's own schema cannot say: numbers that must agree with each other. */
export function checkDescription(
  path: string,
  { config, classNames, target, mean, std }: ModelDescription,
  kind: ModelKind,
): void {
  const problems: string[] = [];
  if (config.inChans !== 1 && config.inChans !== 3) problems.push(`${config.inChans} input channels, not 1 or 3`);
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== 1 && values.length !== config.inChans) problems.push(`${name} of ${values.length} channels`);
  }
  if (!std.every((value) => value > 0)) problems.push(`std [${std.join(", ")}]`);
  if (kind.classifies && outputsOf(target, classNames.length) !== config.numClasses) {
    problems.push(`${classNames.length} class names for ${config.numClasses} classes`);
  }
  if (problems.length === 0) return;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: "a description whose channels, classes, mean and std fit together",
    got: problems.join("; "),
    todo: "use the checkpoint as msmae wrote it",
  });
}

function warnOfMisfit(path: string, { missing, unexpected, reshaped }: LoadReport, hooks: RunHooks): void {
  const shapes = reshaped.map(({ key }) => key);
  const parts = Object.entries({ missing, unexpected, "of another shape": shapes })
    .filter(([, keys]) => keys.length > 0)
    .map(([what, keys]) => `${keys.length} ${what} (${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", …" : ""})`);
  if (parts.length === 0) return;
  const message = `${path}: loaded in part, ${parts.join("; ")}; weights it lacks are random, so results mean little`;
  hooks.onEvent?.({ type: "warning", message });
}
