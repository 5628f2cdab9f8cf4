import type { SegmentOptions } from "../../config/index.ts";
import { ImageLoader } from "../../data/loader/loader.ts";
import { picturesOfMaskClasses } from "../../data/targets/pictures-of-classes.ts";
import { parseWindow } from "../../images/window-rule.ts";
import { MsmaeError } from "../../support/errors.ts";
import type { RunHooks } from "../../support/events.ts";
import { IGNORED } from "../../support/ignored.ts";
import { openData, type RunData } from "../setup.ts";

/**
 * Scans a data set with masks.
 *
 * @throws MsmaeError Data where images have no masks, or the training masks outline nothing or everything, or the number of
 * classes is another than asked for.
 */
export async function openMaskedData(options: SegmentOptions, hooks: RunHooks): Promise<RunData> {
  const { dataPath, numClasses } = options;
  // Of pictures as a whole there may be one class.
  const data = await openData({ ...options, numClasses: undefined }, hooks, { oneClass: true });
  const { splits } = data.folder;
  const samples = [...splits.train, ...splits.val, ...splits.test];
  const without = samples.filter(({ masks }) => masks === undefined);
  if (without.length > 0) {
    throw new MsmaeError("Data", {
      where: dataPath,
      expected: "a mask for every image",
      got: `none for ${without.length} of ${samples.length}, the first of them ${without[0]?.path}`,
      todo: "give a CSV file with a column mask, images/ beside masks/, or an MSD or nnU-Net folder (docs/data.md)",
    });
  }
  const classes = data.folder.maskClasses ?? [];
  if (numClasses !== undefined && numClasses !== classes.length) {
    throw new MsmaeError("Data", {
      where: dataPath,
      expected: `masks of ${numClasses} classes (--num-classes, the background included)`,
      got: `${classes.length}: ${classes.join(", ")}`,
      todo: "correct --num-classes or the masks",
    });
  }
  const counts = await outlinedPictures(data, options);
  const outlined = Object.entries(counts).slice(1);
  const oneSided = (expected: string, got: string) =>
    new MsmaeError("Data", {
      where: `training masks of ${dataPath}`,
      expected: `pixels of ${expected} in ${splits.train.length} images`,
      got,
      todo: "check that the masks belong to these images, and their values",
    });
  if (outlined.every(([, count]) => count === 0)) {
    const got = classes.length < 2 ? `one class of pixels only (${classes.join() || "none"})` : "masks without any";
    throw oneSided("at least one class beside the background", got);
  }
  const shown = outlined.filter(([, count]) => count === splits.train.length).map(([name]) => name);
  if (shown.length === 1 && (await fillsImages(data, options))) {
    throw oneSided("at least two classes", `one class of pixels only (${shown.join()})`);
  }
  const missing = outlined.filter(([, count]) => count === 0).map(([name]) => name);
  if (missing.length > 0) {
    hooks.onEvent?.({
      type: "warning",
      message: `no training image has pixels of ${missing.join(", ")}: it cannot be learned`,
    });
  }
  return data;
}

/** The classes of the masks, the background first. */
export function maskClassesOf({ folder: { maskClasses } }: RunData): string[] {
  if (maskClasses) return maskClasses;
  throw new Error("a data set that was opened for its masks has none");
}

/**
 * Whether a class that every training image shows leaves no pixel of them to another; most often the first image tells that
 * it does.
 */
async function fillsImages({ folder }: RunData, { window, sliceAxis, alpha }: SegmentOptions): Promise<boolean> {
  const reading = { window: parseWindow(window), sliceAxis, alpha };
  const target = { kind: "mask" } as const;
  const small = { inputHeight: 1, inputWidth: 1, channels: 1 } as const;
  const how = { ...small, reading, target, workers: 0, strict: false, cacheMb: 0 };
  await using loader = new ImageLoader(folder.splits.train, how);
  let only: number | undefined;
  for await (const batch of loader.inOrder({ batchSize: 1, originals: true })) {
    for (const label of batch.originals[0]?.classes ?? []) {
      if (label === IGNORED) continue;
      only ??= label;
      if (label !== only) return false;
    }
    batch.release();
  }
  return only !== undefined;
}

/** Training images that show each class of pixels, by its name. */
export async function outlinedPictures(
  { folder: { splits, maskClasses = [], index } }: RunData,
  { sliceAxis }: Pick<SegmentOptions, "sliceAxis">,
): Promise<Record<string, number>> {
  const counts = await picturesOfMaskClasses(splits.train, maskClasses.length, { index, sliceAxis });
  return Object.fromEntries(maskClasses.map((name, k) => [name, counts[k] as number]));
}
