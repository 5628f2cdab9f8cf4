import type { EvalOptions } from "../config/index.ts";
import { type Dataset, type DatasetOptions, openDataset, splitFingerprint, tellNotices } from "../data/dataset.ts";
import type { ModelDescription, SplitDescription } from "../interop/model-file.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { readingOf } from "./session.ts";

/** How a data set is opened for evaluation. */
export type EvaluationDataOptions = Pick<
  EvalOptions,
  | "dataPath"
  | "split"
  | "seed"
  | "splitFile"
  | "valSplit"
  | "group"
  | "slices"
  | "fold"
  | "columns"
  | "encoding"
  | "mergeLabels"
  | "strict"
  | "window"
  | "sliceAxis"
  | "alpha"
>;

/**
 * Opens a data set for evaluation, shared out as for the model's training where nothing else is asked for, and says where
 * the split may hold images that the model was trained on.
 *
 * @param needs `oneClass` takes a set of one class of whole images too; `values` are read of a table; `require` names the splits that must have images,
 * the one asked for unless told otherwise; beyond \`labelShare\` training images are marked as unlabelled.
 * @throws MsmaeError Data when the set cannot be opened, or when its split `val` is not the one that training held out.
 */
export async function openEvaluationData(
  options: EvaluationDataOptions,
  description: ModelDescription,
  { onEvent }: RunHooks,
  {
    oneClass = false,
    values,
    require,
    labelShare = 1,
  }: Pick<DatasetOptions, "oneClass" | "values" | "require" | "labelShare"> = {},
): Promise<Dataset> {
  const { dataPath, split, seed } = options;
  const { seed: trainedWith, split: trained } = description;
  const { sliceAxis } = readingOf(description, options);
  // A fold of a table parts training from validation; what is for testing is outside of all.
  const foldApplies = split !== "test" && (options.splitFile !== undefined || !trained?.splitFile);
  const dataset = await openDataset(dataPath, {
    ...options,
    valSplit: options.valSplit ?? trained?.valSplit,
    group: options.group ?? trained?.group,
    slices: options.slices ?? trained?.slices,
    fold: options.fold ?? (foldApplies ? trained?.fold : undefined),
    sliceAxis,
    oneClass,
    values,
    labelShare,
    unlabelled: "left out",
    seed: trainedWith,
    require: require ?? [split],
  });
  tellNotices(dataset, onEvent);
  const warn = (message: string) => onEvent?.({ type: "warning", message });
  if (!dataset.onDisk.includes(split) && seed !== 0 && seed !== trainedWith) {
    warn(
      `split "${split}" is drawn with the checkpoint's seed ${trainedWith}, not with --seed ${seed}: only so it holds no image the model was trained on`,
    );
  }
  if (trained) await checkHeldOut(dataset, trained, options, warn);
  else if (split === "val" && !dataset.onDisk.includes("val") && options.valSplit === undefined) {
    warn(
      "this checkpoint is from a version that did not keep how its validation images were chosen: a tenth of train is assumed; give --val-split, --group or --split-file as in training",
    );
  }
  return dataset;
}

/** Compares the split with the one that training held out. */
async function checkHeldOut(
  dataset: Dataset,
  trained: SplitDescription,
  { split, splitFile, dataPath }: EvaluationDataOptions,
  warn: (message: string) => void,
): Promise<void> {
  if (split === "train" || (await splitFingerprint(dataset, split)) === trained[split]) return;
  const forgotten = trained.splitFile && splitFile === undefined;
  const drawn = !dataset.onDisk.includes(split);
  const advice = forgotten
    ? "give the --split-file of the training; the run keeps it as split.csv"
    : "give the data set, --split-file, --fold, --val-split and --group of the training";
  if (split === "val" && (drawn || forgotten)) {
    throw new MsmaeError("Data", {
      where: `split "val" of ${dataPath}`,
      expected: "the images that the model's training held out",
      got: `${dataset.splits.val.length} images that are others`,
      todo: advice,
    });
  }
  if (drawn || forgotten) {
    warn(
      `split "${split}" of ${dataPath} is not the one that training left out; if these are the images of the training, some of them were trained on: ${advice}`,
    );
  } else if (split === "val") {
    warn(`split "val" of ${dataPath} is not the one that the model's training was validated on`);
  }
}
