import { MsmaeError } from "../../support/errors.ts";
import { inParallel } from "../../support/in-parallel.ts";
import type { FileIndex } from "../index/index-cache.ts";
import { BACKGROUND } from "../sample.ts";
import { type ListedFile, type MaskOfImage, masksByClass } from "./listing.ts";

/**
 * Takes away the masks of a class whose masks all outline nothing, as those of normal images do: it is no class of masks.
 * Where that is so of every class, all stays as it is.
 *
 * Of a class that outlines something a few masks are read, of one that does not all are.
 *
 * @returns sentences for people about such classes.
 */
export async function dropEmptyMasks(files: readonly ListedFile[], index: FileIndex): Promise<string[]> {
  const byClass = masksByClass(files);
  byClass.delete(BACKGROUND);
  if (byClass.size < 2) return [];
  const empty = new Set<string>();
  for (const [name, own] of byClass) if (await outlineNothing(own, index)) empty.add(name);
  if (empty.size === 0 || empty.size === byClass.size) return [];
  for (const file of files) {
    file.masks &&= file.masks.filter(({ className }) => className === undefined || !empty.has(className));
  }
  return [...empty].map((name) => `the masks of ${name} outline nothing: it is background to a segmenter`);
}

async function outlineNothing(masks: readonly MaskOfImage[], index: FileIndex): Promise<boolean> {
  let found = false;
  await inParallel(masks, async ({ path, image }) => {
    if (found) return;
    try {
      const areas = await index.labelAreas({ path, kind: "outline" }, "axial", image);
      found ||= areas.some(({ size }) => size > 0);
    } catch (error) {
      // What cannot be read may outline something; who reads it will say why.
      if (!(error instanceof MsmaeError && error.code === "Data")) throw error;
      found = true;
    }
  });
  return !found;
}
