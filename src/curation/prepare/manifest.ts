import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PresetName } from "../../config/verbs/data-prepare.ts";
import { SPLITS, type Split } from "../../data/split-name.ts";
import { csvLine } from "../../data/tables/csv.ts";
import { writeFault } from "../../support/files/atomic-file.ts";
import { packageVersion } from "../../support/version.ts";
import type { OutputImage } from "./layout.ts";
import type { LeftOut, OddFile } from "./types.ts";
import type { WrittenFile } from "./write-file.ts";

/** An archive that a data set was made of. */
export interface ArchiveRecord {
  name: string;
  kind: string;
  bytes: number;
  /** For a folder over the names and contents of its files. */
  sha256: string;
}

/** How many of what was left out, and why. */
export interface LeftOutCount {
  reason: string;
  count: number;
}

export type ClassCounts = Record<Split, Record<string, number>>;

/** What `manifest.json` says. The same archives and options give the same file, byte by byte. */
export interface Manifest {
  preset: PresetName;
  title: string;
  source: string;
  licence: string;
  citation: string;
  version: string;
  options: { seed: number; valSplit?: number; testSplit?: number; window?: string; encoding?: string };
  archives: ArchiveRecord[];
  layout: "folders" | "segmentation";
  /** What 255 means in the masks, where there are masks. */
  maskMeaning?: string;
  splitOrigin: Record<Split, "published" | "drawn" | "none">;
  images: number;
  counts: ClassCounts;
  /** The whole list stands in left-out.csv. */
  leftOut: LeftOutCount[];
  /** Files with a fault of their own, each with what became of it. Sets of earlier releases have no such list. */
  oddFiles?: OddFile[];
  notes: string[];
  /** Files beside the manifest; SHA256SUMS has a line for each of them (`sha256sum -c SHA256SUMS`). */
  files: { count: number; bytes: number; sums: "SHA256SUMS"; sha256: string };
}

export const MANIFEST_FILE = "manifest.json";
export const SUMS_FILE = "SHA256SUMS";

/** Images of each class in each split; every class stands in every split. */
function countClasses(images: readonly OutputImage[]): ClassCounts {
  const labels = [...new Set(images.map(({ label }) => label))].sort();
  const none = () => Object.fromEntries(labels.map((label) => [label, 0]));
  const counts: ClassCounts = { train: none(), val: none(), test: none() };
  for (const { split, label } of images) counts[split][label] = (counts[split][label] ?? 0) + 1;
  return counts;
}

/** How often each kind of reason occurs, most frequent first. */
function countReasons(leftOut: readonly LeftOut[]): LeftOutCount[] {
  const counts = new Map<string, number>();
  for (const { reason, kind = reason } of leftOut) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
}

/**
 * Writes the tables and the manifest of a data set, the manifest last.
 *
 * @throws MsmaeError Data when a file cannot be written.
 */
export async function writeRecords(
  root: string,
  images: readonly OutputImage[],
  leftOut: readonly LeftOut[],
  files: readonly WrittenFile[],
  manifest: Omit<Manifest, "version" | "images" | "counts" | "leftOut" | "files">,
): Promise<Manifest> {
  const tables = [await writeText(root, "dataset.csv", datasetCsv(images))];
  if (leftOut.length > 0) tables.push(await writeText(root, "left-out.csv", leftOutCsv(leftOut)));
  const all = [...files, ...tables].sort((a, b) => (a.path < b.path ? -1 : 1));
  const sums = await writeText(root, SUMS_FILE, all.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(""));
  const bytes = all.reduce((sum, file) => sum + file.bytes, 0);
  const whole: Manifest = {
    ...manifest,
    version: packageVersion,
    images: images.length,
    counts: countClasses(images),
    leftOut: countReasons(leftOut),
    files: { count: all.length, bytes, sums: SUMS_FILE, sha256: sums.sha256 },
  };
  await writeText(root, MANIFEST_FILE, `${JSON.stringify(whole, undefined, 2)}\n`);
  return whole;
}

function datasetCsv(images: readonly OutputImage[]): string {
  const optional = {
    patient_id: (image: OutputImage) => image.patient,
    lesion_id: (image: OutputImage) => image.lesion,
    mask: (image: OutputImage) => image.maskPath,
  };
  const titles = [...new Set(images.flatMap(({ further = {} }) => Object.keys(further)))];
  const further = titles.map((title) => [title, (image: OutputImage) => image.further?.[title]] as const);
  const used = [...Object.entries(optional), ...further].filter(([, read]) =>
    images.some((image) => read(image) !== undefined),
  );
  const order = new Map(SPLITS.map((split, at) => [split, at]));
  const sorted = images.toSorted(
    (a, b) => (order.get(a.split) ?? 0) - (order.get(b.split) ?? 0) || (a.path < b.path ? -1 : 1),
  );
  const rows = sorted.map((image) => [
    image.path,
    image.label,
    image.split,
    ...used.map(([, read]) => read(image) ?? ""),
  ]);
  return [["path", "label", "split", ...used.map(([name]) => name)], ...rows].map(csvLine).join("");
}

function leftOutCsv(leftOut: readonly LeftOut[]): string {
  return [["name", "reason"], ...leftOut.map(({ name, reason }) => [name, reason])].map(csvLine).join("");
}

async function writeText(root: string, path: string, text: string): Promise<WrittenFile> {
  const bytes = Buffer.from(text);
  await writeFile(join(root, path), bytes).catch((error: unknown) => {
    throw writeFault(join(root, path), error);
  });
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}
