import { openImageFile } from "../../formats/node/open-image-file.ts";
import type { SliceAxis } from "../../formats/source-image.ts";
import { messageOf } from "../../support/errors.ts";
import { IGNORED } from "../../support/ignored.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { countAlong, isSinglePicture } from "../index/file-facts.ts";
import type { FileIndex } from "../index/index-cache.ts";
import type { LabelAreas } from "../index/label-areas.ts";
import { dataError, faultList, type ListedFile, type Listing, type OddFile } from "../layouts/listing.ts";
import type { Sample, SampleMask } from "../sample.ts";
import type { Split } from "../split-name.ts";
import { groupsOf } from "./groups.ts";
import { applySliceRule, type SliceRule } from "./slice-rule.ts";

/** A sample and the split that the data set names for it. */
export interface ListedSample {
  sample: Sample;
  split: Split | undefined;
}

export interface PictureOptions {
  rule: SliceRule;
  sliceAxis: SliceAxis;
  /** Tell whose pictures they are. */
  grouped: boolean;
  index: FileIndex;
}

/** What {@link samplesOf} makes of listed files. */
export interface Pictures {
  samples: ListedSample[];
  groupedBy: "patient_id" | "lesion_id" | undefined;
  /** Files whose mask cannot be read, does not fit, or is missing where the rule needs it. */
  leftOut: OddFile[];
}

/**
 * The samples of listed files: each picture that the rule takes of files that hold several, with its class and group.
 *
 * @throws MsmaeError Data when a slice is named that a file has not, every file is left out, or most have
 * labels without a name.
 */
export async function samplesOf(
  listing: Listing,
  { rule, sliceAxis, grouped, index }: PictureOptions,
): Promise<Pictures> {
  const { files } = listing;
  const labels = new Map(listing.classNames.map((name, at) => [name, at]));
  const counts = new Uint32Array(files.length).fill(1);
  const patients = new Map<number, string>();
  const areas = new Map<number, LabelAreas>();
  const odd = new Map<number, OddFile>();
  let strangers = 0;
  await inParallel(files, async (file, at) => {
    if (!isSinglePicture(file.path)) {
      const facts = await index.facts(file.path);
      counts[at] = countAlong(facts, sliceAxis);
      if (facts.patient) patients.set(at, facts.patient);
      if (await isDamaged(file, counts[at] as number)) counts[at] = (file.item as number) + 1;
    }
    const several = (counts[at] as number) > 1 && file.item === undefined;
    if (file.className !== undefined && !(several && rule.kind === "largest-label")) return;
    try {
      const found = await areasOf(file, counts[at] as number, sliceAxis, index);
      const stranger = unnamedLabel(file, found, listing);
      if (stranger) {
        strangers++;
        throw stranger;
      }
      areas.set(at, found);
      // Further channels follow as further volumes; the mask outlines the first.
      counts[at] = found.length;
    } catch (error) {
      odd.set(at, { path: file.path, reason: messageOf(error) });
    }
  });
  const leftOut = [...odd].sort(([a], [b]) => a - b).map(([, file]) => file);
  // Then it is the names that are wrong, and what is left would be the images with nothing on them.
  const misnamed = 2 * strangers > files.length;
  if (misnamed || (leftOut.length > 0 && leftOut.length === files.length)) throw onlyOddMasks(listing.root, leftOut);
  const named = grouped ? groupsOf(files, patients) : { groups: [], groupedBy: undefined };
  const samples: ListedSample[] = [];
  const masksOf = masksNamed(listing);
  for (const [at, file] of files.entries()) {
    if (odd.has(at)) continue;
    const { path, split, className, values } = file;
    const masks = masksOf(file);
    const count = counts[at] as number;
    const slices = areas.get(at);
    const group = named.groups[at];
    for (const item of itemsOf(file, count, rule, slices, listing)) {
      const label =
        className !== undefined ? labels.get(className) : classOfSlice(slices?.[item ?? 0], listing.maskValues);
      const sample: Sample = { path, label: label as number };
      if (item !== undefined) sample.item = item;
      if (values !== undefined) sample.values = values;
      if (group !== undefined) sample.group = group;
      if (masks !== undefined) sample.masks = masks;
      samples.push({ sample, split });
    }
  }
  return { samples, groupedBy: named.groupedBy, leftOut };
}

