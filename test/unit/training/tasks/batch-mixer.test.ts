import { expect, test } from "vitest";
import { resolveRun, verbs } from "../../../../src/config/index.ts";
import type { Batch } from "../../../../src/data/loader/loader.ts";
import { wholeImage } from "../../../../src/geometry/geometry.ts";
import { batchMixer } from "../../../../src/training/tasks/batch-mixer.ts";

const config = { inputHeight: 4, inputWidth: 4, inChans: 1 } as Parameters<typeof batchMixer>[1];
const paths = { dataPath: "d", outputDir: "o", init: "scratch" } as const;
const mixerOf = (mixup: number) =>
  batchMixer(resolveRun(verbs.finetune, { ...paths, mixup, mixupOffEpoch: 2 }), config);

test("classes of pixels are not mixed: that is refused while mixing is on", () => {
  const batch: Batch = {
    batch: 0,
    indices: Uint32Array.of(0, 1),
    repeats: Uint32Array.of(0, 0),
    target: { kind: "mask", classes: new Uint8Array(32) },
    images: new Uint8Array(32),
    coverages: [],
    originals: [],
    geometries: [wholeImage(4, 4), wholeImage(4, 4)],
    paths: ["a", "b"],
    groups: ["a", "b"],
    release: () => undefined,
  };
  expect(() => mixerOf(0.8)(batch, 0, 0)).toThrow(/^mixup and cutmix: expected targets that can be mixed/);
  expect(mixerOf(0.8)(batch, 2, 0)).toBeUndefined();
  expect(mixerOf(0)(batch, 0, 0)).toBeUndefined();
});
