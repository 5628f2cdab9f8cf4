import type { OriginalPixels } from "../data/loader/sample-reader.ts";
import type { RasterImage } from "../formats/raster.ts";
import { cutWindow, type Size, slidingWindows, WindowBlend, type WindowPlace } from "../images/sliding-window.ts";
import { type BatchRun, type ImageBatch, runBatches } from "./run-batches.ts";

/** What a model says of one image. */
export interface Told {
  /** Values of the graph's outputs by name. */
  values: Readonly<Record<string, Float32Array>>;
  /** Of those outputs that are maps [channels, height, width], in pixels. */
  size: Size;
}

/** Images with what is known of them as their files have them. */
export interface OriginalBatch extends ImageBatch {
  /** [B] */
  originals: readonly (OriginalPixels | undefined)[];
}

/** How images are run one by one. */
export interface ImageRun<B extends OriginalBatch> extends BatchRun<B> {
  /** Of the model's input, and of the maps that it gives. */
  size: Size;
  /**
   * Larger images are cut into windows of the input's size that have this share of their sides in common, in [0, 1);
   * undefined: they are resized whole. Every output must be a map, and `originals` must bring the images themselves.
   */
  windowOverlap?: number | undefined;
}

/** As {@link runBatches}, with what the model says of each image of a batch in its order, [B]. */
export function runImages<B extends OriginalBatch>(
  run: ImageRun<B>,
): AsyncGenerator<{ batch: B; told: Told[] }, void, void> {
  return run.windowOverlap === undefined ? runWhole(run) : runWindows(run, run.windowOverlap);
}

async function* runWhole<B extends OriginalBatch>(run: ImageRun<B>): AsyncGenerator<{ batch: B; told: Told[] }> {
  for await (const { batch, outputs } of runBatches(run)) {
    const told = Array.from(batch.indices, (_, b) => ({ values: rowOf(outputs, b, run.batchSize), size: run.size }));
    yield { batch, told };
  }
}

function rowOf(outputs: Readonly<Record<string, Float32Array>>, b: number, batchSize: number): Told["values"] {
  const rows = Object.entries(outputs).map(([name, values]) => {
    const length = values.length / batchSize;
    return [name, values.subarray(b * length, (b + 1) * length)] as const;
  });
  return Object.fromEntries(rows);
}

/** An image of which windows are run. */
interface Canvas {
  size: Size;
  blends: Map<string, WindowBlend>;
}

/** A window on its way through the engine. `place` is undefined for an image that was resized whole. */
interface WindowJob<B> {
  batch: B;
  b: number;
  place: WindowPlace | undefined;
  /** No window of the batch comes after it. */
  last: boolean;
}

interface WindowBatch<B> extends ImageBatch {
  jobs: WindowJob<B>[];
}

async function* runWindows<B extends OriginalBatch>(
  run: ImageRun<B>,
  overlap: number,
): AsyncGenerator<{ batch: B; told: Told[] }> {
  const { batches, batchSize, size } = run;
  const windows = runBatches({ ...run, batches: windowsOf(batches, { batchSize, size, overlap }) });
  let told: Told[] = [];
  let canvases: (Canvas | undefined)[] = [];
  for await (const { batch: window, outputs } of windows) {
    for (const [at, { batch, b, place, last }] of window.jobs.entries()) {
      const values = b < 0 ? {} : rowOf(outputs, at, batchSize);
      if (place) blend(canvasOf(canvases, b, batch), place, values, size);
      else if (b >= 0) told[b] = { values, size };
      if (!last) continue;
      for (const [of, canvas] of canvases.entries()) if (canvas) told[of] = meanOf(canvas);
      yield { batch, told };
      [told, canvases] = [[], []];
    }
  }
}

function canvasOf(canvases: (Canvas | undefined)[], b: number, { originals }: OriginalBatch): Canvas {
  const { height, width } = originals[b] as OriginalPixels;
  const canvas = canvases[b] ?? { size: { height, width }, blends: new Map() };
  canvases[b] = canvas;
  return canvas;
}

function blend({ size, blends }: Canvas, place: WindowPlace, values: Told["values"], window: Size): void {
  for (const [name, map] of Object.entries(values)) {
    const channels = map.length / (window.height * window.width);
    const all = blends.get(name) ?? new WindowBlend(size, window, channels);
    blends.set(name, all);
    all.add(place, map);
  }
}

function meanOf({ size, blends }: Canvas): Told {
  return { size, values: Object.fromEntries([...blends].map(([name, all]) => [name, all.mean()])) };
}

/** Cuts images into windows, and gathers these to batches of their own. */
async function* windowsOf<B extends OriginalBatch>(
  batches: AsyncIterable<B>,
  { batchSize, size, overlap }: { batchSize: number; size: Size; overlap: number },
): AsyncGenerator<WindowBatch<B>> {
  let filling: { jobs: WindowJob<B>[]; images: Uint8Array } | undefined;
  const take = ({ jobs, images }: { jobs: WindowJob<B>[]; images: Uint8Array }): WindowBatch<B> => {
    filling = undefined;
    const bytes = images.length / batchSize;
    return { jobs, indices: Uint32Array.from(jobs.keys()), images: images.subarray(0, jobs.length * bytes) };
  };
  for await (const batch of batches) {
    const count = batch.indices.length;
    if (count === 0) {
      // The line of a file that could not be read comes with its batch.
      if (filling) yield take(filling);
      yield {
        jobs: [{ batch, b: -1, place: undefined, last: true }],
        indices: new Uint32Array(),
        images: batch.images,
      };
    }
    const bytes = count === 0 ? 0 : batch.images.length / count;
    for (let b = 0; b < count; b++) {
      const image = batch.originals[b]?.image;
      const places = image && isLarger(image, size) ? slidingWindows(image, size, overlap) : [undefined];
      for (const [n, place] of places.entries()) {
        filling ??= { jobs: [], images: new Uint8Array(batchSize * bytes) };
        const own = filling.images.subarray(filling.jobs.length * bytes, (filling.jobs.length + 1) * bytes);
        if (place && image) cutWindow(image, place, size, own);
        else own.set(batch.images.subarray(b * bytes, (b + 1) * bytes));
        filling.jobs.push({ batch, b, place, last: b === count - 1 && n === places.length - 1 });
        if (filling.jobs.length === batchSize) yield take(filling);
      }
    }
    batch.release?.();
  }
  if (filling) yield take(filling);
}

function isLarger(image: RasterImage, size: Size): boolean {
  return image.height > size.height || image.width > size.width;
}
