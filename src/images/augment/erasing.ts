import type { RasterImage } from "../../formats/raster.ts";
import type { RandomStream } from "../../support/random.ts";
import { normalNoise } from "./noise.ts";

/** Random erasing: rectangles of the mean, of one random colour each, or of random pixels. */
export interface ErasingPlan {
  /** Of an image. */
  probability: number;
  mode: "const" | "rand" | "pixel";
  /** Most rectangles per image; their number is drawn from 1 on. */
  count: number;
}

/** Mean and standard deviation of each channel, in values of 0…255. */
export interface ValueStatistics {
  mean: readonly number[];
  std: readonly number[];
}

const AREA: readonly [number, number] = [0.02, 1 / 3];
const ASPECT = 0.3;
const ATTEMPTS = 10;

/**
 * Erases rectangles of 2 to 33 % of the image (together, when there are several), of aspect ratio 0.3 to 1/0.3.
 *
 * PARITY: timm erases after normalisation with 0 or standard normal values; here it happens before, with the bytes that
 * normalise to the same: the mean, or mean + std · normal, rounded and clipped to 0…255.
 * Source: Zhong et al. 2017, arXiv 1708.04896; timm 1.0 `RandomErasing`.
 */
export function eraseRectangles(
  image: RasterImage,
  { probability, mode, count }: ErasingPlan,
  statistics: ValueStatistics,
  stream: RandomStream,
): void {
  if (stream.uniform() >= probability) return;
  const { height, width } = image;
  const rectangles = stream.integer(1, count);
  for (let rectangle = 0; rectangle < rectangles; rectangle++) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const area = ((AREA[0] + (AREA[1] - AREA[0]) * stream.uniform()) * height * width) / rectangles;
      const aspect = Math.exp((2 * stream.uniform() - 1) * Math.log(ASPECT));
      const box = { height: Math.round(Math.sqrt(area * aspect)), width: Math.round(Math.sqrt(area / aspect)) };
      if (box.height >= height || box.width >= width) continue;
      const top = stream.integer(0, height - box.height);
      const left = stream.integer(0, width - box.width);
      fillBox(image, { top, left, ...box }, mode, statistics, stream);
      break;
    }
  }
}

interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

function fillBox(
  { pixels, width, channels }: RasterImage,
  box: Box,
  mode: ErasingPlan["mode"],
  { mean, std }: ValueStatistics,
  stream: RandomStream,
): void {
  const value = (channel: number, normal: number) => {
    const drawn = Math.round((mean[channel] as number) + (std[channel] as number) * normal);
    return Math.min(255, Math.max(0, drawn));
  };
  const rowSamples = box.width * channels;
  const startOf = (row: number) => ((box.top + row) * width + box.left) * channels;
  if (mode === "pixel") {
    normalNoise(stream, box.height * rowSamples, (normal, at) => {
      const within = at % rowSamples;
      pixels[startOf((at - within) / rowSamples) + within] = value(within % channels, normal);
    });
    return;
  }
  const color = Array.from({ length: channels }, (_, channel) => {
    return value(channel, mode === "rand" ? stream.normal() : 0);
  });
  for (let row = 0; row < box.height; row++) {
    const start = startOf(row);
    for (let at = 0; at < rowSamples; at++) pixels[start + at] = color[at % channels] as number;
  }
}
