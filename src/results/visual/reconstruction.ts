import { MsmaeError } from "../../support/errors.ts";
import { blankImage, checkImage, copyImage, paste, type Rgb, type RgbImage } from "./image.ts";

/** Patch states as the masking writes them: 0 kept, 1 masked (to be reconstructed), −1 thrown (seen by nothing). */
export type PatchMask = ArrayLike<number>;

const MASKED: Rgb = [128, 128, 128];
const THROWN: Rgb = [22, 22, 26];
const THROWN_HATCH: Rgb = [66, 66, 74];
/** Pixels from one hatching line to the next. */
const HATCH_PERIOD = 6;

/**
 * What the network saw of an image: kept patches as they are, masked ones grey, thrown ones dark and hatched.
 *
 * @param mask [L] with L = (height / patchSize) · (width / patchSize), row by row.
 * @throws MsmaeError "Shape" when image, mask and patch size do not fit.
 */
export function maskingView(image: RgbImage, mask: PatchMask, patchSize: number): RgbImage {
  const columns = checkPatches("drawing a mask", image, mask, patchSize);
  const result = copyImage(image);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const state = mask[Math.floor(y / patchSize) * columns + Math.floor(x / patchSize)] as number;
      if (state === 0) continue;
      const hatch = (x + y) % HATCH_PERIOD === 0 ? THROWN_HATCH : THROWN;
      result.data.set(state > 0 ? MASKED : hatch, (y * image.width + x) * 3);
    }
  }
  return result;
}

/** A decoder's output for some patches of one image, and what turns it back into pixels. */
export interface PatchPrediction {
  /** [n, patchSize² · channels]; within a patch (row, column, channel), channel fastest. */
  pred: ArrayLike<number>;
  /** [n] position of each predicted patch in the image, row by row; all L in order when absent. */
  patchIndices?: ArrayLike<number>;
  patchSize: number;
  /** 1 (shown as grey) or 3. */
  channels: number;
  /** [channels] mean that the input images were normalised with, on the scale [0, 1]. */
  mean: ArrayLike<number>;
  /** [channels] standard deviation that the input images were normalised with. */
  std: ArrayLike<number>;
  /** For models trained with `normPixLoss`: statistics of the target patches, indexed by position in the image. */
  patchStatistics?: PatchStatistics;
}

/** Mean and standard deviation of each target patch, [L] each. */
export interface PatchStatistics {
  mean: ArrayLike<number>;
  std: ArrayLike<number>;
}

/**
 * The predicted patches as pixels over a background: de-normalised, rounded and clamped to 0..255.
 *
 * @param background picture whose patches stay where nothing was predicted; it is not changed.
 * @throws MsmaeError "Shape" when the numbers of values or patches do not fit.
 */
export function predictionToImage(prediction: PatchPrediction, background: RgbImage): RgbImage {
  const { pred, patchIndices, patchSize, channels, mean, std, patchStatistics: statistics } = prediction;
  checkImage("drawing a reconstruction", background);
  const columns = background.width / patchSize;
  const all = columns * (background.height / patchSize);
  const values = patchSize * patchSize * channels;
  const count = patchIndices?.length ?? all;
  if (pred.length !== count * values || (channels !== 1 && channels !== 3) || !Number.isInteger(columns)) {
    throw new MsmaeError("Shape", {
      where: "drawing a reconstruction",
      expected: `pred [${count}, ${values}] with 1 or 3 channels`,
      got: `${pred.length} values, ${channels} channels`,
      todo: "pass the decoder's output of this image with its own patch size",
    });
  }
  const result = copyImage(background);
  for (let n = 0; n < count; n++) {
    const patch = (patchIndices?.[n] ?? n) as number;
    const left = (patch % columns) * patchSize;
    const top = Math.floor(patch / columns) * patchSize;
    for (let i = 0; i < patchSize * patchSize; i++) {
      const pixel = ((top + Math.floor(i / patchSize)) * background.width + left + (i % patchSize)) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const from = channels === 1 ? 0 : channel;
        let value = pred[n * values + i * channels + from] as number;
        if (statistics) value = value * (statistics.std[patch] as number) + (statistics.mean[patch] as number);
        const level = (value * (std[from] as number) + (mean[from] as number)) * 255;
        result.data[pixel + channel] = Math.min(255, Math.max(0, Math.round(level)));
      }
    }
  }
  return result;
}

