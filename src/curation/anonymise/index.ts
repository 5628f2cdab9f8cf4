import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type DataAnonymiseInput, type DataAnonymiseOptions, resolveOptions, verbs } from "../../config/index.ts";
import { walk } from "../../data/folders/walk.ts";
import { looksLikeDicom } from "../../formats/dicom/file.ts";
import { formatTag } from "../../formats/dicom/tags.ts";
import { DEFAULT_LIMITS } from "../../formats/limits.ts";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { writeFault, writeFileAtomic } from "../../support/files/atomic-file.ts";
import { namedFiles, OutputFolder, type ResultKind } from "../../support/files/output-folder.ts";
import { readRegular } from "../../support/files/regular-file.ts";
import { type AnonymisedFile, anonymiseBytes, type FileOptions } from "./file.ts";
import { Pseudonyms } from "./pseudonyms.ts";

/** Why a file was not written. */
export interface AnonymiseSkip {
  path: string;
  reason: string;
}

export interface AnonymiseResult {
  outputDir: string;
  /** Files found. */
  files: number;
  written: number;
  patients: number;
  studies: number;
  series: number;
  /** Files that are no DICOM images: other formats, DICOMDIR. */
  leftOut: AnonymiseSkip[];
  /** DICOM files that could not be read to their end; nothing of them was written. */
  failed: AnonymiseSkip[];
  /** Files of the output in which something may still tell who the patient is, with the reason. */
  review: AnonymiseSkip[];
}

const HEAD_BYTES = 132;

const copies: ResultKind = {
  name: "anonymised copies",
  earlier: namedFiles(/^patient-[0-9a-f]+\/study-[0-9a-f]+\/series-[0-9a-f]+\/image-[0-9a-f]+(-\d+)?\.dcm$/, {
    deep: true,
  }),
  // Who gives the folder away gives away all of it.
  alone: true,
};

/**
 * Writes copies of DICOM files without the identity of patients, staff and places, by the standard's basic profile.
 * Names of folders and files are made anew. Pixel data stay as they are, byte by byte: text in them is warned of.
 *
 * The copies take their place in the folder together, when all are written.
 *
 * @throws MsmaeError Config where options or folders do not fit together, Data where the inputs hold no DICOM file or the
 * folder is not empty or in use, and Interrupted when the signal fires.
 * Source: DICOM PS3.15 annex E, table E.1-1.
 */
export async function anonymiseDicom(
  input: DataAnonymiseInput | DataAnonymiseOptions,
  hooks: RunHooks = {},
): Promise<AnonymiseResult> {
  const { inputs, key, keep, overwrite, ...options } = resolveOptions(verbs.dataAnonymise, input);
  const outputDir = resolve(options.outputDir);
  await checkFolders(inputs, outputDir);
  const paths = await filesOf(inputs);
  const given: FileOptions = {
    options: new Set(keep),
    pseudonyms: new Pseudonyms(key),
    decodedBytes: Math.min(DEFAULT_LIMITS.decodedBytes, DEFAULT_LIMITS.packedBytes),
  };
  const claim = { verb: "data anonymise", kind: copies, overwrite, onEvent: hooks.onEvent };
  await using folder = await OutputFolder.claim(outputDir, claim);
  const result = { outputDir, files: paths.length, written: 0, leftOut: [], failed: [], review: [] };
  const run: Run = {
    result,
    given,
    folder,
    names: new Set(),
    patients: new Set(),
    studies: new Set(),
    series: new Set(),
  };
  hooks.onEvent?.({ type: "phase", name: "anonymise", total: paths.length });
  for (const [at, path] of paths.entries()) {
    if (hooks.signal?.aborted) throw interrupted(outputDir, result.written);
    await one(path, run);
    hooks.onEvent?.({ type: "phase-progress", done: at + 1 });
  }
  const { leftOut, failed, review } = run.result;
  if (run.result.written === 0) throw nothing(inputs, leftOut, failed);
  await folder.publish();
  if (review.length > 0) {
    hooks.onEvent?.({
      type: "warning",
      message: `${review.length} files may still tell who the patient is: look at them before they are given away`,
    });
  }
  return {
    ...run.result,
    patients: run.patients.size,
    studies: run.studies.size,
    series: run.series.size,
  };
}

interface Run {
  result: Omit<AnonymiseResult, "patients" | "studies" | "series">;
  given: FileOptions;
  folder: OutputFolder;
  /** Names of copies that are taken, below the output folder. */
  names: Set<string>;
  /** Folders of each kind. */
  patients: Set<string>;
  studies: Set<string>;
  series: Set<string>;
}

