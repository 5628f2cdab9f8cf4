import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type DataSplitInput, type DataSplitOptions, resolveOptions, valueColumnsOf, verbs } from "../config/index.ts";
import { type Dataset, leftOutFrom, type OddFile, openDataset, tellNotices } from "../data/dataset.ts";
import type { Sample } from "../data/sample.ts";
import { SPLITS, type Split } from "../data/split-name.ts";
import { iterativeFolds } from "../data/splits/iterative.ts";
import { groupedStratifiedFolds, groupKey, hasGroups, stratifiedFolds } from "../data/splits/split.ts";
import { rowsOf, type SplitRow, splitTable } from "../data/splits/split-table.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFile } from "../support/files/output-file.ts";

/** What `data split` has written. */
export interface SplitResult {
  path: string;
  seed: number;
  /** Samples of each split; with folds, `train` holds those of all folds. */
  splits: Record<Split, number>;
  /** Samples of each class in each split. */
  classCounts: Record<Split, Record<string, number>>;
  /** Samples of each fold, and of each class in it; absent without folds. */
  folds?: { samples: number; classCounts: Record<string, number> }[];
  /** Groups of samples that had to stay together. */
  groups: number;
  /** Files that are not in the data set because of a fault of their own, by their paths from its folder. */
  leftOut: OddFile[];
}

/**
 * Splits a data set and writes which sample is where as CSV: a row for each sample with `path` (relative to the CSV
 * file's folder), `label`, `split` and what else is known. The file can be opened like a data set, and be given as
 * `--split-file`; a column `fold` goes with `--fold`. Splits that the data set itself names are kept.
 *
 * @throws MsmaeError Data when the data set cannot be opened or the file not be written; Config for options out of range.
 */
export async function splitData(
  input: DataSplitInput | DataSplitOptions,
  { onEvent, signal }: RunHooks = {},
): Promise<SplitResult> {
  const options = resolveOptions(verbs.dataSplit, input);
  const { dataPath, seed, by, folds, overwrite } = options;
  const path = await outputPath(options.output);
  const file = await OutputFile.claim(path, { option: "--output", overwrite, inputs: [dataPath] });
  const dataset = await openDataset(dataPath, {
    ...options,
    // Sets for segmentation often have one class of whole images.
    oneClass: true,
    unlabelled: "kept",
    values: valueColumnsOf(options),
    valSplit: folds === undefined ? options.valSplit : 0,
    group: by === "group" ? "auto" : "none",
  });
  tellNotices(dataset, onEvent);
  if (signal?.aborted) throw interrupted(dataPath);
  const rows = folds === undefined ? rowsOf(dataset.splits) : foldRows(dataset, folds, seed);
  await file.write(splitTable(dataset, rows, dirname(path)));
  return resultOf(dataset, rows, { path, seed, folds });
}

function foldRows({ splits, root, values }: Dataset, folds: number, seed: number): SplitRow[] {
  const pool = [...splits.train, ...splits.val];
  const grouped = hasGroups(pool);
  const groups = new Set(pool.map(groupKey)).size;
  if (groups < folds) {
    const expected = `at least ${folds} ${grouped ? "patients, lesions or files" : "images"} for ${folds} folds`;
    throw new MsmaeError("Data", { where: root, expected, got: `${groups}`, todo: "make fewer folds" });
  }
  const byFindings = values?.kind === "findings";
  const dealt = byFindings ? iterativeFolds : grouped ? groupedStratifiedFolds : stratifiedFolds;
  const fold = dealt(pool, folds, seed);
  return [
    ...pool.map((sample, at): SplitRow => ({ sample, split: "train", fold: fold[at] as number })),
    ...splits.test.map((sample): SplitRow => ({ sample, split: "test" })),
  ];
}

function resultOf(
  dataset: Dataset,
  rows: readonly SplitRow[],
  { path, seed, folds }: { path: string; seed: number; folds: number | undefined },
): SplitResult {
  const { classNames, splits } = dataset;
  const of = (split: Split) => rows.filter((row) => row.split === split).map(({ sample }) => sample);
  const counts = Object.fromEntries(SPLITS.map((split) => [split, of(split).length]));
  const classes = Object.fromEntries(SPLITS.map((split) => [split, classCountsOf(of(split), classNames)]));
  const result: SplitResult = {
    path,
    seed,
    splits: counts as SplitResult["splits"],
    classCounts: classes as SplitResult["classCounts"],
    groups: new Set(SPLITS.flatMap((split) => splits[split].map(groupKey))).size,
    leftOut: leftOutFrom(dataset),
  };
  if (folds === undefined) return result;
  const inFold = Array.from({ length: folds }, (): Sample[] => []);
  for (const { sample, fold } of rows) if (fold !== undefined) inFold[fold]?.push(sample);
  return {
    ...result,
    folds: inFold.map((samples) => ({ samples: samples.length, classCounts: classCountsOf(samples, classNames) })),
  };
}

function classCountsOf(samples: readonly Sample[], classNames: readonly string[]): Record<string, number> {
  const counts = new Array<number>(classNames.length).fill(0);
  for (const { label } of samples) counts[label] = (counts[label] as number) + 1;
  return Object.fromEntries(classNames.map((name, label) => [name, counts[label] as number]));
}

async function outputPath(output: string): Promise<string> {
  const folder = await stat(output)
    .then((found) => found.isDirectory())
    .catch(() => false);
  return resolve(!folder && /\.csv$/i.test(output) ? output : join(output, "splits.csv"));
}

function interrupted(where: string): MsmaeError {
  const parts = { where, expected: "to write the splits", got: "an abort signal", todo: "run again" };
  return new MsmaeError("Interrupted", parts);
}
