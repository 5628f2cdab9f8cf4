import { describe, expect, test } from "vitest";
import { type FinetuneInput, resolveRun, verbs } from "../../../../src/config/index.ts";
import type { Batch } from "../../../../src/data/loader/loader.ts";
import { sortedNodes } from "../../../../src/engine/graph/graph.ts";
import type { Feeds } from "../../../../src/engine/runtime/program.ts";
import { wholeImage } from "../../../../src/geometry/geometry.ts";
import { mixImages, mixPatchWeights, mixTargets } from "../../../../src/images/mixing/apply.ts";
import { drawMixes } from "../../../../src/images/mixing/draw.ts";
import { Normalizer } from "../../../../src/images/transforms/normalize.ts";
import { classTargets, FeedBuilder } from "../../../../src/method/feeds.ts";
import { attentionOrder } from "../../../../src/method/masking/selection.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { MapBank } from "../../../../src/training/maps/map-bank.ts";
import type { PreparedBatch } from "../../../../src/training/task.ts";
import { finetuneTask } from "../../../../src/training/tasks/finetune-task.ts";

const config = {
  inputHeight: 4,
  inputWidth: 6,
  patchSize: 2,
  inChans: 1,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
  globalPool: "avg",
} as const;
const size = { height: 4, width: 6, channels: 1 };
const feeds = new FeedBuilder(config, new Normalizer(1, { mean: [0.5], std: [0.25] }));

/** A task whose loader gives the one batch that stands in `next`. */
function taskOf(
  input: Partial<FinetuneInput>,
  maps: number[][] = [],
  classWeights = "none",
  onEvent?: (event: RunEvent) => void,
) {
  const base = {
    dataPath: "images",
    outputDir: "run",
    init: "scratch",
    batchSize: 4,
    epochs: 10,
    dropPath: 0,
  } as const;
  const options = resolveRun(verbs.finetune, {
    ...base,
    inChans: 1,
    mean: [0.5],
    std: [0.25],
    seed: 5,
    classWeights,
    ...input,
  });
  const samples = ["a", "b", "c", "c"].map((name, i) => ({ path: `${i}`, label: ["a", "b", "c"].indexOf(name) }));
  const next: { batch?: Batch } = {};
  const loader = {
    samples,
    options: { inputHeight: 4, inputWidth: 6, channels: 1 },
    async *epoch({ startBatch }: { startBatch: number }) {
      yield { ...next.batch, batch: startBatch };
    },
  };
  const folder = { classNames: ["a", "b", "c"], splits: { train: samples, val: [], test: [] } };
  // Only these parts of a run are used before its epochs begin.
  const context = { options, plan: { config }, data: { folder }, loader, hooks: { onEvent } } as unknown as Parameters<
    typeof finetuneTask
  >[0];
  const task = finetuneTask(context);
  const bank = new MapBank(4, 6, options.seed, { ...config, mapCrop: "aligned" });
  maps.forEach((map, image) => {
    bank.set(image, map);
  });
  task.restore?.(bank.state());
  return { options, bank, task, next };
}

const labels = Int32Array.of(0, 2, 1, 1);
const pixels = () => Uint8Array.from({ length: 96 }, (_, i) => i * 37 + (i >> 3));
const batchOf = (indices = [0, 1, 2, 3], repeats = [0, 0, 0, 0]): Batch => ({
  batch: 0,
  indices: Uint32Array.from(indices),
  repeats: Uint32Array.from(repeats),
  target: { kind: "class", labels },
  images: pixels(),
  coverages: [],
  originals: [],
  geometries: indices.map(() => wholeImage(4, 6)),
  paths: indices.map(String),
  groups: indices.map(String),
  release: () => undefined,
});
/** The feeds of an epoch that shows all patches, or masks some. */
async function feedsOf(
  { task, next }: ReturnType<typeof taskOf>,
  epoch: number,
  batchIndex: number,
  batch = batchOf(),
): Promise<Feeds> {
  next.batch = batch;
  const { value } = await task.phase(epoch).batches(epoch, batchIndex).next();
  return (value as PreparedBatch).feeds;
}
/** Patches of image `b` that the encoder sees. */
const keptOf = (got: Feeds, b: number) =>
  [...(got.positions as BigInt64Array)].filter((_, at) => at % 4 === b).map((position) => Number(position) - 1);

