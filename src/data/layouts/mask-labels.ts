import { MsmaeError } from "../../support/errors.ts";
import type { FileIndex } from "../index/index-cache.ts";
import { BACKGROUND, LIGHT } from "../sample.ts";
import { relativeName } from "../splits/split-table.ts";
import { type ListedFile, type MaskOfImage, masksByClass } from "./listing.ts";

/** At most this many masks of a class are looked at, evenly spread. */
const LOOKED_AT = 16;
/** At most this many values are named. */
const NAMED = 8;
/** What many programs write for pixels that do not count, beside the numbers of classes. */
const IGNORE_VALUE = 255;

/**
 * Sentences for people about masks of one class that look as if their values were the numbers of several: a few masks of
 * each class are read.
 */
export async function severalValues(
  files: readonly ListedFile[],
  { index, root }: { index: FileIndex; root: string },
): Promise<string[]> {
  const sentences: string[] = [];
  const byClass = masksByClass(files);
  byClass.delete(BACKGROUND);
  for (const [name, masks] of byClass) {
    const found = await firstOfLabels(masks, index);
    if (found) sentences.push(sentenceOf(relativeName(root, found.path), found.values, name));
  }
  return sentences;
}

async function firstOfLabels(
  masks: readonly MaskOfImage[],
  index: FileIndex,
): Promise<{ path: string; values: number[] } | undefined> {
  const step = Math.max(1, masks.length / LOOKED_AT);
  for (let at = 0; at < masks.length; at += step) {
    const mask = masks[Math.floor(at)] as MaskOfImage;
    const values = await valuesOf(mask, index);
    if (areLabels(values)) return { path: mask.path, values };
  }
  return;
}

/** The values of a mask, from the least; none where it cannot be read, which is for its reader to say. */
async function valuesOf({ path, image }: MaskOfImage, index: FileIndex): Promise<number[]> {
  try {
    const areas = await index.labelAreas({ path, kind: "outline" }, "axial", image);
    return [...new Set(areas.flatMap((area) => [...area.keys()]))].sort((a, b) => a - b);
  } catch (error) {
    if (error instanceof MsmaeError && error.code === "Data") return [];
    throw error;
  }
}

/** Outlines have light values, of many kinds where they were resized or saved as JPEG. */
function areLabels(values: readonly number[]): boolean {
  const small = values.filter((value) => value < LIGHT);
  const light = values.filter((value) => value >= LIGHT);
  return small.length > 1 && light.every((value) => value === IGNORE_VALUE);
}

function sentenceOf(mask: string, values: readonly number[], name: string): string {
  const shown = values.slice(0, NAMED).join(", ") + (values.length > NAMED ? ", …" : "");
  const counted = values.includes(IGNORE_VALUE) ? `only ${IGNORE_VALUE} counts` : "all count";
  return (
    `${mask} holds the values ${shown}: ${counted} as ${name}; for a class of each value list the masks in a ` +
    "dataset.json, or give each class its own mask (docs/data/datasets.md)"
  );
}
