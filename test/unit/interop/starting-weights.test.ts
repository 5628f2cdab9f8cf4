import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeSafetensorsFile } from "../../../src/interop/safetensors-file.ts";
import { readStartingWeights } from "../../../src/interop/starting-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-start-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CONFIG = {
  inputHeight: 16,
  inputWidth: 16,
  patchSize: 8,
  inChans: 3,
  embedDim: 2,
  depth: 1,
  numHeads: 1,
  mlpRatio: 1,
  numClasses: 2,
};
const keysOf = async (...names: string[]) => {
  const path = join(folder, "other.safetensors");
  const one = { shape: [1], data: new Float32Array(1) };
  const table = { shape: [1, 2, 2], data: new Float32Array(4) };
  const tensors = new Map(names.map((name) => [name, name.endsWith("pos_embed") ? table : one]));
  await writeSafetensorsFile(path, tensors, {});
  return [...(await readStartingWeights(path, CONFIG)).tensors].map(([key, { shape }]) => [key, shape]);
};

test("names of wrappers are left out where every key bears them, before positions are brought to the grid", async () => {
  const bare = [
    ["cls_token", [1]],
    ["pos_embed", [1, 5, 2]],
  ];
  expect(await keysOf("cls_token", "pos_embed")).toEqual(bare);
  expect(await keysOf("module.cls_token", "module.pos_embed")).toEqual(bare);
  expect(await keysOf("_orig_mod.model.cls_token", "_orig_mod.model.pos_embed")).toEqual(bare);
  expect((await keysOf("encoder.cls_token", "head.weight")).map(([key]) => key)).toEqual([
    "encoder.cls_token",
    "head.weight",
  ]);
});
