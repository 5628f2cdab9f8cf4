import { describe, expect, test } from "vitest";
import { resolveRun, type SegmentInput, verbs } from "../../../../src/config/index.ts";
import type { Batch } from "../../../../src/data/loader/loader.ts";
import type { Feeds } from "../../../../src/engine/runtime/program.ts";
import { type Geometry, wholeImage } from "../../../../src/geometry/geometry.ts";
import { Normalizer } from "../../../../src/images/transforms/normalize.ts";
import { FeedBuilder, placesOf } from "../../../../src/method/feeds.ts";
import { attentionOrder, selectAttended } from "../../../../src/method/masking/selection.ts";
import { type SegmenterConfig, segmenterSpecs } from "../../../../src/method/models/segmenter.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { MapBank } from "../../../../src/training/maps/map-bank.ts";
import type { PreparedBatch } from "../../../../src/training/task.ts";
import { segmentTask } from "../../../../src/training/tasks/segment-task.ts";
import { evaluate, parameterValues, randomInputs } from "../../../support/micro-graphs.ts";

// 2×3 patches of 2×2 pixels.
const config: SegmenterConfig = {
  inputHeight: 4,
  inputWidth: 6,
  patchSize: 2,
  inChans: 1,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
  head: "light",
  headWidth: 4,
  taps: [0],
  deepSupervision: false,
};
const feeds = new FeedBuilder(config, new Normalizer(1, { mean: [0.5], std: [0.25] }));
const BATCH = 2;
const pixels = () => Uint8Array.from({ length: BATCH * 24 }, (_, i) => i * 37 + (i >> 3));
const classes = () => Uint8Array.from({ length: BATCH * 24 }, (_, i) => i % 3);

/** A task whose loader gives one batch, and the memory of its masks. */
function taskOf(input: Partial<SegmentInput>, maps: number[][] = [], geometries: Geometry[] = []) {
  const base = { dataPath: "images", outputDir: "run", init: "scratch", batchSize: BATCH, epochs: 8, seed: 5 } as const;
  const colours = { inChans: 1, mean: [0.5], std: [0.25], rot90: false } as const;
  const options = resolveRun(verbs.segment, { ...base, ...colours, ...input });
  const memory = classes();
  const batch: Batch = {
    batch: 0,
    indices: Uint32Array.of(1, 0),
    repeats: Uint32Array.of(0, 0),
    target: { kind: "mask", classes: memory },
    images: pixels(),
    coverages: [],
    originals: [],
    geometries: [0, 1].map((b) => geometries[b] ?? wholeImage(4, 6)),
    paths: ["1", "0"],
    groups: ["1", "0"],
    release: () => void memory.fill(99),
  };
  const samples = ["0", "1"].map((path) => ({ path, label: 0, masks: [] }));
  const loader = {
    samples,
    options: { inputHeight: 4, inputWidth: 6, channels: 1 },
    async *epoch() {
      yield batch;
    },
  };
  const folder = { maskClasses: ["background", "a", "b"], splits: { train: samples, val: [], test: [] } };
  const warnings: string[] = [];
  const onEvent = (event: { type: string; message?: string }) => void (event.message && warnings.push(event.message));
  // Only these parts of a run are used before its epochs begin.
  const context = { options, plan: { config }, data: { folder }, loader, hooks: { onEvent } };
  const task = segmentTask(context as unknown as Parameters<typeof segmentTask>[0]);
  const bank = new MapBank(2, 6, options.seed, { ...config, mapCrop: "aligned" });
  for (const [image, map] of maps.entries()) bank.set(image, map);
  task.restore?.(bank.state());
  return { task, bank, memory, warnings };
}

async function feedsOf({ task }: ReturnType<typeof taskOf>, epoch: number): Promise<Feeds> {
  const { value } = await task.phase(epoch).batches(epoch, 0).next();
  return (value as PreparedBatch).feeds;
}

test("whole images are fed with their classes, whose memory may be used again at once", async () => {
  const made = taskOf({});
  const got = await feedsOf(made, 0);
  expect(Object.keys(got).sort()).toEqual(["classes", "patches"]);
  expect(got.patches).toEqual(feeds.whole(pixels(), BATCH).patches);
  made.memory.fill(99);
  expect(got.classes).toEqual(classes());
  expect(made.task.phase(0)).toBe(made.task.phase(7));
  expect(made.task.state).toBeUndefined();
});

