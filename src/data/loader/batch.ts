import type { Geometry } from "../../geometry/geometry.ts";
import type { Target } from "../targets/target.ts";
import type { OriginalPixels } from "./sample-reader.ts";

/** Images of one step, in the order of the epoch. */
export interface Batch {
  /** Position in the epoch, counted from 0. */
  batch: number;
  /** [B] indices into the loader's samples. */
  indices: Uint32Array;
  /** [B] how often the sample stood earlier in the epoch's order: above 0 only where classes are balanced. */
  repeats: Uint32Array;
  /** Of the kind that the loader was asked for; {@link targetOf} takes it as one kind. */
  target: Target;
  /** uint8 [B, H, W, C] in shared memory: cropped, resized, mirrored and augmented, not normalised. */
  images: Uint8Array;
  /** [B] uint8 [H, W] to 255 each: how much of each pixel was measured, where the loader was asked and not all was. */
  coverages: (Uint8Array | undefined)[];
  /** [B] each image as its file has it, where the epoch was asked for it. */
  originals: (OriginalPixels | undefined)[];
  /** [B] */
  geometries: Geometry[];
  /** [B] */
  paths: string[];
  /** [B] what may not be parted, by its name: patient, lesion or file ({@link groupKey}). Draws of images are draws of these. */
  groups: string[];
  /**
   * Gives the memory of `images`, and of the classes of their pixels, back for a later batch: they must not be used after. Optional, but without it the
   * memory waits for the garbage collector, which sees little reason to hurry.
   */
  release(): void;
}
