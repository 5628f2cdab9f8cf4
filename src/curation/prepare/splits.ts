import { SPLITS, type Split } from "../../data/split-name.ts";
import { groupedStratifiedSplit } from "../../data/splits/split.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { PlannedImage } from "./types.ts";

/** How the images are shared out. */
export interface SplitOptions {
  seed: number;
  /** Undefined takes the published `val`, or else draws a tenth of train. */
  valSplit: number | undefined;
  /** Undefined takes the published `test`, or else draws a fifth. */
  testSplit: number | undefined;
}

/** An image that has its place. */
export type PlacedImage = PlannedImage & { split: Split };

export interface Placed {
  images: PlacedImage[];
  /** Where each split comes from. */
  origin: Record<Split, "published" | "drawn" | "none">;
}

/**
 * Gives every image its split: published ones stay, missing ones are drawn by class, images of one patient (or lesion,
 * where no patient is named) together. A share asked for `val` joins a published `val` to train and draws it anew.
 *
 * @param images - in an order that does not depend on the order of the archives, for the draw goes by it.
 * @throws MsmaeError Config when a share is asked for a published test split.
 */
export function placeImages(images: readonly PlannedImage[], options: SplitOptions): Placed {
  const { seed, valSplit, testSplit } = options;
  const published = new Set(images.map(({ split }) => split));
  if (published.has("test") && testSplit !== undefined) {
    throw new MsmaeError("Config", {
      where: "testSplit",
      expected: "none, since this data set has a published test split",
      got: `${testSplit}`,
      todo: "leave out --test-split",
    });
  }
  const labels = [...new Set(images.map(({ label }) => label))].sort();
  const samples = images.map((image) => ({
    label: labels.indexOf(image.label),
    path: image.id,
    group: groupOf(image),
    image,
  }));
  const redrawn = valSplit !== undefined;
  const of = (split: Split) => samples.filter(({ image }) => image.split === split);
  const held = { val: redrawn ? [] : of("val"), test: of("test") };
  let train = samples.filter(({ image }) => {
    const split = image.split ?? "train";
    return split === "train" || (redrawn && split === "val");
  });
  const draws = { val: held.val.length === 0, test: published.size === 1 && published.has(undefined) };
  if (draws.test) [train, held.test] = groupedStratifiedSplit(train, testSplit ?? 0.2, seed, "test");
  if (draws.val) [train, held.val] = groupedStratifiedSplit(train, valSplit ?? 0.1, seed, "val");
  const splits = { train, ...held };
  const from = (split: "val" | "test") => (held[split].length === 0 ? "none" : draws[split] ? "drawn" : "published");
  return {
    images: SPLITS.flatMap((split) => splits[split].map(({ image }) => ({ ...image, split }))),
    origin: {
      train: train.length === 0 ? "none" : draws.val || draws.test ? "drawn" : "published",
      val: from("val"),
      test: from("test"),
    },
  };
}

/** What must not be parted: the patient, or else the lesion. */
function groupOf({ patient, lesion }: PlannedImage): string | undefined {
  if (patient !== undefined) return `patient ${patient}`;
  return lesion === undefined ? undefined : `lesion ${lesion}`;
}

/** How many patients or lesions stand in more than one split, as published splits may have it. */
export function groupsInSeveralSplits(images: readonly PlacedImage[]): number {
  const splits = new Map<string, Set<Split>>();
  for (const image of images) {
    const group = groupOf(image);
    if (group === undefined) continue;
    const own = splits.get(group) ?? new Set();
    splits.set(group, own.add(image.split));
  }
  return [...splits.values()].filter((own) => own.size > 1).length;
}