/** The masks of a file's pictures, which share them, with their classes by number. */
function masksNamed({ maskClasses = [], maskValues, unjudged }: Listing) {
  const numbers = new Map(maskClasses.map((name, at) => [name, at]));
  const values = new Map([...(maskValues ?? []), ...[...(unjudged ?? [])].map((value) => [value, IGNORED] as const)]);
  return ({ masks }: ListedFile): readonly SampleMask[] | undefined =>
    masks?.map(({ className, ...mask }) =>
      className === undefined ? { ...mask, values } : { ...mask, class: numbers.get(className) as number },
    );
}

async function areasOf(file: ListedFile, count: number, axis: SliceAxis, index: FileIndex): Promise<LabelAreas> {
  const { path, masks } = file;
  const [mask] = masks ?? [];
  if (mask === undefined) throw dataError(path, "a mask, for --slices largest-label", "none", "choose another rule");
  const kind = mask.className === undefined ? "labels" : "outline";
  const areas = await index.labelAreas({ path: mask.path, kind }, axis, path);
  if (areas.length > 0 && count % areas.length === 0) return areas;
  const got = `${areas.length} in ${mask.path}`;
  throw dataError(path, `a mask of ${count} slices, as many as the image has`, got, "correct the pair of files");
}

/** The error for a label without a name, whose pixels would pass for background; most often its description is wrong. */
function unnamedLabel(file: ListedFile, areas: LabelAreas, { maskValues, unjudged }: Listing): Error | undefined {
  if (maskValues === undefined) return undefined;
  for (const [slice, area] of areas.entries()) {
    for (const [value, pixels] of area) {
      if (maskValues.has(value) || unjudged?.has(value)) continue;
      const got = `${value}, in ${pixels} pixels of slice ${slice}`;
      const expected = `labels that have a name (${[...maskValues.keys()].join(", ")})`;
      const todo = "name the label in dataset.json, or correct the mask";
      return dataError(file.masks?.[0]?.path ?? file.path, expected, got, todo);
    }
  }
  return undefined;
}

/** Whether a file does not have the slice that is asked of it because it cannot be opened: reading it will say why. */
async function isDamaged({ item, path }: ListedFile, count: number): Promise<boolean> {
  if (item === undefined || item < count) return false;
  return openImageFile(path).then(
    () => false,
    () => true,
  );
}

function onlyOddMasks(root: string, odd: readonly OddFile[]): Error {
  const got = faultList(odd.map(({ reason }) => reason));
  return dataError(`masks of ${root}`, "readable masks that fit their images", got, "correct these files");
}

/** The pictures that a file gives: numbers where it holds several, else one without a number. */
function itemsOf(
  file: ListedFile,
  count: number,
  rule: SliceRule,
  areas: LabelAreas | undefined,
  { root }: Listing,
): (number | undefined)[] {
  const { item, path } = file;
  if (item !== undefined) {
    if (item < count) return [count > 1 ? item : undefined];
    const where = relativeTo(root, path);
    throw dataError(where, `a slice from 0 to ${count - 1}`, `${item}`, "correct the slice in the CSV file");
  }
  if (count <= 1) return [undefined];
  return applySliceRule(rule, count, areas?.map(totalOf));
}

function relativeTo(root: string, path: string): string {
  return path.startsWith(root) ? path.slice(root.length + 1) : path;
}

function totalOf(area: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const pixels of area.values()) total += pixels;
  return total;
}

/** The class of the largest labelled area; 0, the background, where nothing is labelled. */
function classOfSlice(
  area: ReadonlyMap<number, number> | undefined,
  values: ReadonlyMap<number, number> | undefined,
): number {
  let best = 0;
  let most = 0;
  for (const [value, pixels] of area ?? []) {
    const label = values?.get(value);
    if (label === undefined || pixels < most || (pixels === most && label > best)) continue;
    [best, most] = [label, pixels];
  }
  return best;
}
