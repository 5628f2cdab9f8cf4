import { unreadable } from "../../formats/decode-error.ts";
import type { DecodeLimits } from "../../formats/limits.ts";
import { openImageFile } from "../../formats/node/open-image-file.ts";
import type { RasterImage } from "../../formats/raster.ts";
import type { AlphaRule, ImageFile, SliceAxis } from "../../formats/source-image.ts";
import { toChannels } from "../../images/channels.ts";
import { applyWindow, type WindowRule } from "../../images/window.ts";
import { MsmaeError } from "../../support/errors.ts";
import { OpenFiles } from "./open-files.ts";

/** How to decode an image file. */
export interface DecodeOptions {
  /** Channels of the result; without it a grey file gives 1 and any other 3. */
  channels?: 1 | 3;
  /** What the file may ask for at most; the defaults stand for what is not given. */
  limits?: Partial<DecodeLimits>;
  /** How values of any unit become 8 bits; without it `auto`. */
  window?: WindowRule;
  /** Which frame, page or slice, from 0; without it the middle slice of a volume and the first of anything else. */
  item?: number;
  /** What becomes of transparency; without it `drop`. */
  alpha?: AlphaRule;
  /** Along which direction a volume is cut; without it `axial`. */
  sliceAxis?: SliceAxis;
}

/**
 * Reads one picture of an image file of any format into uint8 [h, w, C]: its values in full precision, then the window.
 *
 * @throws MsmaeError Data when the file cannot be read, is cut short, is too large, or lacks the picture or the window.
 */
export async function decodeImage(path: string, options: DecodeOptions = {}): Promise<RasterImage> {
  try {
    const axis = options.sliceAxis ?? "axial";
    const { limits = {}, alpha = "drop" } = options;
    const file = await images.get(path, [limits, alpha], () => openImageFile(path, limits, alpha));
    const item = chooseItem(path, file, axis, options.item);
    const image = applyWindow(await file.read(item, axis), options.window ?? { kind: "auto" }, path);
    return options.channels === undefined ? image : toChannels(image, options.channels);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * The number of the picture to read: the one asked for, else the one that stands for the whole file.
 *
 * @throws MsmaeError Data when the file has no picture of this number.
 */
export function chooseItem(path: string, file: ImageFile, axis: SliceAxis, asked: number | undefined): number {
  const count = file.count(axis);
  const item = asked ?? file.defaultItem?.(axis) ?? 0;
  // A file without pictures says why when it is read.
  if (count === 0 || (Number.isInteger(item) && item >= 0 && item < count)) return item;
  throw new MsmaeError("Data", {
    where: path,
    expected: `a picture of number 0 to ${count - 1}`,
    got: `${item}`,
    todo: "correct the number of the frame, page or slice",
  });
}

/** Whether an error of {@link decodeImage} is one of the file, not of the picture asked for. */
export function concernsWholeFile(error: unknown): boolean {
  return images.failedWith(error);
}

/** Of this thread. */
const images = new OpenFiles();
