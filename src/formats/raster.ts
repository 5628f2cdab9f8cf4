import type { PixelSpacing } from "./source-image.ts";

/** An image of 8-bit samples, rows from the top, channels interleaved: `pixels` is [height, width, channels]. */
export interface RasterImage {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
  /** [height, width], 1 where the source has no measurement and the pixel is shown black; absent where there is none. */
  unmeasured?: Uint8Array;
  /** How large the pixels are in the body, where the file says so. */
  spacing?: PixelSpacing;
}
