import { stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { type DataPrepareInput, type DataPrepareOptions, resolveOptions, verbs } from "../../config/index.ts";
import type { PresetName } from "../../config/verbs/data-prepare.ts";
import { SPLITS, type Split } from "../../data/split-name.ts";
import { parseWindow } from "../../images/window.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { OutputFolder, refuseForeign } from "../../support/files/output-folder.ts";
import { type Archive, hashArchive, openArchives } from "../archives/index.ts";
import { layOut, type OutputImage } from "./layout.ts";
import {
  type ArchiveRecord,
  type ClassCounts,
  type LeftOutCount,
  MANIFEST_FILE,
  type Manifest,
  writeRecords,
} from "./manifest.ts";
import { leftOutFile, nothingLeft, refuseOdd, tellOdd, UNUSABLE } from "./odd-files.ts";
import { changedFiles, checkDisk, existingManifest, occupied, preparedSet } from "./output-folder.ts";
import { PRESETS, presetLike } from "./presets/index.ts";
import { withoutRepeats } from "./repeats.ts";
import { groupsInSeveralSplits, placeImages } from "./splits.ts";
import { surveyArchives } from "./survey.ts";
import type { OddFile, Plan, Preset, Survey } from "./types.ts";
import { writeImages } from "./write-images.ts";

export type { ClassCounts, LeftOutCount, Manifest } from "./manifest.ts";
export { PRESETS } from "./presets/index.ts";
export type { OddFile, Preset } from "./types.ts";

/** The result of {@link prepareData}. */
export interface PrepareResult {
  preset: PresetName;
  outputDir: string;
  /** Path of manifest.json. */
  manifest: string;
  images: number;
  splits: Record<Split, number>;
  counts: ClassCounts;
  leftOut: LeftOutCount[];
  /** Files with a fault of their own, and what became of each. */
  oddFiles: OddFile[];
  notes: string[];
  licence: string;
  /** The same set stood there already, every file as it was written. */
  alreadyPrepared: boolean;
}

/**
 * Makes a data set of the official downloads of a published one: an ImageFolder or images with masks, with
 * `dataset.csv`, `left-out.csv`, `SHA256SUMS` and `manifest.json`. Images are copied, not encoded again. A file that
 * cannot be used is left out and named. The output folder comes to be at the end and whole, or not at all.
 *
 * @throws MsmaeError Config for options that do not fit; Data when archives are not those of the preset, cannot be read
 * or are unsafe, nothing of them can be used, or the output cannot be written; Interrupted by the signal.
 */
export async function prepareData(
  input: DataPrepareInput | DataPrepareOptions,
  hooks: RunHooks = {},
): Promise<PrepareResult> {
  const options = resolveOptions(verbs.dataPrepare, input);
  const { onEvent, signal } = hooks;
  const { archives: paths, outputDir } = options;
  const preset = presetOf(options);
  const window = options.window === undefined ? undefined : parseWindow(options.window);
  await checkOutside(outputDir, paths);
  // What stands there is judged below: the same data set is no reason to end.
  const claim = { verb: "data prepare", kind: preparedSet, overwrite: true, onEvent };
  await using folder = await OutputFolder.claim(outputDir, claim);
  const existing = await existingManifest(outputDir);
  if (!existing || options.overwrite) await refuseForeign(outputDir, preparedSet);
  const archives = await openArchives(paths, undefined, signal);
  if (existing && !options.overwrite) return await preparedBefore(existing, options, archives, hooks);

  onEvent?.({ type: "phase", name: "reading archives", total: archives.length });
  let read = 0;
  const onArchive = () => onEvent?.({ type: "phase-progress", done: ++read });
  const { encoding, strict, seed } = options;
  const survey = await surveyArchives(archives, preset, presetLike, { encoding, onArchive, signal });
  const plan = await withoutRepeats(preset.plan(survey, { window }), archives, signal);
  const planned = plan.leftOut.filter(({ odd }) => odd).map(leftOutFile);
  if (strict) refuseOdd(planned);
  if (plan.images.length === 0) throw nothingLeft(preset, planned);
  const { images: placed, origin } = placeImages(plan.images, { seed, ...sharesOf(options) });
  const images = layOut(plan.layout, placed);
  const notes = notesOf(preset, plan, images, survey);
  for (const message of notes) onEvent?.({ type: "note", message });
  const records = await recordsOf(archives, hooks);
  checkDistinct(records);

  const bytes = images.reduce((sum, { source }) => sum + source.size, 0);
  await checkDisk(outputDir, bytes);
  onEvent?.({ type: "phase", name: "writing images", total: images.length });
  let done = 0;
  const onImage = () => onEvent?.({ type: "phase-progress", done: ++done });
  const written = await writeImages(folder.current, images, archives, { strict, onImage, signal });
  const oddFiles = [...planned, ...written.odd];
  if (written.images.length === 0) throw nothingLeft(preset, oddFiles);
  const lost = written.odd
    .filter(({ action }) => action === "left out")
    .map(({ name, reason }) => ({ name, reason, kind: UNUSABLE }));
  const manifest = await writeRecords(folder.current, written.images, [...plan.leftOut, ...lost], written.files, {
    preset: preset.name,
    title: preset.title,
    source: preset.source,
    licence: preset.licence,
    citation: preset.citation,
    options: recordedOptions(options),
    archives: records,
    layout: plan.layout,
    maskMeaning: plan.maskMeaning,
    splitOrigin: origin,
    oddFiles,
    notes,
  });
  await folder.publish();
  tellOdd(manifest, hooks);
  return resultOf(manifest, outputDir, false);
}

function presetOf({ preset: name, window }: DataPrepareOptions): Preset {
  const preset = PRESETS[name];
  if (window === undefined || preset.windowed) return preset;
  throw new MsmaeError("Config", {
    where: "window",
    expected: `none for preset ${name}, whose images are copied`,
    got: window,
    todo: "leave out --window: windows are chosen when the images are read",
  });
}

async function checkOutside(outputDir: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const way = relative(resolve(path), resolve(outputDir));
    const inside = way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
    if (!inside || !(await stat(path).catch(() => undefined))?.isDirectory()) continue;
    throw new MsmaeError("Config", {
      where: "outputDir",
      expected: "a folder outside of what it is made of",
      got: `${outputDir} inside of ${path}`,
      todo: "choose another --output-dir",
    });
  }
}

