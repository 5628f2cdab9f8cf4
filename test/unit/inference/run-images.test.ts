import { describe, expect, test } from "vitest";
import type { OriginalPixels } from "../../../src/data/loader/sample-reader.ts";
import type { Feeds } from "../../../src/engine/runtime/program.ts";
import type { Engine } from "../../../src/engine/thread/engine.ts";
import { type Size, slidingWindows, WindowBlend } from "../../../src/images/sliding-window.ts";
import { Normalizer } from "../../../src/images/transforms/normalize.ts";
import { forBatchSize } from "../../../src/inference/run-batches.ts";
import { type OriginalBatch, runImages, type Told } from "../../../src/inference/run-images.ts";
import { FeedBuilder } from "../../../src/method/feeds.ts";
import { classifierGraph } from "../../../src/method/models/classifier.ts";

const size: Size = { height: 4, width: 6 };
const area = size.height * size.width;
const config = {
  inputHeight: size.height,
  inputWidth: size.width,
  patchSize: 2,
  inChans: 1,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 2,
  globalPool: "avg",
} as const;
const feeds = new FeedBuilder(config, new Normalizer(1, { mean: [0], std: [1 / 255] }));

/** Grey levels of one image of the input's size, read off the token-major patches [6 · batch, 4]. */
function levelsOf(patches: Float32Array, batch: number, b: number): Float32Array {
  return Float32Array.from({ length: area }, (_, at) => {
    const [y, x] = [Math.floor(at / size.width), at % size.width];
    const token = Math.floor(y / 2) * 3 + Math.floor(x / 2);
    return Math.round(patches[(token * batch + b) * 4 + (y % 2) * 2 + (x % 2)] as number);
  });
}

/**
 * What a model that knows places would say of an input: two channels, the level itself, and the level times how far the
 * pixel is into the input. So the same pixel has another answer in each window.
 */
function answerOf(levels: Float32Array): Float32Array {
  return Float32Array.from(
    { length: 2 * area },
    (_, i) => (levels[i % area] as number) * (i < area ? 1 : (i % area) + 1),
  );
}

/** An engine of that model, slower for the first runs, which notes the inputs it had. */
function placesEngine(batch: number): { engine: Engine; inputs: number[][][] } {
  const inputs: number[][][] = [];
  const engine = {
    load: async () => undefined,
    run: async (_: string, { patches = new Float32Array() }: Feeds) => {
      const own = Array.from({ length: batch }, (_, b) => levelsOf(patches as Float32Array, batch, b));
      const run = inputs.push(own.map((levels) => [...levels]));
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, 6 - run)));
      return { maps: Float32Array.from(own.flatMap((levels) => [...answerOf(levels)])) };
    },
  };
  // Only these two are used here.
  return { engine: engine as unknown as Engine, inputs };
}

interface Picture extends Size {
  /** What the whole image is when it is resized to the input. */
  resized: number;
}

/** A level for each pixel, another in each image. */
const pixelsOf = ({ height, width, resized }: Picture) =>
  Uint8Array.from({ length: height * width }, (_, at) => (at * 7 + resized) % 101);

/** Batches of pictures; the memory of a batch is overwritten once it is released. An empty one holds a failure alone. */
async function* batchesOf(...batches: Picture[][]): AsyncGenerator<OriginalBatch & { name: number }> {
  let next = 0;
  for (const [name, pictures] of batches.entries()) {
    const images = new Uint8Array(area * pictures.length);
    for (const [b, { resized }] of pictures.entries()) images.fill(resized, b * area, (b + 1) * area);
    const originals = pictures.map((picture): OriginalPixels => {
      const { height, width } = picture;
      return { height, width, image: { height, width, channels: 1, pixels: pixelsOf(picture) } };
    });
    const indices = Uint32Array.from(pictures, () => next++);
    yield { name, indices, images, originals, release: () => void images.fill(255) };
  }
}

async function toldOf(batches: Picture[][], batchSize: number, windowOverlap?: number) {
  const { engine, inputs } = placesEngine(batchSize);
  const graph = forBatchSize(classifierGraph(config, { batch: batchSize, kept: "all" }), batchSize);
  const run = { engine, feeds, graph, batches: batchesOf(...batches), batchSize, size, windowOverlap };
  const found: { name: number; told: Told[] }[] = [];
  for await (const { batch, told } of runImages(run)) found.push({ name: batch.name, told });
  return { found, inputs };
}

const mapsOf = (told?: Told): number[] => [...(told?.values.maps ?? [])];