const mixing: Partial<FinetuneInput> = { mixup: 0.8, cutmix: 1, mixupMode: "elem" };
/** Of a map on the left, on the right, above and below. */
const maps = [
  [9, 1, 0, 9, 1, 0],
  [0, 1, 9, 0, 1, 9],
  [5, 5, 5, 0, 0, 0],
  [0, 0, 0, 5, 5, 5],
];
const everywhere: Partial<FinetuneInput> = { maskRatio: 0, throwRatio: 0 };

describe("mixing in fine-tuning", () => {
  test("images and targets are mixed alike, drawn from the seed, the epoch and the batch", async () => {
    const made = taskOf({ ...mixing, ...everywhere });
    const got = await feedsOf(made, 3, 7);
    const mixes = drawMixes(made.options, { batch: 4, ...size }, RandomStream.for(5, "mixing", 3, 7));
    const images = pixels();
    mixImages(images, mixes, size);
    expect(images).not.toEqual(pixels());
    expect(got.patches).toEqual(feeds.whole(images, 4).patches);
    expect(got.classTargets).toEqual(mixTargets(classTargets(labels, 3, 0.1), mixes));
    expect(await feedsOf(made, 3, 7)).toEqual(got);
    expect((await feedsOf(made, 3, 6)).classTargets).not.toEqual(got.classTargets);
    expect((await feedsOf(made, 2, 7)).classTargets).not.toEqual(got.classTargets);
  });

  test("stops at mixupOffEpoch", async () => {
    const made = taskOf({ ...mixing, ...everywhere, mixupOffEpoch: 4 });
    expect((await feedsOf(made, 3, 0)).classTargets).not.toEqual(classTargets(labels, 3, 0.1));
    const plain = await feedsOf(made, 4, 0);
    expect(plain.classTargets).toEqual(classTargets(labels, 3, 0.1));
    expect(plain.patches).toEqual(feeds.whole(pixels(), 4).patches);
  });

  test("the masks follow the maps of both images", async () => {
    const made = taskOf({ ...mixing, maskRatio: 0.34, throwRatio: 0.17 }, maps);
    const mixes = drawMixes(made.options, { batch: 4, ...size }, RandomStream.for(5, "mixing", 2, 1));
    const weights = maps.map((_, image) => made.bank.weights(image, wholeImage(4, 6)));
    const got = await feedsOf(made, 2, 1);
    const differing = mixes.filter((mix, b) => {
      const [own, other] = [weights[b], weights[3 - b]] as [Float32Array, Float32Array];
      const stream = () => RandomStream.for(5, "masks", 2, b);
      const { order } = attentionOrder(mixPatchWeights(own, other, mix, { width: 6, patchSize: 2 }), stream());
      expect(keptOf(got, b)).toEqual([...order.subarray(3)]);
      return String(attentionOrder(own, stream()).order.subarray(3)) !== String(order.subarray(3));
    });
    expect(differing.length).toBeGreaterThan(0);
  });

  test("an image that comes twice in an epoch is masked in two ways", async () => {
    const made = taskOf({ maskRatio: 0.5, throwRatio: 0 });
    const twice = await feedsOf(made, 0, 0, batchOf([2, 2, 2, 2], [0, 1, 2, 3]));
    const orders = new Set([0, 1, 2, 3].map((b) => String(keptOf(twice, b))));
    expect(orders.size).toBeGreaterThan(1);
    const same = await feedsOf(made, 0, 0, batchOf([2, 2, 2, 2]));
    expect(new Set([0, 1, 2, 3].map((b) => String(keptOf(same, b)))).size).toBe(1);
  });
});