/** One image's reconstruction, ready to be drawn. */
export interface ReconstructionPanelInput {
  /** The network's input, as pixels. */
  original: RgbImage;
  /** [L] patch states. */
  mask: PatchMask;
  patchSize: number;
  /** The decoder's output as pixels, of the same size as the original. */
  reconstruction: RgbImage;
  /** Adds a fourth picture: the reconstruction with the kept patches of the original pasted in. Default false. */
  withVisible?: boolean;
}

/**
 * Original | masked, thrown and kept | reconstruction | optionally reconstruction plus visible patches, side by side.
 *
 * @throws MsmaeError "Shape" when image, mask and patch size do not fit.
 */
export function reconstructionPanel(input: ReconstructionPanelInput, options: SheetOptions = {}): RgbImage {
  const pictures = reconstructionPictures(input);
  return contactSheet(pictures, { ...options, columns: pictures.length });
}

/**
 * The pictures of {@link reconstructionPanel}, each by itself.
 *
 * @throws MsmaeError "Shape" when image, mask and patch size do not fit.
 */
export function reconstructionPictures(input: ReconstructionPanelInput): RgbImage[] {
  const { original, mask, patchSize, reconstruction } = input;
  checkPatches("drawing a reconstruction", original, mask, patchSize);
  checkSameSize(original, reconstruction);
  const pictures = [original, maskingView(original, mask, patchSize), reconstruction];
  return input.withVisible ? [...pictures, pasteVisible(input)] : pictures;
}

/** The reconstruction with the kept patches of the original in their places. */
function pasteVisible({ original, mask, patchSize, reconstruction }: ReconstructionPanelInput): RgbImage {
  const columns = original.width / patchSize;
  const result = copyImage(reconstruction);
  for (let y = 0; y < original.height; y++) {
    for (let x = 0; x < original.width; x++) {
      if (mask[Math.floor(y / patchSize) * columns + Math.floor(x / patchSize)] !== 0) continue;
      const pixel = (y * original.width + x) * 3;
      result.data.set(original.data.subarray(pixel, pixel + 3), pixel);
    }
  }
  return result;
}

/** Options of {@link contactSheet}. */
export interface SheetOptions {
  /** Pictures per row. Default: all in one row. */
  columns?: number;
  /** Pixels between pictures. Default 4. */
  gutter?: number;
  background?: Rgb;
}

/**
 * Pictures in rows and columns with a gutter between; cells are as large as the largest picture, smaller ones centred.
 *
 * @throws MsmaeError "Shape" when there is no picture.
 */
export function contactSheet(images: readonly RgbImage[], options: SheetOptions = {}): RgbImage {
  const { columns = images.length, gutter = 4, background = [255, 255, 255] } = options;
  if (images.length === 0) {
    throw new MsmaeError("Shape", {
      where: "contact sheet",
      expected: "at least one image",
      got: "none",
      todo: "pass images",
    });
  }
  const width = Math.max(...images.map((image) => image.width));
  const height = Math.max(...images.map((image) => image.height));
  const rows = Math.ceil(images.length / columns);
  const across = Math.min(columns, images.length);
  const sheet = blankImage(across * (width + gutter) - gutter, rows * (height + gutter) - gutter, background);
  for (const [index, image] of images.entries()) {
    const left = (index % columns) * (width + gutter) + Math.floor((width - image.width) / 2);
    const top = Math.floor(index / columns) * (height + gutter) + Math.floor((height - image.height) / 2);
    paste(sheet, image, left, top);
  }
  return sheet;
}

function checkPatches(where: string, image: RgbImage, mask: PatchMask, patchSize: number): number {
  checkImage(where, image);
  const columns = image.width / patchSize;
  const rows = image.height / patchSize;
  if (!Number.isInteger(columns) || !Number.isInteger(rows) || mask.length !== columns * rows) {
    throw new MsmaeError("Shape", {
      where,
      expected: `a mask of ${rows} × ${columns} patches of ${patchSize} pixels`,
      got: `${mask.length} values for an image of ${image.height} × ${image.width}`,
      todo: "pass the mask, image and patch size of the same model input",
    });
  }
  return columns;
}

function checkSameSize(a: RgbImage, b: RgbImage): void {
  checkImage("drawing a reconstruction", b);
  if (a.width === b.width && a.height === b.height) return;
  throw new MsmaeError("Shape", {
    where: "drawing a reconstruction",
    expected: `a reconstruction of ${a.height} × ${a.width}`,
    got: `${b.height} × ${b.width}`,
    todo: "draw the reconstruction at the size of the model's input",
  });
}
