import { realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join, resolve, sep } from "node:path";
import {
  type DataCheckInput,
  type DataCheckOptions,
  resolveOptions,
  valueColumnsOf,
  verbs,
} from "../../config/index.ts";
import { type Dataset, leftOutFrom, openDataset, SPLITS, tellNotices } from "../../data/dataset.ts";
import { namedFrom, relativeName, splitTable } from "../../data/splits/split-table.ts";
import { parseWindow } from "../../images/window.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { OutputFile } from "../../support/files/output-file.ts";
import { namedFiles, OutputFolder, type ResultKind } from "../../support/files/output-folder.ts";
import { ITEM_SECONDS } from "../../support/threads/watched-thread.ts";
import { type Appearance, appearanceOf } from "./appearance.ts";
import { cleanedRows } from "./clean-split.ts";
import { countCopies, findCopies, relatives } from "./copies.ts";
import { findingsOf } from "./findings.ts";
import { namePicture, pairsOf } from "./pairs.ts";
import { Pictures, type UnreadableImage } from "./pictures.ts";
import { checkReport } from "./report.ts";
import { type CheckResult, MOST_PAIRS } from "./result.ts";
import { interrupted, scanFiles } from "./scan-pool.ts";
import { findShortcuts } from "./shortcuts.ts";

const checkFiles: ResultKind = {
  name: "a data check",
  earlier: namedFiles(/^(report\.html|check\.json|cleaned\.csv)$/),
};

/**
 * Looks at a data set as a reviewer would before training: copies and patients on two sides, conflicting labels, damaged
 * and odd files, and whatever but the content tells the classes apart. A validation split is not drawn: splits are those
 * that the data set names. Nothing in the data set is written to.
 *
 * @throws MsmaeError Data when the data set cannot be opened, none of it read, or a file not be written, or a result stands
 * where one is to be written; Config for
 * options out of range and for an output folder inside the data set; Interrupted by the signal.
 */
export async function checkData(input: DataCheckInput | DataCheckOptions, hooks: RunHooks = {}): Promise<CheckResult> {
  const started = performance.now();
  const options = resolveOptions(verbs.dataCheck, input);
  const paths = await outputPaths(options);
  const { overwrite, dataPath, splitFile } = options;
  const inputs = splitFile === undefined ? [dataPath] : [dataPath, splitFile];
  const claim = { verb: "data check", kind: checkFiles, overwrite, onEvent: hooks.onEvent };
  await using folder = paths.folder === undefined ? undefined : await OutputFolder.claim(paths.folder, claim);
  const fixFile =
    paths.fix === undefined ? undefined : await OutputFile.claim(paths.fix, { option: "--fix", overwrite, inputs });
  const dataset = await open(options);
  tellNotices(dataset, hooks.onEvent);
  const pictures = await scan(dataset, options, hooks);
  hooks.onEvent?.({ type: "phase", name: "near-identical pictures", total: pictures.count });
  const copies = await findCopies(pictures, async (done, total) => {
    hooks.onEvent?.({ type: "phase-progress", done: Math.round((done / Math.max(1, total)) * pictures.count) });
    // Lets a signal through.
    await new Promise(setImmediate);
    if (hooks.signal?.aborted) throw interrupted();
  });
  hooks.onEvent?.({ type: "note", message: "Looking for what else tells the classes apart." });
  const shortcuts = findShortcuts(pictures, dataset.classNames, relatives(pictures, copies), options.seed);
  const pairs = pairsOf(dataset, pictures, copies);
  const appearance = appearanceOf(pictures);
  const facts = {
    images: pictures.count,
    unreadable: unreadableOf(dataset, pictures),
    leftOut: leftOutFrom(dataset),
    ...countCopies(pictures, copies),
    classCounts: classCounts(dataset, SPLITS),
    splitClassCounts: {
      train: classCounts(dataset, ["train"]),
      val: classCounts(dataset, ["val"]),
      test: classCounts(dataset, ["test"]),
    },
    pairs: pairs.slice(0, MOST_PAIRS).map(({ pair }) => pair),
    pairsFound: pairs.length,
    appearance: namedAppearance(dataset, pictures, appearance),
    shortcuts,
    dicom: { files: pictures.dicomFiles, identifying: Object.fromEntries(pictures.identifying) },
  };
  const result: CheckResult = {
    ...facts,
    leakage: facts.identicalAcrossSplits + facts.nearIdenticalAcrossSplits + facts.groupsAcrossSplits > 0,
    findings: findingsOf(facts, dataset),
    seconds: 0,
  };
  if (fixFile) {
    const { rows, dropped } = cleanedRows(pictures, copies, options.fixKeep);
    await fixFile.write(splitTable(dataset, rows, dirname(fixFile.path)));
    result.fix = { path: fixFile.path, keep: options.fixKeep, images: rows.length, dropped };
  }
  result.seconds = (performance.now() - started) / 1000;
  if (folder) {
    // What is written goes from hand to hand: names only, and not where they lie.
    const { fix } = result;
    const told = { ...result, ...(fix && { fix: { ...fix, path: basename(fix.path) } }) };
    const data = basename(resolve(options.dataPath));
    result.reportPath = join(folder.path, "report.html");
    result.resultPath = join(folder.path, "check.json");
    const report = await checkReport({ result: told, dataset, data, pictures, pairs, appearance, options });
    await writeFileAtomic(folder.at("report.html"), report);
    result.seconds = told.seconds = (performance.now() - started) / 1000;
    await writeFileAtomic(folder.at("check.json"), `${JSON.stringify(told, undefined, 2)}\n`);
    await folder.publish();
  }
  return result;
}

