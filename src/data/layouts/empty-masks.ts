import { MsmaeError } from "../../support/errors.ts";
import { inParallel } from "../../support/in-parallel.ts";
import type { FileIndex } from "../index/index-cache.ts";
import { BACKGROUND } from "../sample.ts";
import type { ListedFile } from "./listing.ts";

/**
 * Takes the masks away from files of a class whose masks all outline nothing, as those of normal images do: it is no class
 * of masks. Where that is so of every class, all stays as it is.
 *
 * Of a class that outlines something a few masks are read, of one that does not all are.
 *
 * @returns sentences for people about such classes.
 */
export async function dropEmptyMasks(files: readonly ListedFile[], index: FileIndex): Promise<string[]> {
  const masked = files.filter(({ masks = [] }) => masks.length > 0);
  const byClass = Map.groupBy(masked, ({ className }) => className);
  byClass.delete(BACKGROUND);
  if (byClass.size < 2) return [];
  const empty: (string | undefined)[] = [];
  for (const [name, own] of byClass) if (await outlineNothing(own, index)) empty.push(name);
  if (empty.length === byClass.size) return [];
  for (const name of empty) for (const file of byClass.get(name) ?? []) file.masks = [];
  return empty.map((name) => `the masks of ${name} outline nothing: it is background to a segmenter`);
}

async function outlineNothing(files: readonly ListedFile[], index: FileIndex): Promise<boolean> {
  let found = false;
  await inParallel(files, async ({ path, masks = [] }) => {
    for (const mask of masks) {
      if (found) return;
      try {
        const areas = await index.labelAreas({ path: mask.path, kind: "outline" }, "axial", path);
        found ||= areas.some(({ size }) => size > 0);
      } catch (error) {
        // What cannot be read may outline something; who reads it will say why.
        if (!(error instanceof MsmaeError && error.code === "Data")) throw error;
        found = true;
      }
    }
  });
  return !found;
}
