import type { RasterImage } from "../../formats/raster.ts";
import type { RandomStream } from "../../support/random.ts";
import { gaussianBlur } from "./blur.ts";
import type { Canvas } from "./canvas.ts";
import type { ValueStatistics } from "./erasing.ts";
import { normalNoise } from "./noise.ts";
import { tableOf, type ValueTable } from "./point-operations.ts";

/** Probability of each change. Source: nnU-Net v2, `nnUNetTrainer.get_training_transforms`. */
const CHANCE = { noise: 0.1, blur: 0.2, brightness: 0.15, contrast: 0.15, invertedGamma: 0.1, gamma: 0.3 };
/** Ranges at strength 1, from the same source. */
const NOISE_VARIANCE = 0.1;
const BLUR_SIGMA: readonly [number, number] = [0.5, 1];
const FACTOR_SPAN = 0.25;
const GAMMA: readonly [number, number] = [0.7, 1.5];

/**
 * The changes of brightness usual for medical images: Gaussian noise, Gaussian blur, brightness, contrast, gamma of the
 * inverted image and gamma, in this order, each with a probability of its own. One draw serves all channels.
 *
 * At `strength` s: noise of standard deviation s·√u dataset deviations, u uniform in 0…0.1; blur of s·0.5…s·1 pixels;
 * brightness (times, from black) and contrast (about the image's mean, within its range) by 1 ± 0.25·s; exponents
 * from 0.7^s to 1.5^s with the image's mean and deviation kept, below 1 as often as above.
 *
 * Source: Isensee et al. 2021, nnU-Net, supplementary note 4.
 */
export function changeIntensity(
  canvas: Canvas,
  strength: number,
  { std }: Pick<ValueStatistics, "std">,
  stream: RandomStream,
): void {
  const happens = (chance: number) => stream.uniform() < chance;
  const between = (low: number, high: number) => low + (high - low) * stream.uniform();
  const factor = () => between(1 - FACTOR_SPAN * strength, 1 + FACTOR_SPAN * strength);
  const exponent = () => (happens(0.5) ? between(GAMMA[0] ** strength, 1) : between(1, GAMMA[1] ** strength));

  if (happens(CHANCE.noise)) {
    const deviation = strength * Math.sqrt(between(0, NOISE_VARIANCE));
    addNoise(
      canvas,
      std.map((value) => value * deviation),
      stream,
    );
  }
  if (happens(CHANCE.blur)) gaussianBlur(canvas, strength * between(...BLUR_SIGMA));
  if (happens(CHANCE.brightness)) scaleValues(canvas, factor());
  if (happens(CHANCE.contrast)) stretchValues(canvas, factor());
  if (happens(CHANCE.invertedGamma)) correctGamma(canvas, exponent(), true);
  if (happens(CHANCE.gamma)) correctGamma(canvas, exponent(), false);
}

/** Adds normal noise, `deviation` per channel, rounded and clipped. */
export function addNoise({ pixels, channels }: RasterImage, deviation: readonly number[], stream: RandomStream): void {
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
  normalNoise(stream, pixels.length, (normal, at) => {
    clamped[at] = (pixels[at] as number) + normal * (deviation[at % channels] as number);
  });
}

/** Multiplies values: brightness from black. */
export function scaleValues(canvas: Canvas, factor: number): void {
  canvas.lookUp([tableOf((old) => old * factor + 0.5)]);
}

/** Contrast about the mean of all values, kept within the image's own range. */
export function stretchValues(canvas: Canvas, factor: number): void {
  const { mean, low, high } = statistics(jointHistogram(canvas));
  const table = tableOf((old) => Math.min(high, Math.max(low, mean + (old - mean) * factor + 0.5)));
  canvas.lookUp([table]);
}

/**
 * Raises values, scaled to 0…1 between the image's least and greatest, to a power, then restores their mean and
 * standard deviation. `inverted`: as if the image were its negative.
 */
export function correctGamma(canvas: Canvas, exponent: number, inverted: boolean): void {
  const counts = jointHistogram(canvas);
  const before = statistics(counts);
  const range = before.high - before.low;
  if (range === 0) return;
  const curve = Float64Array.from({ length: 256 }, (_, old) => {
    const share = Math.min(1, Math.max(0, (inverted ? before.high - old : old - before.low) / range));
    return inverted ? before.high - share ** exponent * range : before.low + share ** exponent * range;
  });
  const after = statistics(counts, curve);
  const gain = before.deviation / after.deviation;
  const table: ValueTable = tableOf((old) => ((curve[old] as number) - after.mean) * gain + before.mean + 0.5);
  canvas.lookUp([table]);
}

/** Counts of the values of all channels together. */
function jointHistogram(canvas: Canvas): Uint32Array {
  const [counts = new Uint32Array(256), ...others] = canvas.histograms();
  for (const more of others) {
    for (let value = 0; value < 256; value++) counts[value] = (counts[value] as number) + (more[value] as number);
  }
  return counts;
}

/** Of values that a curve has changed, or of the values themselves. */
function statistics(counts: Uint32Array, curve?: Float64Array) {
  let total = 0;
  let sum = 0;
  let squares = 0;
  for (let value = 0; value < 256; value++) {
    const count = counts[value] as number;
    const is = curve ? (curve[value] as number) : value;
    total += count;
    sum += count * is;
    squares += count * is * is;
  }
  const mean = sum / total;
  return {
    mean,
    deviation: Math.sqrt(Math.max(0, squares / total - mean * mean)),
    low: counts.findIndex((count) => count > 0),
    high: counts.findLastIndex((count) => count > 0),
  };
}
