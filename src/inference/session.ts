import { availableParallelism } from "node:os";
import type { ReadingOptions } from "../data/loader/sample-reader.ts";
import { ParameterStore } from "../engine/parameters/parameter-store.ts";
import { initialize, type ParameterSpec } from "../engine/parameters/specs.ts";
import { Engine } from "../engine/thread/engine.ts";
import type { AlphaRule, SliceAxis } from "../formats/source-image.ts";
import { Normalizer } from "../images/transforms/normalize.ts";
import { parseWindow } from "../images/window-rule.ts";
import { type LoadReport, loadWeights } from "../interop/load-weights.ts";
import {
  type ClassifierDescription,
  type ModelDescription,
  type PretrainedDescription,
  readModelFile,
} from "../interop/model-file.ts";
import { FeedBuilder } from "../method/feeds.ts";
import { classifierSpecs } from "../method/models/classifier.ts";
import { maeSpecs } from "../method/models/mae.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";

/** Which checkpoints a caller can use, and what they say of themselves. */
interface DescriptionOf {
  classifier: ClassifierDescription;
  pretrained: PretrainedDescription;
  any: ModelDescription;
}

export interface EngineOptions {
  device: "cpu" | "webgpu" | "cuda";
  /** 0: one per core. */
  threads: number;
}

export interface SessionOptions extends EngineOptions {
  allowPartial: boolean;
}

/** A checkpoint whose model is ready to run. */
export interface ModelSession<D extends ModelDescription> {
  description: D;
  engine: Engine;
  feeds: FeedBuilder;
  /** Ends the engine's thread. */
  close(): Promise<void>;
}

/**
 * Opens a checkpoint of ours for use on images: its weights in shared memory, and an engine over them.
 *
 * @param wanted the kind of checkpoint that the caller can use.
 * @throws MsmaeError Checkpoint when the file is damaged, of another kind, or does not fit the model it describes;
 * Device when the engine cannot start.
 */
export async function openModel<K extends keyof DescriptionOf>(
  path: string,
  wanted: K,
  options: SessionOptions,
  hooks: RunHooks = {},
): Promise<ModelSession<DescriptionOf[K]>> {
  const { description, tensors } = await readModelFile(path);
  checkKind(path, description, wanted);
  checkDescription(path, description);
  const { config, mean, std } = description;
  const specs = description.kind === "classifier" ? classifierSpecs(description.config) : maeSpecs(description.config);
  const store = createWeights(specs, options.allowPartial ? description.seed : undefined);
  warnOfMisfit(path, loadWeights(store, tensors, { where: path, allowPartial: options.allowPartial }), hooks);
  const feeds = new FeedBuilder(config, new Normalizer(config.inChans as 1 | 3, { mean, std }));
  const engine = await startEngine(store, options);
  // checkKind has made sure of it.
  return { description: description as DescriptionOf[K], engine, feeds, close: () => engine.close() };
}

/** How images are to be read for a model: as it was trained, save what is asked for. */
export function readingOf(
  { reading }: Pick<ModelDescription, "reading">,
  asked: { window?: string | undefined; sliceAxis?: SliceAxis | undefined; alpha?: AlphaRule | undefined },
): ReadingOptions {
  return {
    window: parseWindow(asked.window ?? reading.window),
    axis: asked.sliceAxis ?? reading.axis,
    alpha: asked.alpha ?? reading.alpha,
  };
}

/** A store for weights that are not trained: drawn from `seed` where one is given, else zero. */
export function createWeights(specs: readonly ParameterSpec[], seed: number | undefined): ParameterStore {
  const store = ParameterStore.create(specs, { gradients: false, moments: false });
  if (seed !== undefined) for (const spec of specs) initialize(spec, seed, store.parameter(spec.name));
  return store;
}

/** An engine without an optimiser. @throws MsmaeError Device when it cannot start. */
export function startEngine(store: ParameterStore, { device, threads }: EngineOptions): Promise<Engine> {
  return Engine.start({ provider: device, threads: threads || availableParallelism(), store: store.handle() });
}

const advice = {
  classifier: "use a checkpoint written by msmae finetune",
  pretrained: "use a checkpoint written by msmae pretrain",
} as const;

function checkKind(path: string, { kind }: ModelDescription, wanted: keyof DescriptionOf): void {
  if (wanted === "any" || kind === wanted) return;
  throw new MsmaeError("Checkpoint", {
    where: path,
    expected: wanted === "classifier" ? "a classifier" : "a pre-trained model with its decoder",
    got: kind === "classifier" ? "a classifier" : "a pre-trained model",
    todo: advice[wanted],
  });
}

/** What the description's own schema cannot say: numbers that must agree with each other. */
function checkDescription(path: string, { kind, config, classNames, mean, std }: ModelDescription): void {
  const problems: string[] = [];
  if (config.inChans !== 1 && config.inChans !== 3) problems.push(`${config.inChans} input channels, not 1 or 3`);
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== 1 && values.length !== config.inChans) problems.push(`${name} of ${values.length} channels`);
  }
  if (!std.every((value) => value > 0)) problems.push(`std [${std.join(", ")}]`);
  if (kind === "classifier" && classNames.length !== config.numClasses) {
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
