import type { FinetuneOptions, PretrainOptions } from "../config/index.ts";
import {
  type Dataset,
  type DatasetOptions,
  dataHash,
  openDataset,
  splitFingerprint,
  tellNotices,
  type ValueColumns,
} from "../data/dataset.ts";
import { type LabelUse, labelledOnly, labelUseOf, labelUseText } from "../data/labels.ts";
import { lrFromBase } from "../engine/optim/schedule.ts";
import { initialStore } from "../engine/parameters/initial-store.ts";
import type { ParameterStore } from "../engine/parameters/parameter-store.ts";
import type { ParameterSpec } from "../engine/parameters/specs.ts";
import { parseWindow } from "../images/window-rule.ts";
import type { SplitDescription } from "../interop/model-file.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { int8Weights, isInt8 } from "../method/models/precision.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { packageVersion } from "../support/version.ts";

/**
 * The options that every training run has: those of both verbs, without what is told, the method and its masking, and without the ways to
 * say a learning rate.
 */
export type RunOptions = Pick<
  PretrainOptions & FinetuneOptions,
  Exclude<
    keyof PretrainOptions & keyof FinetuneOptions,
    | "recipe"
    | "findings"
    | "method"
    | "patchSize"
    | "maskRatio"
    | "throwRatio"
    | "mapCrop"
    | "mapSource"
    | "mapHeads"
    | "mapBlocks"
    | "attended"
    | "randomShare"
    | "mapInterval"
    | "fastMaps"
    | "blr"
    | "lr"
    | "precision"
    | "exchange"
    | "exchangeParts"
    | "recompute"
  >
> & {
  /** Of what has no such choice, fp32. */
  precision?: FinetuneOptions["precision"];
};

/** The data of a run, checked. */
export interface RunData {
  /** What it trains and measures with. */
  folder: Dataset;
  /** Where not all labels of training images are used: how many are. */
  labels?: LabelUse;
  /** The data set with the training images that are left out for want of a label; absent where none are. */
  whole?: Dataset;
  hash: string;
  /** How it was shared out, for whoever evaluates the model. */
  split: SplitDescription;
}

/**
 * Scans the data set.
 *
 * @param needs `oneClass` takes a set of one class too, for what is trained without them, `values` take the place of
 * classes; `unlabelled` are training images whose labels are not used; without `supervised` nothing is told of labels.
 * @throws MsmaeError Data, also when it has not the number of classes asked for.
 */
export async function openData(
  options: RunOptions,
  hooks: RunHooks,
  {
    oneClass = false,
    values,
    unlabelled = "left out",
    supervised = true,
  }: Pick<DatasetOptions, "oneClass" | "values"> & { unlabelled?: "left out" | "kept"; supervised?: boolean } = {},
): Promise<RunData> {
  const { dataPath, numClasses } = options;
  const labelShare = supervised ? options.labelShare : 1;
  const taken = { oneClass, values, unlabelled, labelShare };
  const whole = await openDataset(dataPath, { ...options, ...taken, require: ["train"] });
  const labels = supervised ? labelUseOf(whole) : undefined;
  const parted = labels !== undefined && unlabelled === "left out";
  const folder = parted ? labelledOnly(whole) : whole;
  if (values === undefined && numClasses !== undefined && numClasses !== folder.classNames.length) {
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
  if (labels) {
    const others = parted ? "the others are left out" : "the others are only reconstructed";
    hooks.onEvent?.({ type: "note", message: `${labelUseText(labels)} are used: ${others}` });
  }
  if (values?.kind === "findings") warnOneSided(folder, values, hooks);
  const { valSplit, group, slices, fold, splitFile } = options;
  const [val, test] = [await splitFingerprint(folder, "val"), await splitFingerprint(folder, "test")];
  const split = { valSplit, group, slices, fold, splitFile: splitFile !== undefined, val, test };
  return { folder, ...(labels && { labels }), ...(parted && { whole }), hash: await dataHash(whole), split };
}

/** Says which findings cannot be learned, because the training images all have them or all lack them. */
function warnOneSided({ splits }: Dataset, { names }: ValueColumns, { onEvent }: RunHooks): void {
  const oneSided = names.filter((_, k) => {
    const told = splits.train.map(({ values = [], unlabelled }) => (unlabelled ? Number.NaN : values[k]));
    return !(told.includes(0) && told.includes(1));
  });
  if (oneSided.length === 0) return;
  const message = `training images do not both have and lack ${oneSided.join(", ")}: it cannot be learned`;
  onEvent?.({ type: "warning", message });
}

/** How a run's images are read, sized for a model. */
export function loadingOf(
  { inputHeight, inputWidth, inChans }: ImageModelConfig,
  { workers, strict, window, sliceAxis, alpha }: RunOptions,
) {
  const reading = { window: parseWindow(window), sliceAxis, alpha };
  return { inputHeight, inputWidth, channels: inChans as 1 | 3, workers, strict, reading };
}

/** MiB for decoded images of training and of validation, which each epoch looks at: shared out by their numbers. */
export function cacheShares(
  { cacheMb }: Pick<RunOptions, "cacheMb">,
  { folder: { splits } }: Pick<RunData, "folder">,
): { train: number; val: number } {
  const val = (cacheMb * splits.val.length) / (splits.train.length + splits.val.length);
  return { train: cacheMb - val, val };
}

/** Parameters with their first values: drawn from the seed. */
export function createStore(specs: readonly ParameterSpec[], options: RunOptions): ParameterStore {
  const { seed, accumIter, emaDecay, precision } = options;
  const quantized = isInt8(precision) ? int8Weights(specs) : undefined;
  return initialStore(specs, seed, { accumulate: accumIter > 1, ema: emaDecay !== undefined, quantized });
}

/** The peak learning rate: itself, or from that of 256 images. */
export function peakLr({
  lr,
  blr,
  batchSize,
  accumIter,
}: Pick<RunOptions, "batchSize" | "accumIter"> & { lr?: number; blr: number }): number {
  return lr ?? lrFromBase(blr, batchSize * accumIter);
}

/** Images per class of the training split, of those whose labels are used, for the model card. */
export function classCounts({ folder }: RunData): Record<string, number> {
  const counts = folder.classNames.map((name, label): [string, number] => [
    name,
    folder.splits.train.filter((sample) => sample.label === label && !sample.unlabelled).length,
  ]);
  return Object.fromEntries(counts);
}

/** What a checkpoint says of its training, whatever its kind. */
export function describeTraining(
  options: RunOptions,
  { classNames, split }: { classNames: string[]; split: SplitDescription },
  epoch: number,
  step: number,
) {
  return {
    model: options.model,
    classNames,
    mean: [...options.mean],
    std: [...options.std],
    reading: { window: options.window, axis: options.sliceAxis, alpha: options.alpha },
    split,
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