test("class weights scale the targets of their class", async () => {
  const got = (await feedsOf(taskOf(everywhere, [], "1,4,0.5"), 0, 0)).classTargets as Float32Array;
  const plain = classTargets(labels, 3, 0.1);
  expect([...got]).toEqual([...plain].map((target, at) => Math.fround(target * ([1, 4, 0.5][at % 3] as number))));
});

test("the focal loss is asked for by name", async () => {
  const logarithms = (input: Partial<FinetuneInput>) => {
    const { graph } = taskOf({ ...everywhere, ...input }).task.phase(0);
    return sortedNodes([...graph.outputs.values()]).filter(({ op }) => op === "Log").length;
  };
  expect(logarithms({})).toBe(0);
  expect(logarithms({ loss: "focal" })).toBe(1);
});

describe("a share of patches that rises over the epochs", () => {
  const rising: Partial<FinetuneInput> = { keepSchedule: "0:0.5,4:0.67,80%:1" };

  test("feeds the draw's later patches, more of them stage by stage, and at the end whole images", async () => {
    const made = taskOf(rising, maps);
    for (const [epoch, kept] of [
      [0, 3],
      [3, 3],
      [4, 5],
      [7, 5],
    ] as const) {
      const got = await feedsOf(made, epoch, 0);
      for (const [b] of maps.entries()) {
        const weights = made.bank.weights(b, wholeImage(4, 6));
        const { order } = attentionOrder(weights, RandomStream.for(5, "masks", epoch, b));
        expect(keptOf(got, b)).toEqual([...order.subarray(6 - kept)]);
      }
    }
    for (const epoch of [8, 9])
      expect((await feedsOf(made, epoch, 0)).patches).toEqual(feeds.whole(pixels(), 4).patches);
  });

  test("runs one graph for each number of patches, the same object as long as it lasts", () => {
    const { task } = taskOf({ keepSchedule: "0:0.5,3:0.67,5:0.7,80%:1" });
    const phases = Array.from({ length: 10 }, (_, epoch) => task.phase(epoch));
    // 0.67 and 0.7 of six patches are five.
    expect(phases.map(({ graph }) => graph.name)).toEqual([
      ...["finetune-3", "finetune-3", "finetune-3"],
      ...["finetune-5", "finetune-5", "finetune-5", "finetune-5", "finetune-5"],
      ...["finetune-all", "finetune-all"],
    ]);
    expect(new Set(phases).size).toBe(3);
  });

  test("is the same as --full-token-epochs where it has one step", async () => {
    const stepped = taskOf({ keepSchedule: "0:0.25,8:1" }, maps);
    const counted = taskOf({ fullTokenEpochs: 2 }, maps);
    for (const epoch of [0, 7, 8, 9]) {
      expect(await feedsOf(stepped, epoch, 0)).toEqual(await feedsOf(counted, epoch, 0));
      expect(stepped.task.phase(epoch).graph.name).toBe(counted.task.phase(epoch).graph.name);
    }
  });

  test("says when more patches run, and no more maps are made once all do", async () => {
    const said: string[] = [];
    const { task } = taskOf({ ...rising, mapInterval: 8 }, maps, "none", (event) => {
      if (event.type === "note" && /patches/.test(event.message)) said.push(event.message);
    });
    expect(said).toEqual([
      "fine-tuning by MSMAE, 50 % of the patches, chosen by attention, rising to all (0:0.5,4:0.67,80%:1)",
    ]);
    // Epochs 1 to 9: the maps would be made before 0 and 8, for which this run has no engine.
    for (let epoch = 1; epoch < 10; epoch++) await task.beforeEpoch?.(epoch);
    expect(said.slice(1)).toEqual(["5 of 6 patches run from epoch 4 on", "6 of 6 patches run from epoch 8 on"]);
  });
});