/** The blend of the windows' answers, cut by hand. */
function blended(picture: Picture, overlap: number): Float32Array {
  const pixels = pixelsOf(picture);
  const blend = new WindowBlend(picture, size, 2);
  const within = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  for (const place of slidingWindows(picture, size, overlap)) {
    const levels = Float32Array.from({ length: area }, (_, at) => {
      const y = within(place.top + Math.floor(at / size.width), picture.height);
      const x = within(place.left + (at % size.width), picture.width);
      return pixels[y * picture.width + x] as number;
    });
    blend.add(place, answerOf(levels));
  }
  return blend.mean();
}

const large: Picture = { height: 9, width: 11, resized: 11 };
const wide: Picture = { height: 3, width: 15, resized: 12 };
const small: Picture = { height: 3, width: 5, resized: 13 };
const exact: Picture = { height: 4, width: 6, resized: 14 };
const wholeAnswer = ({ resized }: Picture) => [...answerOf(new Float32Array(area).fill(resized))];

describe.each([1, 2, 3, 5])("in batches of %i", (batchSize) => {
  const all = [large, small, wide, exact, large];
  const batches = Array.from({ length: Math.ceil(all.length / batchSize) }, (_, n) =>
    all.slice(n * batchSize, (n + 1) * batchSize),
  );

  test("images larger than the input are the Gaussian blend of their windows at their own scale, others are run whole", async () => {
    const { found, inputs } = await toldOf(batches, batchSize, 0.5);
    expect(found.map(({ name }) => name)).toEqual(batches.map((_, n) => n));
    const told = found.flatMap(({ told }) => told);
    expect(told).toHaveLength(all.length);
    for (const [at, picture] of all.entries()) {
      const own = told[at] as Told;
      if (picture === small || picture === exact) {
        expect(own.size).toEqual(size);
        expect(mapsOf(own)).toEqual(wholeAnswer(picture));
      } else {
        const { height, width } = picture;
        expect(own.size).toEqual({ height, width });
        expect(mapsOf(own)).toEqual([...blended(picture, 0.5)]);
      }
    }
    // The windows of several images share a run: no run but the last is filled up.
    const windows = all.map((picture) =>
      picture === small || picture === exact ? 1 : slidingWindows(picture, size, 0.5).length,
    );
    expect(inputs).toHaveLength(Math.ceil(windows.reduce((a, b) => a + b) / batchSize));
  });

  test("without an overlap asked for every image is run whole", async () => {
    const { found, inputs } = await toldOf(batches, batchSize);
    expect(inputs).toHaveLength(batches.length);
    const told = found.flatMap((batch) => batch.told);
    expect(told.map(mapsOf)).toEqual(all.map(wholeAnswer));
    expect(told.every((one) => one.size === size)).toBe(true);
  });
});

test.each([undefined, 0, 0.5])(
  "a batch without images comes in its turn and runs nothing, with an overlap of %s",
  async (overlap) => {
    const batches = [[large, small], [], [exact], []];
    const { found, inputs } = await toldOf(batches, 2, overlap);
    expect(found.map(({ name, told }) => [name, told.length])).toEqual([
      [0, 2],
      [1, 0],
      [2, 1],
      [3, 0],
    ]);
    const windows = overlap === undefined ? 1 : slidingWindows(large, size, overlap).length;
    expect(inputs).toHaveLength(Math.ceil((windows + 1) / 2) + 1);
    expect(mapsOf(found[2]?.told[0])).toEqual(wholeAnswer(exact));
  },
);

test("what was said of one batch is not lost on the next one", async () => {
  const { found } = await toldOf([[large], [wide]], 1, 0);
  expect(found.map(({ told }) => mapsOf(told[0]))).toEqual([large, wide].map((picture) => [...blended(picture, 0)]));
});

test("the signal's reason ends it between two windows", async () => {
  const { engine, inputs } = placesEngine(1);
  const controller = new AbortController();
  const stopping = {
    load: async () => undefined,
    run: async (name: string, given: Feeds) => {
      if (inputs.length === 1) controller.abort(new Error("enough"));
      return await engine.run(name, given);
    },
  };
  const graph = classifierGraph(config, { batch: 1, kept: "all" });
  const run = {
    ...{ engine: stopping as unknown as Engine, feeds, graph, batches: batchesOf([large]), batchSize: 1, size },
    ...{ windowOverlap: 0.5, signal: controller.signal },
  };
  await expect(runImages(run).next()).rejects.toThrow("enough");
  expect(inputs.length).toBeLessThan(slidingWindows(large, size, 0.5).length);
});
