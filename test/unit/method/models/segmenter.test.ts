import { describe, expect, test } from "vitest";
import { segmenterKind } from "../../../../src/method/kinds/segmenter.ts";
import { segmentGroups } from "../../../../src/method/models/parameter-groups.ts";
import {
  defaultTaps,
  outputsOf,
  type SegmenterConfig,
  segmenterSpecs,
} from "../../../../src/method/models/segmenter.ts";

const config: SegmenterConfig = {
  inputHeight: 8,
  inputWidth: 12,
  patchSize: 4,
  inChans: 1,
  embedDim: 8,
  depth: 12,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 2,
  head: "light",
  headWidth: 6,
  taps: [3, 5, 7, 11],
  deepSupervision: false,
};

test.each([
  [12, [3, 5, 7, 11]],
  [24, [7, 11, 15, 23]],
  [32, [10, 15, 20, 31]],
  [6, [1, 2, 3, 5]],
  [2, [0, 1]],
  [1, [0]],
])("heads look after the paper's blocks, of %i blocks after %j", (depth, taps) => {
  expect(defaultTaps(depth)).toEqual(taps);
});

describe("the tensors", () => {
  const names = (more: Partial<SegmenterConfig> = {}) => segmenterSpecs({ ...config, ...more }).map(({ name }) => name);
  const headsOf = (keys: readonly string[]) =>
    new Set(keys.flatMap((name) => /^heads\.(Head\d)\./.exec(name)?.[1] ?? []));

  test("hold the last head, or under deep supervision one for each tap", () => {
    expect([...headsOf(names())]).toEqual(["Head3"]);
    expect([...headsOf(names({ deepSupervision: true }))]).toEqual(["Head0", "Head1", "Head2", "Head3"]);
    expect(names().filter((name) => /^(norm|fc_norm|head)\./.test(name))).toEqual([]);
  });

  test.each(["setr-pup", "setr-naive", "light"] as const)(
    "of %s give one value for two classes, else one for each",
    (head) => {
      for (const [numClasses, outputs] of [
        [2, 1],
        [3, 3],
        [7, 7],
      ] as const) {
        const specs = segmenterSpecs({ ...config, head, numClasses });
        const last = specs.filter(({ name }) => name.endsWith("weight")).at(-1);
        expect(last?.shape[0]).toBe(outputs);
        expect(outputsOf({ ...config, numClasses })).toBe(outputs);
      }
    },
  );

  test("tell the kind by their keys; a configuration whose taps are beyond the blocks is none", () => {
    expect(segmenterKind.recognises(new Set(names()))).toBe(true);
    expect(segmenterKind.recognises(new Set(["head.weight", "blocks.0.norm1.weight"]))).toBe(false);
    expect(segmenterKind.config.safeParse(config).success).toBe(true);
    expect(segmenterKind.config.safeParse({ ...config, taps: [12] }).success).toBe(false);
    expect(segmenterKind.config.safeParse({ ...config, numClasses: 1 }).success).toBe(false);
  });
});

describe("the optimiser's groups", () => {
  const trainable = segmenterSpecs(config).filter(({ role }) => role === "trainable");
  const options = { depth: 12, weightDecay: 0.05, layerDecay: 0.5 };

  test("of adam add the decay to the gradients of every tensor, tokens, norms and biases too", () => {
    const groups = segmentGroups(trainable, { ...options, optimizer: "adam" });
    expect([...groups.keys()].sort()).toEqual(trainable.map(({ name }) => name).sort());
    for (const [name, group] of groups) expect([name, group]).toMatchObject([name, { l2: 0.05, weightDecay: 0 }]);
  });

  test("of adamw shrink tensors of rank 2 and more that are no tokens", () => {
    const groups = segmentGroups(trainable, { ...options, optimizer: "adamw" });
    for (const { name, shape } of trainable) {
      const decays = shape.length > 1 && !["cls_token", "pos_embed"].includes(name);
      expect([name, groups.get(name)?.weightDecay]).toEqual([name, decays ? 0.05 : 0]);
      expect(groups.get(name)?.l2 ?? 0).toBe(0);
    }
  });

  test.each(["adam", "adamw"] as const)("of %s learn slower the earlier the layer, heads fastest", (optimizer) => {
    const groups = segmentGroups(trainable, { ...options, optimizer });
    const scale = (name: string) => groups.get(name)?.lrScale;
    expect(scale("patch_embed.proj.weight")).toBeCloseTo(0.5 ** 13, 15);
    expect(scale("cls_token")).toBeCloseTo(0.5 ** 13, 15);
    expect(scale("blocks.0.attn.qkv.weight")).toBeCloseTo(0.5 ** 12, 15);
    expect(scale("blocks.11.mlp.fc2.bias")).toBeCloseTo(0.5, 15);
    expect(scale("heads.Head3.cls_seg.weight")).toBe(1);
  });
});
