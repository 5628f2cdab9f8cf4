import { expect, test } from "vitest";
import { modelNames } from "../../../../src/inference/comparison/model-names.ts";

test.each([
  [
    ["runs/msmae/best.safetensors", "runs/vit/best.safetensors"],
    ["msmae", "vit"],
  ],
  [
    ["runs/a/best.safetensors", "runs/a/last.safetensors"],
    ["best", "last"],
  ],
  [
    ["a.safetensors", "b.safetensors"],
    ["a", "b"],
  ],
  [
    ["x/a/best.safetensors", "x/a/last.safetensors", "x/b/last.safetensors"],
    ["a/best", "a/last", "b/last"],
  ],
  [
    ["1/run/best.safetensors", "2/run/best.safetensors"],
    ["1/run", "2/run"],
  ],
  [
    ["runs/demo/finetune/best.safetensors", "runs/finetune/best.safetensors"],
    ["demo/finetune", "runs/finetune"],
  ],
  [
    ["./a/best.safetensors", "b/best.safetensors"],
    ["a", "b"],
  ],
  [
    ["../a/b.safetensors", "a/b.safetensors"],
    ["../a", "a"],
  ],
])("%j are called %j", (paths, names) => {
  expect(modelNames(paths)).toEqual(names);
});
