import { MsmaeError } from "../../support/errors.ts";
import { IGNORED } from "../../support/ignored.ts";
import { NO_MASK, type Sample, type SampleMask } from "../sample.ts";
import type { TargetMaker } from "./target-maker.ts";

/** The class of each pixel. */
export interface MaskTarget {
  kind: "mask";
  /**
   * uint8 [B, H, W] with the images' geometry, in the memory of `images`: indices into the data set's classes of masks,
   * 0 for the background, {@link IGNORED} for pixels nobody has judged.
   */
  classes: Uint8Array;
}

export interface MaskTargetOptions {
  kind: "mask";
  /** What pixels are that a warp takes from outside of the image, where there is nothing to see. Default `ignored`. */
  outside?: "ignored" | "background";
}

/** @throws MsmaeError Data when a sample has no masks, not even none, or classes do not fit into a byte. */
export function maskTargets(samples: readonly Sample[]): TargetMaker<MaskTarget> {
  const without = samples.filter(({ masks }) => masks === undefined);
  if (without.length > 0) throw without.length === samples.length ? noMasks(samples) : missingMasks(without, samples);
  const seen = new Set<SampleMask>(samples.flatMap(({ masks = [] }) => masks));
  for (const mask of seen) {
    const classes = "values" in mask ? [...mask.values.values()] : [mask.class];
    const odd = classes.find((index) => !(Number.isInteger(index) && index >= 0 && index <= IGNORED));
    if (odd !== undefined) throw noClass(mask, odd);
  }
  return { of: (_samples, classes) => ({ kind: "mask", classes }) };
}

/** The label of what a warp takes from outside. */
export function labelOutside({ outside = "ignored" }: MaskTargetOptions): number {
  return outside === "ignored" ? IGNORED : 0;
}

function noMasks({ length }: readonly Sample[]): MsmaeError {
  return new MsmaeError("Data", {
    where: "targets",
    expected: "a data set with masks",
    got: `no mask in ${length} images`,
    todo: "give images/ beside masks/, a table with a column mask, or a Decathlon or nnU-Net folder",
  });
}

function missingMasks(without: readonly Sample[], { length }: readonly Sample[]): MsmaeError {
  return new MsmaeError("Data", {
    where: "targets",
    expected: "masks for every sample",
    got: `none for ${without.length} of ${length}, the first of them ${without[0]?.path}`,
    todo: `in a table, name the mask of each, or ${NO_MASK} where there is nothing to outline; or leave these rows out`,
  });
}

function noClass({ path }: SampleMask, index: number): MsmaeError {
  const expected = `classes of masks from 0 to ${IGNORED - 1}`;
  return new MsmaeError("Data", { where: path, expected, got: `${index}`, todo: "join classes" });
}
