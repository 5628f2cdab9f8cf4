import { stringify } from "yaml";
import { type DataStatsInput, type DataStatsOptions, resolveOptions, valueColumnsOf, verbs } from "../config/index.ts";
import { leftOutFrom, type OddFile, openDataset, type Split, tellNotices } from "../data/dataset.ts";
import { ImageLoader } from "../data/loader/loader.ts";
import { parseWindow } from "../images/window-rule.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFile } from "../support/files/output-file.ts";

/** Pixel statistics of a split, on pixels scaled to [0, 1]. */
export interface StatsResult {
  split: Split;
  images: number;
  unreadable: string[];
  /** Files that are not in the data set because of a fault of their own, by their paths from its folder. */
  leftOut: OddFile[];
  /** Per channel. */
  mean: number[];
  std: number[];
  /** Share of measured pixels that are black and white, per channel: high where a window cuts much away. */
  black: number[];
  white: number[];
}

const BATCH = 32;

/**
 * Mean and standard deviation per channel over all measured pixels of a split's images, each resized whole to the
 * model's input, exactly as evaluation reads them. A pixel that is measured in part counts with that part, and with the
 * value that this part has.
 *
 * @throws MsmaeError Config for options that do not fit; Data when the set cannot be opened or none of its images be read, one cannot under `strict`, or a
 * file stands where one is to be written;
 * Interrupted by the signal.
 */
export async function dataStats(
  input: DataStatsInput | DataStatsOptions,
  { onEvent, signal }: RunHooks = {},
): Promise<StatsResult> {
  const options = resolveOptions(verbs.dataStats, input);
  const { dataPath, split, output, inputSize, inChans: channels, sliceAxis, alpha, workers, strict } = options;
  const reading = { window: parseWindow(options.window), sliceAxis, alpha };
  const { overwrite, splitFile } = options;
  const inputs = splitFile === undefined ? [dataPath] : [dataPath, splitFile];
  const file =
    output === undefined ? undefined : await OutputFile.claim(output, { option: "--output", overwrite, inputs });
  const dataset = await openDataset(dataPath, {
    ...options,
    oneClass: true,
    values: valueColumnsOf(options),
    require: [split],
  });
  tellNotices(dataset, onEvent);
  const samples = dataset.splits[split];
  const onWarning = (message: string) => onEvent?.({ type: "warning", message });
  await using loader = new ImageLoader(samples, {
    inputHeight: inputSize.height,
    inputWidth: inputSize.width,
    channels,
    workers,
    strict,
    reading,
    coverage: true,
    cacheMb: 0,
    onWarning,
  });
  onEvent?.({ type: "phase", name: "pixel statistics", total: samples.length });
  const histograms = Array.from({ length: channels }, () => new Float64Array(256));
  let images = 0;
  for await (const batch of loader.inOrder({ batchSize: BATCH, ...(signal && { signal }) })) {
    const area = inputSize.height * inputSize.width * channels;
    for (const [b, coverage] of batch.coverages.entries()) {
      count(batch.images.subarray(b * area, (b + 1) * area), histograms, coverage);
    }
    images += batch.indices.length;
    batch.release();
    onEvent?.({ type: "phase-progress", done: images });
  }
  const { unreadable } = loader.stats();
  if (images < samples.length) onEvent?.({ type: "phase-progress", done: samples.length });
  if (images === 0) {
    const got = `none of ${samples.length}`;
    throw new MsmaeError("Data", { where: dataPath, expected: "a readable image", got, todo: "check the files" });
  }
  const moments = histograms.map(momentsOf);
  const result = {
    split,
    images,
    unreadable: [...new Set(unreadable)],
    leftOut: leftOutFrom(dataset),
    mean: moments.map(({ mean }) => mean),
    std: moments.map(({ std }) => std),
    black: moments.map(({ black }) => black),
    white: moments.map(({ white }) => white),
  };
  await file?.write(stringify({ mean: result.mean, std: result.std }));
  return result;
}

function count(pixels: Uint8Array, histograms: readonly Float64Array[], coverage: Uint8Array | undefined): void {
  const channels = histograms.length;
  for (const [channel, histogram] of histograms.entries()) {
    for (let at = channel, pixel = 0; at < pixels.length; at += channels, pixel++) {
      const share = coverage ? (coverage[pixel] as number) / 255 : 1;
      if (share === 0) continue;
      const value = pixels[at] as number;
      // What is not measured is black, and has drawn the value down by its share.
      const level = share === 1 ? value : Math.min(255, Math.round(value / share));
      histogram[level] = (histogram[level] as number) + share;
    }
  }
}

function momentsOf(histogram: Float64Array): { mean: number; std: number; black: number; white: number } {
  const total = histogram.reduce((sum, pixels) => sum + pixels, 0);
  const mean = histogram.reduce((sum, pixels, value) => sum + pixels * value, 0) / total / 255;
  const variance = histogram.reduce((sum, pixels, value) => sum + pixels * (value / 255 - mean) ** 2, 0) / total;
  const share = (value: number) => (histogram[value] as number) / total;
  return { mean, std: Math.sqrt(variance), black: share(0), white: share(255) };
}