function sharesOf({ valSplit, testSplit }: DataPrepareOptions) {
  return { valSplit, testSplit };
}

function recordedOptions(options: DataPrepareOptions): Manifest["options"] {
  const { seed, valSplit, testSplit, window, encoding } = options;
  return { seed, valSplit, testSplit, window, encoding };
}

function notesOf(preset: Preset, plan: Plan, images: readonly OutputImage[], survey: Survey): string[] {
  const notes = [...plan.notes];
  const torn = groupsInSeveralSplits(images);
  if (torn > 0) notes.push(`${torn} patients or lesions stand in more than one of the published splits`);
  const used = new Set(survey.tableArchives);
  for (const { source, masks = [] } of images) for (const { archive } of [source, ...masks]) used.add(archive);
  for (const [at, { name }] of survey.archives.entries()) if (!used.has(at)) notes.push(`nothing of ${name} is used`);
  return [...notes, ...preset.caveats];
}

async function recordsOf(archives: readonly Archive[], { onEvent, signal }: RunHooks): Promise<ArchiveRecord[]> {
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  const total = mebibytes(archives.reduce((sum, { bytes }) => sum + bytes, 0));
  onEvent?.({ type: "phase", name: "hashing archives (MiB)", total });
  let read = 0;
  const records: ArchiveRecord[] = [];
  for (const archive of archives) {
    const onBytes = (count: number) => {
      const before = mebibytes(read);
      read += count;
      if (mebibytes(read) > before) onEvent?.({ type: "phase-progress", done: mebibytes(read) });
    };
    const { name, kind, bytes } = archive;
    records.push({ name, kind, bytes, sha256: await hashArchive(archive, onBytes, signal) });
  }
  return records;
}

function checkDistinct(records: readonly ArchiveRecord[]): void {
  for (const [at, record] of records.entries()) {
    const twin = records.slice(0, at).find(({ sha256 }) => sha256 === record.sha256);
    if (!twin) continue;
    throw new MsmaeError("Config", {
      where: "archives",
      expected: "each archive once",
      got: `the same one as ${twin.name} and ${record.name}`,
      todo: "name it once; if another part was meant, give that",
    });
  }
}

async function preparedBefore(
  existing: Manifest,
  options: DataPrepareOptions,
  archives: readonly Archive[],
  hooks: RunHooks,
): Promise<PrepareResult> {
  const { preset, outputDir } = options;
  const { onEvent, signal } = hooks;
  const other = (what: string) => occupied(outputDir, `data set ${existing.preset} made ${what}`);
  if (existing.preset !== preset) throw other("before");
  const sums = (records: readonly ArchiveRecord[]) => JSON.stringify(records.map(({ sha256 }) => sha256).sort());
  if (sums(await recordsOf(archives, hooks)) !== sums(existing.archives)) throw other("of other archives");
  const same = JSON.stringify(recordedOptions(options)) === JSON.stringify(existing.options);
  if (!same) throw other(`with other options (${JSON.stringify(existing.options)})`);
  onEvent?.({ type: "phase", name: "checking files", total: existing.files.count });
  let done = 0;
  const changed = await changedFiles(outputDir, () => onEvent?.({ type: "phase-progress", done: ++done }), signal);
  if (changed.length > 0) {
    const todo = "prepare it again with --overwrite, or choose another --output-dir";
    const got = `${changed.length} files missing or changed (${changed.slice(0, 3).join(", ")})`;
    throw new MsmaeError("Data", { where: outputDir, expected: "the data set as it was prepared", got, todo });
  }
  if (options.strict) refuseOdd(existing.oddFiles ?? []);
  onEvent?.({ type: "note", message: `${outputDir} holds this data set already; all files are as they were written` });
  return resultOf(existing, outputDir, true);
}

function resultOf(manifest: Manifest, outputDir: string, alreadyPrepared: boolean): PrepareResult {
  const { preset, images, counts, leftOut, oddFiles = [], notes, licence } = manifest;
  const sum = (split: Split) => Object.values(counts[split]).reduce((total, count) => total + count, 0);
  const splits = Object.fromEntries(SPLITS.map((split) => [split, sum(split)])) as Record<Split, number>;
  const path = `${outputDir.replace(/[/\\]+$/, "")}/${MANIFEST_FILE}`;
  return {
    preset,
    outputDir,
    manifest: path,
    images,
    splits,
    counts,
    leftOut,
    oddFiles,
    notes,
    licence,
    alreadyPrepared,
  };
}