async function one(path: string, run: Run): Promise<void> {
  const { leftOut, failed, review } = run.result;
  try {
    const bytes = await readRegular(path, DEFAULT_LIMITS.fileBytes);
    if (!looksLikeDicom(bytes.subarray(0, HEAD_BYTES))) {
      leftOut.push({ path, reason: "no DICOM file" });
      return;
    }
    const file = anonymiseBytes(bytes, path, run.given);
    if (file === undefined) {
      leftOut.push({ path, reason: "a DICOMDIR: its entries hold names and point to the old files" });
      return;
    }
    const name = outputName(file, run);
    const place = run.folder.at(name);
    await mkdir(dirname(place), { recursive: true }).catch((error: unknown) => {
      throw writeFault(dirname(place), error);
    });
    await writeFileAtomic(place, file.chunks);
    run.result.written++;
    const output = join(run.result.outputDir, name);
    const named = file.revealing.map((tag) => `${formatTag(tag)} held the patient's name or ID and was replaced`);
    for (const reason of [...file.risks, ...named]) review.push({ path: output, reason });
  } catch (error) {
    // A full disk ends the run; a file that cannot be read does not.
    if (!(error instanceof MsmaeError)) failed.push({ path, reason: messageOf(error) });
    else if (error.parts.where === path) failed.push({ path, reason: reasonOf(error) });
    else throw error;
  }
}

function reasonOf({ parts }: MsmaeError): string {
  return `expected ${parts.expected}, got ${parts.got}; ${parts.todo}`;
}

// patient/study/series/image, of hashes: the old names may tell, and running numbers would give away their order.
function outputName({ identity, sopInstance }: AnonymisedFile, run: Run): string {
  const { pseudonyms } = run.given;
  const { patient, study, series } = identity;
  const patientFolder = `patient-${pseudonyms.name("patient", patient)}`;
  const studyFolder = join(patientFolder, `study-${pseudonyms.name("study", study, 8)}`);
  const seriesFolder = join(studyFolder, `series-${pseudonyms.name("series", series, 8)}`);
  run.patients.add(patientFolder);
  run.studies.add(studyFolder);
  run.series.add(seriesFolder);
  const stem = join(seriesFolder, `image-${pseudonyms.name("image", sopInstance)}`);
  let path = `${stem}.dcm`;
  for (let copy = 2; run.names.has(path); copy++) path = `${stem}-${copy}.dcm`;
  run.names.add(path);
  return path;
}

async function checkFolders(inputs: readonly string[], outputDir: string): Promise<void> {
  const fail = (got: string, todo: string): never => {
    throw new MsmaeError("Config", {
      where: "--output-dir",
      expected: "a new or empty folder apart from the originals",
      got,
      todo,
    });
  };
  const output = await realPathOf(outputDir);
  for (const input of inputs) {
    const real = await realPathOf(resolve(input));
    if (isWithin(output, real)) fail(`${outputDir}, in ${input}`, "originals are never overwritten: choose another");
    if (isWithin(real, output)) fail(`${outputDir}, which holds ${input}`, "choose another folder");
  }
}

/** The real path of what exists of a path, with the rest behind it. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** All files of the inputs, each once. */
async function filesOf(inputs: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const input of inputs) {
    const path = resolve(input);
    const facts = await stat(path).catch(() => {
      throw new MsmaeError("Data", {
        where: input,
        expected: "a file or folder",
        got: "none",
        todo: "correct the path",
      });
    });
    if (!facts.isDirectory()) {
      found.add(path);
      continue;
    }
    // What is no file, or a link that leads nowhere, is told as one that could not be read.
    await walk(path, { passOver: () => false, onEntry: (entry) => found.add(entry.path) });
  }
  return [...found].sort();
}

function nothing(
  inputs: readonly string[],
  leftOut: readonly AnonymiseSkip[],
  failed: readonly AnonymiseSkip[],
): MsmaeError {
  const [first] = failed;
  const got = first ? `${failed.length} unreadable ones (${first.reason})` : `${leftOut.length} files that are none`;
  return new MsmaeError("Data", {
    where: inputs.join(", "),
    expected: "DICOM files",
    got,
    todo: "name files or folders of DICOM images",
  });
}

function interrupted(outputDir: string, written: number): MsmaeError {
  return new MsmaeError("Interrupted", {
    where: outputDir,
    expected: "to anonymise all files",
    got: `a request to stop after ${written}`,
    todo: "start again; nothing was left behind",
  });
}
