import { describe, expect, test } from "vitest";
import { lrAt, lrFromBase } from "../../../../src/engine/optim/schedule.ts";
import { finetuneGroups, layerIdOf, pretrainGroups } from "../../../../src/method/models/parameter-groups.ts";

describe("lrAt", () => {
  const schedule = { lr: 8e-4, minLr: 1e-6, warmupEpochs: 4, epochs: 12 };
  test("rises linearly from 0, peaks after warm-up, ends at minLr", () => {
    expect(lrAt(schedule, 0)).toBe(0);
    expect(lrAt(schedule, 1)).toBeCloseTo(2e-4, 18);
    expect(lrAt(schedule, 4)).toBe(8e-4);
    expect(lrAt(schedule, 8)).toBeCloseTo((8e-4 + 1e-6) / 2, 18);
    expect(lrAt(schedule, 12)).toBe(1e-6);
  });

  test("a schedule without warm-up starts at the peak, and one that is all warm-up ends there", () => {
    expect(lrAt({ ...schedule, warmupEpochs: 0 }, 0)).toBe(8e-4);
    expect(lrAt({ ...schedule, warmupEpochs: 12 }, 12)).toBe(8e-4);
  });

  test("the base learning rate belongs to 256 images", () => {
    expect(lrFromBase(1e-3, 64)).toBe(2.5e-4);
  });
});

describe("parameter groups", () => {
  const tensors = [
    { name: "cls_token", shape: [1, 1, 8] },
    { name: "mask_token", shape: [1, 1, 8] },
    { name: "pos_embed", shape: [1, 5, 8] },
    { name: "patch_embed.proj.weight", shape: [8, 3, 2, 2] },
    { name: "blocks.0.norm1.weight", shape: [8] },
    { name: "blocks.11.mlp.fc1.weight", shape: [32, 8] },
    { name: "blocks.11.mlp.fc1.bias", shape: [32] },
    { name: "fc_norm.weight", shape: [8] },
    { name: "head.weight", shape: [3, 8] },
  ];

  test("pre-training decays matrices and tokens, not vectors", () => {
    const groups = pretrainGroups(tensors, 0.05);
    const decaying = [...groups].filter(([, group]) => group.weightDecay === 0.05).map(([name]) => name);
    expect(decaying).toEqual([
      "cls_token",
      "mask_token",
      "pos_embed",
      "patch_embed.proj.weight",
      "blocks.11.mlp.fc1.weight",
      "head.weight",
    ]);
    expect([...groups.values()].every(({ lrScale }) => lrScale === 1)).toBe(true);
  });

  test("a bias never decays in pre-training, whatever its rank", () => {
    expect(pretrainGroups([{ name: "a.bias", shape: [2, 2] }], 0.05).get("a.bias")?.weightDecay).toBe(0);
  });

  test("fine-tuning learns slower towards the input and decays no token", () => {
    const groups = finetuneGroups(tensors, { depth: 12, weightDecay: 0.05, layerDecay: 0.5 });
    expect(groups.get("cls_token")).toEqual({ lrScale: 0.5 ** 13, weightDecay: 0 });
    expect(groups.get("pos_embed")).toEqual({ lrScale: 0.5 ** 13, weightDecay: 0 });
    expect(groups.get("blocks.0.norm1.weight")).toEqual({ lrScale: 0.5 ** 12, weightDecay: 0 });
    expect(groups.get("blocks.11.mlp.fc1.weight")).toEqual({ lrScale: 0.5, weightDecay: 0.05 });
    expect(groups.get("head.weight")).toEqual({ lrScale: 1, weightDecay: 0.05 });
  });

  test("layer ids: tokens and patches 0, block i is i + 1, the rest depth + 1", () => {
    expect(tensors.map(({ name }) => layerIdOf(name, 12))).toEqual([0, 13, 0, 0, 1, 12, 12, 13, 13]);
  });
});
