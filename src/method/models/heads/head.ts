import type { Value } from "../../../engine/graph/types.ts";
import type { BatchNormMode } from "../../../engine/layers/convolution.ts";
import type { ParameterSpec, Parameters } from "../../../engine/parameters/specs.ts";

/** What a head is made for. */
export interface HeadShape {
  /** Channels of the features that it reads. */
  features: number;
  /** Channels within it. */
  width: number;
  /** Values that it says of each pixel. */
  outputs: number;
}

/** Turns features of a grid of patches into logits of pixels. */
export interface SegmentationHead {
  /** The tensors, under the keys of the method's published program. */
  specs(prefix: string, shape: HeadShape): ParameterSpec[];
  /** Features [B, D, h, w] to logits [B, outputs, H, W]; the size is the head's own. */
  forward(features: Value, p: Parameters, prefix: string, mode: BatchNormMode): Value;
}
