import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { imagesBelow } from "../data/folders/image-files.ts";
import { countAlong, factsOf } from "../data/index/file-facts.ts";
import { applySliceRule, parseSliceRule } from "../data/pictures/slice-rule.ts";
import { readDicomDir } from "../formats/node/dicomdir.ts";
import type { SliceAxis } from "../formats/source-image.ts";
import { MsmaeError } from "../support/errors.ts";

/** One picture of a file. */
export interface PictureRef {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  item?: number;
}

export interface ListOptions {
  /** Which pictures are taken of files that hold several, a rule of {@link parseSliceRule}. */
  slices: string;
  sliceAxis: SliceAxis;
}

/**
 * The pictures behind what a user names: files, folders (searched through), and DICOMDIR files, which stand for the
 * images they refer to. A file that cannot be looked into, and a folder without images, is listed as one picture:
 * reading it will tell why.
 *
 * @throws MsmaeError Config for a faulty rule, or one that needs a mask; Data where no picture is left.
 */
export async function listPictures(inputs: readonly string[], options: ListOptions): Promise<PictureRef[]> {
  const rule = parseSliceRule(options.slices);
  if (rule.kind === "largest-label") {
    throw new MsmaeError("Config", {
      where: "--slices",
      expected: "a rule that needs no mask",
      got: options.slices,
      todo: "use all, first, middle, every:N or range:FIRST-LAST",
    });
  }
  const pictures: PictureRef[] = [];
  for (const input of inputs) {
    for (const path of await filesOf(input)) {
      const facts = await factsOf(path).catch(() => undefined);
      const count = facts === undefined ? 1 : countAlong(facts, options.sliceAxis);
      if (count <= 1) pictures.push({ path });
      else for (const item of applySliceRule(rule, count)) pictures.push({ path, item });
    }
  }
  if (pictures.length > 0) return pictures;
  throw new MsmaeError("Data", {
    where: "--slices",
    expected: "a rule that takes at least one picture",
    got: `${options.slices}, which takes none`,
    todo: "choose slices that the files have",
  });
}

async function filesOf(input: string): Promise<string[]> {
  const entry = await stat(input).catch(() => undefined);
  if (entry?.isDirectory()) {
    const images = await imagesIn(input);
    return images.length > 0 ? images : [input];
  }
  // A directory file that cannot be used gets its error line when it is read as an image.
  return /^dicomdir$/i.test(basename(input)) && entry ? readDicomDir(input).catch(() => [input]) : [input];
}

/** Image files in a folder and its folders: by their names, or by their content where a name does not tell. */
async function imagesIn(folder: string): Promise<string[]> {
  const { paths, unknown } = await imagesBelow(folder);
  const others = new Set<string>();
  for (const path of unknown) {
    // What cannot be looked into stays, so that reading it tells why.
    const facts = await factsOf(path).catch(() => undefined);
    if (facts && countAlong(facts, "axial") === 0) others.add(path);
  }
  return paths.filter((path) => !others.has(path));
}
