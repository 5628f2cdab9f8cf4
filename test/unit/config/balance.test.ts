import { describe, expect, test } from "vitest";
import { configNotes, resolveConfig, resolveOptions } from "../../../src/config/resolve.ts";
import { verbs } from "../../../src/config/verbs/index.ts";

const start = { dataPath: "images", outputDir: "run", init: "scratch" } as const;
const read = (flags: Record<string, string>) =>
  resolveConfig(verbs.finetune, { flags: { dataPath: "images", outputDir: "run", init: "scratch", ...flags } });

test("mixing and balancing are off unless asked for", () => {
  expect(resolveOptions(verbs.finetune, start)).toMatchObject({
    mixup: 0,
    cutmix: 0,
    mixupProb: 1,
    mixupSwitchProb: 0.5,
    mixupMode: "batch",
    mixupOffEpoch: 0,
    sampling: "natural",
    classWeights: "none",
    loss: "ce",
  });
});

test("timm's spellings are flags", () => {
  const options = read({ mixup: "0.8", cutmix_minmax: "0.2,0.8", "mixup-mode": "elem", mixup_off_epoch: "90" });
  expect(options).toMatchObject({ mixup: 0.8, cutmixMinmax: [0.2, 0.8], mixupMode: "elem", mixupOffEpoch: 90 });
});

describe("class weights", () => {
  test.each(["none", "balanced", "1,2.5,.5", "0, 1"])("%j is taken", (classWeights) => {
    expect(read({ classWeights }).classWeights).toBe(classWeights);
  });

  test("a list of a configuration file becomes text", () => {
    expect(resolveOptions(verbs.finetune, { ...start, classWeights: [1, 2.5, 0] }).classWeights).toBe("1,2.5,0");
  });

  test.each(["even", "1", "1,-2", "0,0", "1,,2", "1,Infinity", "1,1e999"])("%j is refused", (classWeights) => {
    expect(() => read({ classWeights })).toThrow(/classWeights: expected none, balanced, or numbers/);
  });
});

test("an odd batch cannot be mixed", () => {
  expect(() => read({ mixup: "1", batchSize: "7" })).toThrow(/batchSize: expected an even number/);
  expect(() => read({ cutmixMinmax: "0.2,0.5", batchSize: "7" })).toThrow(/batchSize: expected an even number/);
  expect(read({ batchSize: "7" }).batchSize).toBe(7);
});

test("bounds of a box must be in order", () => {
  expect(() => read({ cutmixMinmax: "0.8,0.2" })).toThrow(/cutmixMinmax: expected the smaller share first/);
  expect(() => read({ cutmixMinmax: "0.2,0.4,0.8" })).toThrow(/cutmixMinmax: expected two shares/);
});

test("a gamma without the focal loss is refused, not left unused", () => {
  expect(() => read({ focalGamma: "2" })).toThrow(/focalGamma: expected the focal loss/);
  expect(read({ focalGamma: "0", loss: "focal" }).focalGamma).toBe(0);
});

test("balancing twice is told", () => {
  const twice = read({ sampling: "balanced", classWeights: "balanced" });
  expect(configNotes(verbs.finetune, twice)).toEqual([expect.stringContaining("balancing them twice")]);
  expect(configNotes(verbs.finetune, read({ sampling: "balanced" }))).toEqual([]);
});