describe("a budget of half the patches", () => {
  const budget: Partial<SegmentInput> = { keepRatio: 0.5, fullTokenEpochs: 2 };
  // Of image 0 and image 1, which come the other way round in the batch.
  const maps = [
    [9, 1, 0, 9, 1, 0],
    [0, 1, 9, 0, 1, 9],
  ];
  const selections = (bank: MapBank, epoch: number, geometries = [wholeImage(4, 6), wholeImage(4, 6)]) =>
    [1, 0].map((image, b) => {
      const weights = bank.weights(image, geometries[b] as Geometry);
      return selectAttended(attentionOrder(weights, RandomStream.for(5, "masks", epoch, image)).order, {
        kept: 3,
        masked: 0,
        thrown: 0,
      });
    });

  test("feeds the patches that its draw of the maps puts first, says their places, and leaves the others' pixels out", async () => {
    const made = taskOf(budget, maps);
    const orders = new Set<string>();
    for (let epoch = 0; epoch < 6; epoch++) {
      const got = await feedsOf(made, epoch);
      const chosen = selections(made.bank, epoch);
      const expected = feeds.kept(pixels(), chosen);
      expect(got.patches).toEqual(expected.patches);
      expect(got.positions).toEqual(expected.positions);
      expect(got.places).toEqual(placesOf(chosen, 6));
      const masks = classes();
      for (const [b, { kept }] of chosen.entries()) {
        for (let i = 0; i < 24; i++) {
          const patch = Math.floor(Math.floor(i / 6) / 2) * 3 + Math.floor((i % 6) / 2);
          if (!kept.includes(patch)) masks[b * 24 + i] = IGNORED;
        }
      }
      expect(got.classes).toEqual(masks);
      // The loader's own memory stays as it is.
      expect(made.memory.includes(IGNORED)).toBe(false);
      made.memory.set(classes());
      orders.add(String(chosen.map(({ kept }) => [...kept])));
    }
    // Each epoch draws anew; patches of weight 0 come last.
    expect(orders.size).toBeGreaterThan(1);
  });

  test("ends with the last epochs, which run on all patches", async () => {
    const made = taskOf(budget, maps);
    expect(made.task.phase(5).graph.name).not.toBe(made.task.phase(6).graph.name);
    expect((await feedsOf(made, 6)).classes).toEqual(classes());
    expect(await feedsOf(made, 7)).not.toHaveProperty("places");
    expect(taskOf({ ...budget, fullTokenEpochs: 0 }, maps).task.phase(7).graph.name).toContain("-3");
    expect(made.task.state?.()).toEqual(made.bank.state());
  });

  test("follows the images' geometry", async () => {
    const mirrored: Geometry = { ...wholeImage(4, 6), flip: true };
    const geometries = [mirrored, wholeImage(4, 6)];
    const got = await feedsOf(taskOf(budget, maps, geometries), 0);
    const { bank } = taskOf(budget, maps);
    expect(got.places).toEqual(placesOf(selections(bank, 0, geometries), 6));
    expect(got.places).not.toEqual(placesOf(selections(bank, 0), 6));
  });

  test("is drawn evenly from maps of zeros, with a warning", async () => {
    const made = taskOf(budget, [new Array(6).fill(0), new Array(6).fill(0)]);
    const got = await feedsOf(made, 0);
    expect(got.classes?.filter((value) => value !== IGNORED)).toHaveLength(2 * 12);
    expect(made.warnings).toHaveLength(1);
  });
});

test("the loss and its weights are those of the options", () => {
  const specs = segmenterSpecs(config);
  const values = parameterValues(specs);
  const lossOf = (input: Partial<SegmentInput>) => {
    const { graph } = taskOf(input).task.phase(0);
    const given = { ...values, classes: Float64Array.from(classes()) };
    return evaluate(graph, { ...given, ...randomInputs(graph, given) }, "loss")[0] as number;
  };
  const tversky = (falsePositives: number, falseNegatives: number) =>
    lossOf({ loss: "tversky", tversky: [falsePositives, falseNegatives] });
  // What keeps both from dividing by zero counts twice as much in the one as in the other.
  expect(tversky(0.5, 0.5)).toBeCloseTo(lossOf({ loss: "dice" }), 5);
  expect(tversky(0.3, 0.7)).toBeCloseTo(lossOf({ loss: "tversky" }), 12);
  expect(Math.abs(tversky(0.3, 0.7) - tversky(0.7, 0.3))).toBeGreaterThan(1e-6);
  expect(lossOf({ loss: "focal", focalGamma: 2 })).toBeCloseTo(lossOf({ loss: "focal" }), 12);
  expect(lossOf({ loss: "focal", focalGamma: 0 })).toBeGreaterThan(lossOf({ loss: "focal" }));
  expect(lossOf({ loss: "ce-dice" })).toBeGreaterThan(lossOf({ loss: "bce-dice" }));
});
