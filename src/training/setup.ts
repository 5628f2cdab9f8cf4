import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { type FinetuneOptions, type PretrainOptions, toYaml } from "../config/index.ts";
import { type Dataset, dataHash, openDataset, type Sample, splitCsv, tellNotices } from "../data/dataset.ts";
import { parseWindow } from "../data/decode/window-rule.ts";
import { ImageLoader } from "../data/loader.ts";
import { Normalizer } from "../data/transforms/normalize.ts";
import type { EngineSetup } from "../engine/core.ts";
import { Engine } from "../engine/engine.ts";
import { FeedBuilder } from "../engine/feeds.ts";
import { MsmaeError } from "../errors.ts";
import type { RunHooks } from "../events.ts";
import { loadWeights } from "../interop/load-weights.ts";
import { readModelFile } from "../interop/model-file.ts";
import type { EncoderConfig } from "../models/config.ts";
import type { ParameterSpec } from "../nn/parameters.ts";
import { initialize } from "../nn/parameters.ts";
import { startEma } from "../optim/ema.ts";
import type { ParameterGroup } from "../optim/parameter-groups.ts";
import { ParameterStore } from "../optim/parameter-store.ts";
import { lrFromBase, type WarmupCosine } from "../optim/schedule.ts";
import { packageVersion } from "../version.ts";
import { loadState, type Progress, readProgress, type TrainingState } from "./checkpoint.ts";
import { RunDirectory } from "./run-directory.ts";

type TrainingOptions = PretrainOptions | FinetuneOptions;

/** Options that may differ when a run goes on: where it runs and what it keeps, not what it computes. */
const free = new Set([
  "resume",
  "outputDir",
  "dataPath",
  // Which image is in which split is part of the data's hash.
  "splitFile",
  "columns",
  "encoding",
  "mergeLabels",
  "threads",
  "workers",
  "cacheMb",
  "device",
  "saveEvery",
  "strict",
  "finetune",
  "init",
  "allowPartial",
]);

/** The data of a run, checked. */
export interface RunData {
  folder: Dataset;
  hash: string;
}

/** Scans the data set. @throws MsmaeError Data, or Config when it has not the number of classes asked for. */
export async function openData(options: TrainingOptions, hooks: RunHooks): Promise<RunData> {
  const { dataPath, numClasses, sliceAxis: axis } = options;
  const folder = await openDataset(dataPath, { ...options, axis, require: ["train"] });
  if (numClasses !== undefined && numClasses !== folder.classNames.length) {
    throw new MsmaeError("Data", {
      where: dataPath,
      expected: `${numClasses} classes (--num-classes)`,
      got: `${folder.classNames.length}: ${folder.classNames.join(", ")}`,
      todo: "correct --num-classes or the class folders",
    });
  }
  if (folder.ignoredFiles > 0) {
    hooks.onEvent?.({
      type: "warning",
      message: `${folder.ignoredFiles} files in class folders are no images and were left out`,
    });
  }
  tellNotices(folder, hooks.onEvent);
  return { folder, hash: await dataHash(folder) };
}

/** A loader of some samples, sized for a model. */
export function openLoader(
  samples: readonly Sample[],
  config: EncoderConfig,
  options: TrainingOptions,
  hooks: RunHooks,
): ImageLoader {
  const { workers, cacheMb, strict, window, sliceAxis: axis } = options;
  return new ImageLoader(samples, {
    inputHeight: config.inputHeight,
    inputWidth: config.inputWidth,
    channels: config.inChans as 1 | 3,
    workers,
    cacheMb,
    strict,
    reading: { window: parseWindow(window), axis },
    onWarning: (message) => hooks.onEvent?.({ type: "warning", message }),
  });
}

export function openFeeds(config: EncoderConfig, { mean, std }: TrainingOptions): FeedBuilder {
  return new FeedBuilder(config, new Normalizer(config.inChans as 1 | 3, { mean, std }));
}

/** Parameters with their first values: drawn from the seed. */
export function createStore(specs: readonly ParameterSpec[], options: TrainingOptions): ParameterStore {
  const store = ParameterStore.create(specs, {
    accumulate: options.accumIter > 1,
    ema: options.emaDecay !== undefined,
  });
  for (const spec of specs) initialize(spec, options.seed, store.parameter(spec.name));
  return store;
}

/** Starts the engine's thread over a store, with AdamW. */
export function startEngine(
  store: ParameterStore,
  groups: ReadonlyMap<string, ParameterGroup>,
  betas: { beta1: number; beta2: number },
  { threads, device }: TrainingOptions,
): Promise<Engine> {
  const setup: EngineSetup = {
    provider: device,
    threads: threads || availableParallelism(),
    store: store.handle(),
    optimizer: { groups: [...groups], ...betas, eps: 1e-8 },
  };
  return Engine.start(setup);
}

export function scheduleOf(options: TrainingOptions): WarmupCosine {
  const { blr, lr, minLr, warmupEpochs, epochs, batchSize, accumIter } = options;
  return { lr: lr ?? lrFromBase(blr, batchSize * accumIter), minLr, warmupEpochs, epochs };
}

/**
 * Where the run begins: at the start, or where `--resume` left it, with weights and optimiser put back.
 * @throws MsmaeError Checkpoint when the run cannot go on with these options or these data, naming what differs.
 */
