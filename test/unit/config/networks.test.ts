import { expect, test } from "vitest";
import { type FinetuneInput, resolveConfig, resolveRun, toYaml, verbs } from "../../../src/config/index.ts";

const start = { dataPath: "images", outputDir: "run", init: "scratch" } as const;
const swin = "swin_tiny_patch4_window7";
const resolved = (more: Partial<FinetuneInput>) => resolveRun(verbs.finetune, { ...start, ...more });

test("a ResNet takes whole images, with nothing of vision transformers", () => {
  const options = resolved({ model: "resnet18" });
  expect(options).toMatchObject({ layerDecay: 1, dropPath: 0, maskRatio: 0, throwRatio: 0 });
  expect([options.method, options.patchSize]).toEqual([undefined, undefined]);
  // Sides need not be whole patches.
  expect(resolved({ model: "resnet18", inputSize: 75 }).inputSize).toEqual({ height: 75, width: 75 });
});

test("a vision transformer keeps the paper's defaults", () => {
  expect(resolved({})).toMatchObject({ method: "msmae", layerDecay: 0.75, dropPath: 0.1, patchSize: 16 });
});

test("a Swin Transformer has patches and blocks to skip, and nothing else of vision transformers", () => {
  const options = resolved({ model: swin });
  expect(options).toMatchObject({ patchSize: 4, layerDecay: 1, dropPath: 0.1, maskRatio: 0, throwRatio: 0 });
  expect(options.method).toBeUndefined();
  expect(resolved({ model: swin, dropPath: 0.2 }).dropPath).toBe(0.2);
  expect(() => resolved({ model: swin, inputSize: 30 })).toThrow(/sides divisible by the patch size 4/);
  expect(() => resolved({ model: swin, maskRatio: 0.5 })).toThrow(/maskRatio/);
});

test.each(["resnet18", swin])("the options of a run with %s, read again, are the same", (model) => {
  const options = resolved({ model });
  expect(resolveConfig(verbs.finetune, { file: toYaml(verbs.finetune, options) })).toEqual(options);
});

test.each<[Partial<FinetuneInput>, RegExp]>([
  [{ method: "vit" }, /method: expected an option that resnet18 takes: .* got "vit".*--method/],
  [{ maskRatio: 0.45 }, /maskRatio: .* vision transformers alone, got 0\.45.*--mask-ratio/],
  [{ throwRatio: 0.3 }, /throwRatio: .* got 0\.3/],
  [{ layerDecay: 0.75 }, /layerDecay: .* got 0\.75/],
  [{ dropPath: 0.1 }, /dropPath: .* no blocks to skip, got 0\.1/],
  [{ globalPool: "cls" }, /globalPool: .* got "cls"/],
  [{ mapCrop: "reference" }, /mapCrop: .* got "reference"/],
  [{ fullTokenEpochs: 2 }, /fullTokenEpochs: .* got 2/],
  [{ keepSchedule: "linear" }, /keepSchedule: .* vision transformers alone, got "linear".*--keep-schedule/],
  [{ patchSize: 16 }, /patchSize: .* sees pixels, got 16/],
  [{ recompute: "blocks" }, /recompute: .* vision transformers alone, got "blocks".*--recompute/],
  [{ precision: "int8" }, /precision: .* vision transformers alone, got "int8".*--precision/],
])("what it does not take is named: %j", (more, message) => {
  expect(() => resolved({ model: "resnet18", ...more })).toThrow(message);
});

test("a start is asked for by name, as that of vision transformers is", () => {
  const { init: _, ...open } = start;
  expect(() => resolveRun(verbs.finetune, { ...open, model: "resnet18" })).toThrow(/a checkpoint to start from/);
});