function open(options: DataCheckOptions): Promise<Dataset> {
  return openDataset(options.dataPath, {
    ...options,
    // What is drawn at random is drawn anew each time: only splits that are given can be right or wrong.
    valSplit: 0,
    testSplit: 0,
    // Strict are the words about leaks: files that have to be left out are among what is told.
    strict: false,
    oneClass: true,
    values: valueColumnsOf(options),
  });
}

async function scan(dataset: Dataset, options: DataCheckOptions, { onEvent, signal }: RunHooks): Promise<Pictures> {
  const pictures = new Pictures(dataset);
  const files = pictures.tasks();
  const { sliceAxis, alpha, workers = Math.min(8, availableParallelism()) } = options;
  const reading = { window: parseWindow(options.window), sliceAxis, alpha };
  onEvent?.({ type: "phase", name: "decoding", total: pictures.count });
  let done = 0;
  const listener = {
    onPicture: (file: number, at: number, outcome: Parameters<Pictures["add"]>[1]) => {
      pictures.add(files[file]?.positions[at] as number, outcome);
      onEvent?.({ type: "phase-progress", done: ++done });
    },
    onFile: (file: number, outcome: Parameters<Pictures["addFile"]>[1]) =>
      pictures.addFile(files[file]?.positions ?? [], outcome),
  };
  const tasks = files.map(({ task }) => task);
  await scanFiles(tasks, reading, listener, { workers, itemSeconds: ITEM_SECONDS, signal });
  pictures.unreadable.sort((a, b) => a.at - b.at);
  const starved = pictures.unreadable.find(({ error }) => error.code === "Device");
  if (starved) throw noRoom(options.dataPath, starved.error.message);
  if (pictures.unreadable.length === pictures.count) throw nothingReadable(options.dataPath, pictures);
  return pictures;
}

/** Pictures that the machine had no room for are not the data set's faults. */
function noRoom(where: string, got: string): MsmaeError {
  const parts = { where, expected: "the machine to have room for looking at every picture", got };
  return new MsmaeError("Device", { ...parts, todo: "give it room, then run again" });
}

/** Often a wrong window or slice. Where nothing was looked at, nothing may be said of leaks. */
function nothingReadable(where: string, { count, unreadable: [first] }: Pictures): MsmaeError {
  const got = `${count} images, none readable; the first: ${first?.error.message}`;
  const todo = "check the files, --window and --slices";
  return new MsmaeError("Data", { where, expected: "images that can be read", got, todo });
}

function unreadableOf(dataset: Dataset, pictures: Pictures): CheckResult["unreadable"] {
  // What holds for several pictures of a file is said once.
  const said = new Map<string, UnreadableImage>();
  for (const { at, error } of pictures.unreadable) {
    const { path, item } = pictures.sample(at);
    const key = JSON.stringify([path, error.message]);
    const before = said.get(key);
    const name = relativeName(dataset.root, path);
    const told = { ...error, message: namedFrom(dataset.root, error.message) };
    if (before) said.set(key, { path: name, images: (before.images ?? 1) + 1, error: told });
    else said.set(key, { path: name, ...(item === undefined ? {} : { item }), error: told });
  }
  return [...said.values()];
}

function classCounts({ classNames, splits }: Dataset, of: readonly (typeof SPLITS)[number][]): Record<string, number> {
  const counts = new Array<number>(classNames.length).fill(0);
  for (const split of of) for (const { label } of splits[split]) counts[label] = (counts[label] as number) + 1;
  return Object.fromEntries(classNames.map((name, label) => [name, counts[label] as number]));
}

function namedAppearance(dataset: Dataset, pictures: Pictures, found: Appearance): CheckResult["appearance"] {
  const named = (positions: readonly number[]) => positions.map((at) => namePicture(dataset, pictures, at));
  return {
    ...found,
    tiny: named(found.tiny),
    oddSizes: named(found.oddSizes),
    oddShapes: named(found.oddShapes),
    oddModes: named(found.oddModes),
    lowRange: named(found.lowRange),
  };
}

/** Absolute paths of what is to be written, outside of the data set. */
async function outputPaths({ dataPath, outputDir, fix }: DataCheckOptions): Promise<{ folder?: string; fix?: string }> {
  const paths = {
    ...(outputDir === undefined ? {} : { folder: resolve(outputDir) }),
    ...(fix === undefined ? {} : { fix: resolve(fix) }),
  };
  const root = await realpath(dataPath).catch(() => resolve(dataPath));
  for (const path of Object.values(paths)) {
    const real = await realPlace(path);
    if (real !== root && !real.startsWith(root + sep)) continue;
    const todo = "choose a place outside it: a check never touches the data";
    throw new MsmaeError("Config", { where: "output", expected: "a place outside the data set", got: path, todo });
  }
  return paths;
}

/** Where a path leads, links followed as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined) return found;
  const parent = dirname(path);
  return parent === path ? path : join(await realPlace(parent), basename(path));
}
