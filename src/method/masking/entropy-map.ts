import type { PatchedImages } from "../models/config.ts";

/** Grey values are counted in this many bins: few enough that a patch of 8 × 8 pixels fills them. */
const BINS = 32;

/**
 * How much there is to see in each patch, float32 [patches] in [0, 1]: Rényi's entropy of order 2 of its grey values, as a
 * share of the most that so many bins can have. Flat background has 0. It needs neither labels nor training.
 *
 * @param pixels uint8 [H, W, C] of the model's input size; the mean of the channels is the grey value.
 * Source: the entropy: Rényi 1961; as a guide of masking: MO-MAE, arXiv 2605.26287.
 */
export function entropyMap(
  pixels: Uint8Array,
  { inputHeight, inputWidth, inChans, patchSize }: PatchedImages,
): Float32Array {
  const columns = inputWidth / patchSize;
  const map = new Float32Array((inputHeight / patchSize) * columns);
  const counts = new Uint32Array(BINS);
  for (let patch = 0; patch < map.length; patch++) {
    const top = Math.floor(patch / columns) * patchSize;
    const left = (patch % columns) * patchSize;
    counts.fill(0);
    for (let y = top; y < top + patchSize; y++) {
      for (let x = left; x < left + patchSize; x++) {
        let sum = 0;
        for (let c = 0; c < inChans; c++) sum += pixels[(y * inputWidth + x) * inChans + c] as number;
        const bin = Math.floor((sum * BINS) / (256 * inChans));
        counts[bin] = (counts[bin] as number) + 1;
      }
    }
    const squares = counts.reduce((sum, count) => sum + count * count, 0);
    map[patch] = Math.log(patchSize ** 4 / squares) / Math.log(Math.min(BINS, patchSize ** 2));
  }
  return map;
}