export async function beginOrResume(
  verb: "pretrain" | "finetune",
  options: TrainingOptions,
  store: ParameterStore,
  data: RunData,
): Promise<TrainingState> {
  const binding = { ...boundOptions(options), data: data.hash };
  if (options.resume === undefined) {
    if (options.emaDecay !== undefined) startEma(store);
    return {
      progress: {
        verb,
        seed: options.seed,
        epoch: 0,
        batch: 0,
        step: 0,
        sums: {},
        best: null,
        options: binding,
        trainLoss: null,
      },
    };
  }
  const path = await checkpointPath(options.resume);
  try {
    const { description, tensors } = await readModelFile(path);
    // Options before weights: a model of another shape is better named by the option that shaped it.
    const progress = await readProgress(path, description.step);
    checkSame(path, { verb, ...binding }, { verb: progress.verb, ...progress.options });
    loadWeights(store, tensors, { where: path });
    const state = await loadState(path, description.step, store);
    if (!(await keepBest(path, options.outputDir))) state.progress.best = null;
    return state;
  } catch (error) {
    throw await withOtherCheckpoints(path, error);
  }
}

/** Brings the best weights along to a new output folder. False where there are none. */
async function keepBest(resumed: string, outputDir: string): Promise<boolean> {
  const [from, to] = [dirname(resumed), outputDir].map((folder) => join(folder, "best.safetensors")) as [
    string,
    string,
  ];
  if (await isFile(to)) return true;
  if (!(await isFile(from))) return false;
  await mkdir(outputDir, { recursive: true });
  await copyFile(from, to);
  return true;
}

/** A fault of a checkpoint, with the numbered checkpoint beside it that one can go on from instead. */
async function withOtherCheckpoints(path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof MsmaeError) || error.code !== "Checkpoint" || error instanceof DifferentRun) return error;
  const names = await readdir(dirname(path)).catch(() => []);
  const epochs = names.flatMap((name) => {
    const epoch = /^checkpoint-(\d+)\.safetensors$/.exec(name)?.[1];
    return epoch === undefined || name === basename(path) ? [] : [Number(epoch)];
  });
  if (epochs.length === 0) return error;
  const other = join(dirname(path), `checkpoint-${Math.max(...epochs)}.safetensors`);
  return new MsmaeError(
    "Checkpoint",
    { ...error.parts, todo: `go on from the one before with --resume ${other}` },
    { cause: error },
  );
}

/** The checkpoint is whole, but of a run with other options or data: no other checkpoint of it would fit. */
class DifferentRun extends MsmaeError {}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function checkpointPath(resume: string): Promise<string> {
  const found = await stat(resume).catch(() => undefined);
  return found?.isDirectory() ? join(resume, "last.safetensors") : resume;
}

function boundOptions(options: TrainingOptions): Progress["options"] {
  // Sorted, so that flags in another order give a state of the same bytes.
  const entries = Object.entries(options)
    .filter(([name, value]) => !free.has(name) && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  // As they come back from JSON.
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as Progress["options"];
}

function checkSame(where: string, now: Record<string, unknown>, then: Record<string, unknown>): void {
  const names = [...new Set([...Object.keys(now), ...Object.keys(then)])];
  const differing = names.filter((name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]));
  if (differing.length === 0) return;
  const show = (values: Record<string, unknown>) =>
    differing.map((name) => `${name} ${JSON.stringify(values[name])}`).join(", ");
  throw new DifferentRun("Checkpoint", {
    where,
    expected: `the options the run was started with (${show(then)})`,
    got: show(now),
    todo: "give the same options and data, or start a new run with --finetune",
  });
}

/** Opens the run's folder and writes its configuration, environment and split. */
export async function openRun(
  verb: "pretrain" | "finetune",
  options: TrainingOptions,
  data: RunData,
  fromEpoch: number,
): Promise<RunDirectory> {
  const { seed, device, threads } = options;
  const run = await RunDirectory.open(options.outputDir, {
    configYaml:
      verb === "pretrain"
        ? toYaml("pretrain", options as PretrainOptions)
        : toYaml("finetune", options as FinetuneOptions),
    environment: { seed, device, threads: threads || availableParallelism(), dataHash: data.hash },
    fromEpoch,
  });
  await run.write("split.csv", splitCsv(data.folder));
  return run;
}

/** Images per class of the training split, for the model card. */
export function classCounts({ folder }: RunData): Record<string, number> {
  const counts = folder.classNames.map((name, label): [string, number] => [
    name,
    folder.splits.train.filter((sample) => sample.label === label).length,
  ]);
  return Object.fromEntries(counts);
}

/** What a checkpoint says of its training, whatever its kind. */
export function describeTraining(options: TrainingOptions, classNames: string[], epoch: number, step: number) {
  return {
    model: options.model,
    classNames,
    mean: [...options.mean],
    std: [...options.std],
    reading: { window: options.window, axis: options.sliceAxis },
    epoch,
    step,
    seed: options.seed,
    licence: "other",
    msmaeVersion: packageVersion,
  };
}

/** The named options, in that order, for the model card. */
export function pick<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, options[name]])) as Pick<T, K>;
}
