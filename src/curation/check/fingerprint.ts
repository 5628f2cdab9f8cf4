import { createHash } from "node:crypto";
import type { RasterImage } from "../../formats/raster.ts";
import type { SourceImage } from "../../formats/source-image.ts";
import { toChannels } from "../../images/channels.ts";
import { resizeCoverage } from "../../images/transforms/coverage.ts";
import { Resizer } from "../../images/transforms/resize.ts";
import { applyWindow, type WindowRule } from "../../images/window.ts";
import { THUMB_SIDE } from "./symmetry.ts";

/** Bins of {@link Fingerprint.histogram}. */
export const HISTOGRAM_BINS = 64;
/** Pieces that each side of the border is cut in. */
const PIECES = 8;
/** Mean red, green and blue, and the deviation of the grey values: text and lines vary, an empty border does not. */
const PIECE_FEATURES = 4;
/** Numbers that describe a border. */
export const BORDER_FEATURES = 4 * PIECES * PIECE_FEATURES;
/** Share of each side that counts as border. */
const BORDER_SHARE = 1 / 16;

/** What is kept of a picture once its pixels are gone. */
export interface Fingerprint {
  /** Equal for equal pixels in full precision; grey stored as three equal channels counts as grey. */
  pixelHash: string;
  width: number;
  height: number;
  /** As stored. */
  channels: 1 | 3;
  /** Of the stored values, for example `uint16`. */
  type: string;
  /** Grey levels after the window, uint8 [32, 32], whatever the picture's shape; black where nothing was measured. */
  thumb: Uint8Array;
  /** How much of each pixel of the thumbnail was measured, uint8 [32, 32] to 255; absent where all was. */
  coverage?: Uint8Array;
  /** float32 [{@link BORDER_FEATURES}] of the border after the window; NaN for pieces without a measurement. */
  border: Float32Array;
  /** Of the grey levels after the window, 0..255, and as all that follows of measured pixels only. */
  mean: number;
  deviation: number;
  /** 1st and 99th percentile of the grey levels after the window. */
  low: number;
  high: number;
  /** Shares of the grey levels, in bins of four. */
  histogram: Float32Array;
}

const resizer = new Resizer();

/**
 * Takes a picture's fingerprint.
 *
 * @param where named in errors: the file.
 * @throws MsmaeError Data when the file lacks the window asked for.
 */
export function fingerprintOf(source: SourceImage, window: WindowRule, where: string): Fingerprint {
  const { width, height, channels } = source;
  const image = applyWindow(source, window, where);
  const grey = toChannels(image, 1);
  return {
    pixelHash: pixelHashOf(source),
    width,
    height,
    channels,
    type: source.values.constructor.name.replace("Array", "").toLowerCase(),
    thumb: resizer.resize(grey, THUMB_SIDE, THUMB_SIDE, { filter: "bilinear" }),
    ...coverageOf(image),
    border: borderOf(image, grey),
    ...statisticsOf(grey.pixels, image.unmeasured),
  };
}

function coverageOf(image: RasterImage): Pick<Fingerprint, "coverage"> {
  const coverage = resizeCoverage(resizer, image, THUMB_SIDE, THUMB_SIDE);
  return coverage ? { coverage } : {};
}

function pixelHashOf({ width, height, channels, values, inverted }: SourceImage): string {
  const grey = channels === 1 ? values : greyOf(values);
  const hash = createHash("sha1").update(`${width} ${height} ${grey ? 1 : 3} ${inverted} ${values.constructor.name} `);
  const pixels = grey ?? values;
  return hash.update(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength)).digest("base64");
}

/** One channel of a picture whose three are equal. */
function greyOf(values: SourceImage["values"]): SourceImage["values"] | undefined {
  for (let at = 0; at < values.length; at += 3) {
    if (values[at] !== values[at + 1] || values[at] !== values[at + 2]) return undefined;
  }
  return values.filter((_: number, at: number) => at % 3 === 0);
}

/** Of the measured pixels; all 0 where there is none. */
function statisticsOf(
  pixels: Uint8Array,
  unmeasured: Uint8Array | undefined,
): Pick<Fingerprint, "mean" | "deviation" | "low" | "high" | "histogram"> {
  const counts = new Uint32Array(256);
  let measured = 0;
  for (let at = 0; at < pixels.length; at++) {
    if (unmeasured?.[at] === 1) continue;
    measured++;
    const level = pixels[at] as number;
    counts[level] = (counts[level] as number) + 1;
  }
  const histogram = new Float32Array(HISTOGRAM_BINS);
  if (measured === 0) return { mean: 0, deviation: 0, low: 0, high: 0, histogram };
  let sum = 0;
  let squares = 0;
  for (const [level, count] of counts.entries()) {
    sum += level * count;
    squares += level * level * count;
    const bin = Math.floor((level * HISTOGRAM_BINS) / 256);
    histogram[bin] = (histogram[bin] as number) + count / measured;
  }
  const mean = sum / measured;
  const deviation = Math.sqrt(Math.max(0, squares / measured - mean * mean));
  return { mean, deviation, low: percentile(counts, 0.01), high: percentile(counts, 0.99), histogram };
}

function percentile(counts: Uint32Array, share: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  const at = counts.findIndex((count) => {
    below += count;
    return below > share * total;
  });
  return at < 0 ? 255 : at;
}

/** Mean colour and grey deviation of eight pieces of each side, from the picture itself: text is finer than a thumbnail. */
function borderOf(image: RasterImage, grey: RasterImage): Float32Array {
  const { width, height } = image;
  const deepX = Math.max(1, Math.round(width * BORDER_SHARE));
  const deepY = Math.max(1, Math.round(height * BORDER_SHARE));
  const features = new Float32Array(BORDER_FEATURES);
  const edge = (piece: number, length: number) => Math.floor((piece * length) / PIECES);
  for (let piece = 0; piece < PIECES; piece++) {
    const [left, right] = [edge(piece, width), edge(piece + 1, width)];
    const [top, bottom] = [edge(piece, height), edge(piece + 1, height)];
    const boxes = [
      [left, 0, right, deepY],
      [left, height - deepY, right, height],
      [0, top, deepX, bottom],
      [width - deepX, top, width, bottom],
    ] as const;
    for (const [side, box] of boxes.entries()) {
      features.set(pieceFeatures(image, grey, box), (side * PIECES + piece) * PIECE_FEATURES);
    }
  }
  return features;
}

function pieceFeatures(
  { width, channels, pixels, unmeasured }: RasterImage,
  grey: RasterImage,
  [left, top, right, bottom]: readonly [number, number, number, number],
): number[] {
  const sums = [0, 0, 0];
  let area = 0;
  let squares = 0;
  let greySum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * width + x;
      if (unmeasured?.[at] === 1) continue;
      area++;
      for (let channel = 0; channel < 3; channel++) {
        sums[channel] = (sums[channel] as number) + (pixels[at * channels + (channels === 3 ? channel : 0)] as number);
      }
      const level = grey.pixels[at] as number;
      greySum += level;
      squares += level * level;
    }
  }
  // Of a picture narrower than its pieces some are empty; where there was nothing to measure, nothing is known.
  if (area === 0) return new Array<number>(PIECE_FEATURES).fill(right > left && bottom > top ? Number.NaN : 0);
  const deviation = Math.sqrt(Math.max(0, squares / area - (greySum / area) ** 2));
  return [...sums.map((sum) => Math.round(sum / area)), Math.round(deviation)];
}
