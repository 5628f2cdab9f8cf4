import { describe, expect, test } from "vitest";
import type { SegmentInput } from "../../../src/config/index.ts";
import { configNotes, resolveConfig, resolveRun } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";

const start = { dataPath: "images", outputDir: "run", init: "scratch" } as const;
const resolved = (more: Partial<SegmentInput> = {}) => resolveRun(verbs.segment, { ...start, ...more });

test("the defaults are the paper's recipe", () => {
  expect(resolved()).toMatchObject({
    ...{ model: "vit_base_patch16", epochs: 200, batchSize: 8, head: "setr-pup", headWidth: 256, loss: "bce-dice" },
    ...{ optimizer: "adam", lr: 1e-4, minLr: 1e-5, weightDecay: 1e-4, warmupEpochs: 0, layerDecay: 1 },
    ...{ deepSupervision: false, keepRatio: 1, cropMinScale: 1, hflip: 0, vflip: 0, rot90: true },
    inputSize: { height: 224, width: 224 },
  });
});

describe("what follows from other options", () => {
  test("the head's width, the weight decay and the quarter turns", () => {
    expect(resolved({ head: "light" }).headWidth).toBe(64);
    expect(resolved({ head: "setr-naive" }).headWidth).toBe(256);
    expect(resolved({ head: "light", headWidth: 7 }).headWidth).toBe(7);
    expect(resolved({ optimizer: "adamw" }).weightDecay).toBe(0.05);
    expect(resolved({ optimizer: "adamw", weightDecay: 0 }).weightDecay).toBe(0);
    expect(resolved({ inputSize: { height: 224, width: 320 } }).rot90).toBe(false);
    expect(resolved({ rot90: false }).rot90).toBe(false);
  });

  test("epochs on all patches and between maps, from the number of epochs", () => {
    expect(resolved()).toMatchObject({ fullTokenEpochs: 50, mapInterval: 20 });
    expect(resolved({ epochs: 30 })).toMatchObject({ fullTokenEpochs: 8, mapInterval: 3 });
    expect(resolved({ epochs: 1 })).toMatchObject({ fullTokenEpochs: 1, mapInterval: 1 });
    expect(resolved({ epochs: 30, fullTokenEpochs: 0, mapInterval: 7 })).toMatchObject({
      fullTokenEpochs: 0,
      mapInterval: 7,
    });
  });

  test("a start from a checkpoint, unless it is from scratch or goes on", () => {
    const { init: _, ...open } = start;
    expect(resolveRun(verbs.segment, { ...open, finetune: "a.safetensors" }).init).toBe("checkpoint");
    expect(() => resolveRun(verbs.segment, open)).toThrow(/finetune/);
  });
});

describe("checks", () => {
  test.each<[Partial<SegmentInput>, RegExp]>([
    [{ loss: "dice", focalGamma: 2 }, /focalGamma: expected --loss focal beside it, got --loss dice/],
    [{ tversky: [0.3, 0.7] }, /tversky: expected --loss tversky beside it, got --loss bce-dice/],
    [{ loss: "tversky", tversky: [1] }, /tversky: expected two weights .*, got \[1\]/],
    [{ loss: "tversky", tversky: [1, 2, 3] }, /tversky: expected two weights .*, got \[1,2,3\]/],
    [{ loss: "tversky", tversky: [0, 0] }, /tversky: expected two weights .*, got \[0,0\]/],
    [{ loss: "tversky", tversky: [-1, 2] }, /tversky/],
    [{ keepRatio: 0.005 }, /keepRatio: expected a share that keeps at least one patch, got 0\.005 of 196 patches/],
    [{ keepRatio: 0 }, /keepRatio/],
    [{ keepRatio: 1.1 }, /keepRatio/],
    [{ rot90: true, inputSize: { height: 224, width: 320 } }, /rot90: expected a square input size, got 224x320/],
    [{ model: "msmae_vit_base_patch16" }, /model/],
    [{ headWidth: 0 }, /headWidth/],
    [{ focalGamma: -1, loss: "focal" }, /focalGamma/],
  ])("%o is refused", (more, message) => {
    expect(() => resolved(more)).toThrow(message);
  });

  test("weights of one kind of error alone are taken, as are those of the loss they belong to", () => {
    expect(resolved({ loss: "tversky", tversky: [0, 1] }).tversky).toEqual([0, 1]);
    expect(resolved({ loss: "focal", focalGamma: 0 }).focalGamma).toBe(0);
    expect(resolved({ loss: "tversky" }).tversky).toBeUndefined();
    expect(resolved({ keepRatio: 0.0052 }).keepRatio).toBe(0.0052);
  });

  test("flags are read as the field's types", () => {
    const flags = { ...start, loss: "tversky", tversky: "0.3,0.7", "keep-ratio": "0.5", deep_supervision: "true" };
    const options = resolveConfig(verbs.segment, { flags });
    expect(options).toMatchObject({ tversky: [0.3, 0.7], keepRatio: 0.5, deepSupervision: true });
    expect(configNotes(verbs.segment, resolved())).toEqual([]);
  });
});
