import { expect, test } from "vitest";
import type { Graph } from "../../../src/engine/graph/graph.ts";
import type { Feeds } from "../../../src/engine/runtime/program.ts";
import type { Engine } from "../../../src/engine/thread/engine.ts";
import { Normalizer } from "../../../src/images/transforms/normalize.ts";
import { gather } from "../../../src/inference/assess.ts";
import { attentionGraph, attentionMapsOf } from "../../../src/inference/attention.ts";
import { classes, likeliest, softmaxRows } from "../../../src/inference/outcomes/classes.ts";
import type { TruthBatch } from "../../../src/inference/outcomes/outcome.ts";
import { type BatchRun, forBatchSize } from "../../../src/inference/run-batches.ts";
import { FeedBuilder } from "../../../src/method/feeds.ts";
import { classifierGraph } from "../../../src/method/models/classifier.ts";

const config = {
  inputHeight: 2,
  inputWidth: 4,
  patchSize: 2,
  inChans: 1,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 2,
  globalPool: "avg",
} as const;
const feeds = new FeedBuilder(config, new Normalizer(1, { mean: [0], std: [1] }));

type Answer = (feeds: Feeds, run: number) => Record<string, Float32Array>;

/** An engine that notes what it is asked and answers as told, later. */
function fakeEngine(answer: Answer): { engine: Engine; loaded: string[]; fed: Float32Array[] } {
  const loaded: string[] = [];
  const fed: Float32Array[] = [];
  const engine = {
    load: async ({ name }: Graph) => void loaded.push(name),
    run: async (name: string, given: Feeds) => {
      expect(name).toBe(loaded.at(-1));
      const run = fed.push(given.patches as Float32Array) - 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return answer(given, run);
    },
  };
  // Only these two are used here.
  return { engine: engine as unknown as Engine, loaded, fed };
}

/** Batches of one-colour images in one buffer, which is overwritten as soon as it is released. */
async function* batchesOf(...sizes: number[]): AsyncGenerator<TruthBatch> {
  const buffer = new Uint8Array(8 * Math.max(...sizes));
  let next = 0;
  for (const size of sizes) {
    const indices = Uint32Array.from({ length: size }, () => next++);
    const images = buffer.subarray(0, size * 8);
    for (const [b, index] of indices.entries()) images.fill(51 * index, b * 8, (b + 1) * 8);
    const target = { kind: "class" as const, labels: Int32Array.from(indices, (index) => index % 2) };
    const paths = Array.from(indices, (index) => `${index}.png`);
    const originals = paths.map(() => undefined);
    yield { indices, target, images, paths, groups: paths, originals, release: () => void buffer.fill(255) };
  }
}

/** logits [mean grey level, 0] of each image, read off the token-major patches [2 · batch, 4]. */
const greyLevels: Answer = ({ patches = new Float32Array() }) => {
  const batch = patches.length / 8;
  return { logits: Float32Array.from({ length: 2 * batch }, (_, i) => (i % 2 ? 0 : Number(patches[(i / 2) * 4]))) };
};

const graphOf = (batch: number) => forBatchSize(classifierGraph(config, { batch, kept: "all" }), batch);

/** What is gathered of a classifier's outputs. */
async function classify(run: Omit<BatchRun<TruthBatch>, "graph" | "feeds"> & { onProgress?: (done: number) => void }) {
  const gatherer = classes.gather({ classNames: ["a", "b"] });
  const size = { height: config.inputHeight, width: config.inputWidth };
  await gather({ ...run, graph: graphOf(run.batchSize), feeds, size, gatherer });
  return gatherer.finish();
}

