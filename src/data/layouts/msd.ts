import { dirname, join, resolve } from "node:path";
import { isFile } from "../../support/files/path-kind.ts";
import { settleNames } from "../tables/spelling.ts";
import type { Description } from "./description.ts";
import { dataError, faultList, type ListedFile, type Listing, type OddFile } from "./listing.ts";

/**
 * A Medical Segmentation Decathlon folder: the pairs that `dataset.json` lists under `training`. Each slice is a sample;
 * its class is the label of the largest area in that slice of the mask, or label 0, the background, where there is none.
 *
 * Cases whose image or label file is not there are left out.
 *
 * @throws MsmaeError Data when labels are missing, or no pair is whole, naming the files that are not there.
 */
export async function listMsd(root: string, description: Description): Promise<Listing> {
  const { path, training = [], test = [], modality = {} } = description;
  if (training.length === 0) {
    const todo = "list the training pairs, or add channel_names and file_ending for nnU-Net";
    throw dataError(path, "pairs under training", "none", todo);
  }
  const numbers = Object.entries(description.labels).map(([number, name]): [number, string] => [
    Number(number),
    `${name}`,
  ]);
  const labels = orderedLabels(path, numbers);
  const leftOut: OddFile[] = [];
  const files: ListedFile[] = [];
  for (const [at, pair] of training.entries()) {
    const { image, label } = typeof pair === "string" ? { image: pair, label: undefined } : pair;
    if (label === undefined) {
      leftOut.push({ path: resolve(root, image), reason: `training[${at}] has no label` });
      continue;
    }
    const [file, mask] = [await imageOf(resolve(root, image)), resolve(root, label)];
    if (!(await isFile(file))) leftOut.push({ path: file, reason: "no such file" });
    else if (!(await isFile(mask))) leftOut.push({ path: file, reason: `no label file ${mask}` });
    else files.push({ path: file, masks: [{ path: mask }] });
  }
  if (files.length === 0) throw noPairs(path, leftOut);
  const notices = backgroundNotice(labels.classNames);
  if (test.length > 0) notices.push(`${test.length} images under "test" have no labels and were left out`);
  const channels = Object.values(modality);
  if (channels.length > 1) notices.push(channelNotice(channels));
  return { layout: "msd", root, ...labels, files, onDisk: [], ignoredFiles: 0, notices, leftOut };
}

// nnU-Net's first version lists images without the channel's number that their files bear.
async function imageOf(path: string): Promise<string> {
  if (await isFile(path)) return path;
  const numbered = join(dirname(path), path.slice(dirname(path).length + 1).replace(/(\.nii(\.gz)?)$/i, "_0000$1"));
  return (await isFile(numbered)) ? numbered : path;
}

/** Class names in the order of their numbers, and which number of a mask is which class. */
export function orderedLabels(
  where: string,
  numbers: readonly [number, string][],
): Required<Pick<Listing, "classNames" | "maskClasses" | "maskValues">> {
  const sorted = [...numbers].sort(([a], [b]) => a - b);
  const odd = sorted.find(([number]) => !Number.isInteger(number) || number < 0);
  if (odd || sorted[0]?.[0] !== 0) {
    const got = odd ? `${odd[1]}: ${odd[0]}` : "no label 0";
    throw dataError(`labels of ${where}`, "whole numbers from 0, the background", got, "correct the labels");
  }
  const spellings = new Map(sorted.map(([number, name]) => [name, { count: 1, place: `label ${number}` }]));
  const { faults } = settleNames("class", spellings, { merge: false });
  if (spellings.size < sorted.length) faults.push("one name for several labels");
  if (faults.length > 0) {
    throw dataError(`labels of ${where}`, "a name for each label", faultList(faults), "correct the labels");
  }
  const maskValues = new Map(sorted.map(([number], at) => [number, at]));
  const classNames = sorted.map(([, name]) => name);
  return { classNames, maskClasses: classNames, maskValues };
}

/** The error for a set none of whose cases is whole. */
export function noPairs(where: string, odd: readonly OddFile[]): Error {
  const got = faultList(odd.map(({ path, reason }) => `${path}: ${reason}`)) || "none";
  return dataError(where, "an image and a label file for each case", got, "add the files, or take them off the list");
}

export function backgroundNotice([background]: readonly string[]): string[] {
  return [`a slice's class is the largest labelled area of its mask, or ${background} where nothing is labelled`];
}

export function channelNotice(names: readonly (string | number)[]): string {
  return `of ${names.length} channels the first one (${names[0]}) is read, the others were left out`;
}
