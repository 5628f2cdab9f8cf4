import type { AlphaRule, NumericArray } from "./source-image.ts";
import type { TiffPage } from "./tiff-directory.ts";

/** Formats that the machine's own decoder reads for us. */
export type PictureFormat = "PNG" | "JPEG" | "WebP" | "GIF" | "TIFF";

/** A picture in memory. */
export interface PictureSamples {
  width: number;
  height: number;
  channels: 1 | 3;
  /** [height, width, channels]. */
  values: NumericArray;
}

/** What becomes of transparency. */
export interface TransparencyPlan {
  alpha: AlphaRule;
  /** What stands behind transparent pixels and is wanted, where the decoder does not tell. */
  hidden: readonly [number, number, number] | undefined;
}

/** A picture whose header has been read. */
export interface OpenedPicture {
  /** Of the file; undefined where the decoder does not tell. */
  pages: number | undefined;
  /** Plain JSON values. */
  header: Record<string, unknown>;
  /**
   * Upright, palettes expanded, colour profiles ignored, inks turned to colours. Samples of 8 and 16 unsigned bits are
   * levels of a picture, others as they are stored.
   */
  decode(plan: TransparencyPlan): Promise<PictureSamples>;
}

/** The machine's own decoder of pictures. */
export interface PictureDecoder {
  /** Whether it reads this page of a TIFF file better than ours. @throws Error where neither can read it. */
  prefersTiff(page: TiffPage, alpha: AlphaRule): boolean;
  /**
   * @param page of a TIFF file.
   * @param mostPixels of the picture.
   * @throws Error where the header cannot be read, or the decoder knows no such picture.
   */
  open(bytes: Uint8Array, format: PictureFormat, page: number, mostPixels: number): Promise<OpenedPicture>;
}