test("gathering keeps the order of the batches, fills up the last and copies images before it releases them", async () => {
  const { engine, loaded, fed } = fakeEngine(greyLevels);
  const progress: number[] = [];
  const onProgress = (done: number) => void progress.push(done);
  const result = await classify({ engine, batches: batchesOf(2, 2, 1), batchSize: 2, onProgress });
  expect(loaded).toEqual([graphOf(2).name]);
  expect(fed.map(({ length }) => length)).toEqual([16, 16, 16]);
  expect([...result.indices]).toEqual([0, 1, 2, 3, 4]);
  expect([...result.labels]).toEqual([0, 1, 0, 1, 0]);
  expect(result.paths).toEqual(["0.png", "1.png", "2.png", "3.png", "4.png"]);
  expect([...result.logits]).toEqual([0, 0.2, 0.4, 0.6, 0.8].flatMap((level) => [Math.fround(level), 0]));
  result.logits.forEach((_, i) => {
    const level = Math.fround(Math.floor(i / 2) * 0.2);
    const share = 1 / (1 + Math.exp(i % 2 ? level : -level));
    expect(result.probabilities[i]).toBeCloseTo(share, 12);
  });
  expect(progress).toEqual([2, 4, 5]);
});

test("gathering runs nothing for a batch without images", async () => {
  const { engine, fed } = fakeEngine(greyLevels);
  const result = await classify({ engine, batches: batchesOf(2, 0, 1), batchSize: 2 });
  expect(fed).toHaveLength(2);
  expect([...result.indices]).toEqual([0, 1, 2]);
  expect(result.logits).toHaveLength(6);
});

test("graphs of different batch sizes have different names", () => {
  expect(graphOf(2).name).not.toBe(graphOf(3).name);
  expect(attentionGraph(config, 2).name).not.toBe(attentionGraph(config, 3).name);
});

test("a run that fails ends gathering with its error, and leaves none unhandled", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const { engine } = fakeEngine((given, run) => {
    if (run >= 1) throw new Error(`run ${run}`);
    return greyLevels(given, run);
  });
  await expect(classify({ engine, batches: batchesOf(1, 1, 1), batchSize: 1 })).rejects.toThrow("run 1");
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("a signal ends gathering before its next batch, once the run in hand is over", async () => {
  const controller = new AbortController();
  let running = 0;
  const { engine, fed } = fakeEngine((given, run) => {
    running--;
    return greyLevels(given, run);
  });
  async function* batches() {
    for await (const batch of batchesOf(1, 1, 1)) {
      if (batch.indices[0] === 1) controller.abort(new Error("enough"));
      running++;
      yield batch;
    }
  }
  const input = { engine, batches: batches(), batchSize: 1, signal: controller.signal };
  await expect(classify(input)).rejects.toThrow("enough");
  expect(fed).toHaveLength(1);
  // The first run is over; the second batch was given and not run.
  expect(running).toBe(1);
});

test("attentionMapsOf scales each head to [0, 1] and averages: [2 heads, cls + 2 patches]", async () => {
  // Heads of image b: [cls, 0.1, 0.3] and [cls, 0.5 + b, 0.5]; a head that is flat counts as 0.
  const { engine, loaded } = fakeEngine(({ patches = new Float32Array() }) => {
    const rows = Array.from({ length: patches.length / 8 }, (_, b) => [0.6, 0.1, 0.3, 0.2, 0.5 + b, 0.5]);
    return { attention: Float32Array.from(rows.flat()) };
  });
  const maps: number[][] = [];
  const onMaps = (indices: Uint32Array, weights: Float32Array) => void maps.push([...indices], [...weights]);
  await attentionMapsOf({ engine, config, feeds, batches: batchesOf(2, 1), batchSize: 2, onMaps });
  expect(loaded).toEqual([attentionGraph(config, 2).name]);
  expect(maps).toEqual([[0, 1], [0, 0.5, 0.5, 0.5], [2], [0, 0.5]]);
});

test("softmaxRows of huge and equal logits, row by row", () => {
  const rows = softmaxRows([1000, 1000, -5, -5 + Math.log(3), -1000, 1000], 2);
  [0.5, 0.5, 0.25, 0.75, 0, 1].forEach((value, i) => {
    expect(rows[i]).toBeCloseTo(value, 12);
  });
});

test("likeliest takes the first of equals", () => {
  expect(likeliest(Float64Array.of(0.2, 0.4, 0.4))).toBe(1);
});
