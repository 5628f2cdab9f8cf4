import type { LayoutName } from "../../config/checkpoint-layouts.ts";
import type { Normalization } from "../../images/transforms/normalize.ts";

/** Shapes of a file's tensors by key. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** What is known of a file when its layout is looked for. */
export interface Contents {
  /** Without what wraps the model's keys. */
  shapes: Shapes;
  /** What stood before each of the model's keys, such as `module.` or `teacher.backbone.`; often nothing. */
  wrapper: string;
}

/** How another program lays out a vision transformer in a file. */
export interface Layout {
  readonly name: LayoutName;
  /** For messages. */
  readonly title: string;
  /** Whether a file is of this layout. The first that says so is taken. */
  recognises(contents: Contents): boolean;
  /**
   * Our key for one of the file's; undefined for what has no place in our models. Queries, keys and values apart are
   * `attn.q`, `attn.k` and `attn.v`, the scale of a branch `ls1` or `ls2`: `own-form.ts` joins them.
   */
  rename(key: string): string | undefined;
  /** Mean and deviation of pixels that models of this layout are trained with, where nothing beside the file says it. */
  readonly normalization: Normalization;
}

/** Of pixels scaled to [−1, 1], as models that Google published take them. */
export const HALF: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
