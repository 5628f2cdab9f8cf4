import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportModel } from "../../../../src/inference/export-model.ts";
import { convert } from "../../../../src/interop/convert.ts";
import { readModelFile } from "../../../../src/interop/model-file.ts";
import { readSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import type { EncoderConfig } from "../../../../src/method/models/config.ts";
import { writeMicroModel } from "../../../e2e/micro-models.ts";
import { models, runFile } from "../../../support/exported.ts";
import { python, withoutPython } from "../../../support/python.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-pytorch-"));
const at = (name: string) => join(folder, name);
const segmenters = ["pup", "naive", "light"] as const;
const description = (name: string) => models[name] as (typeof models)[string];
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  for (const name of [...segmenters, "classifier"]) await writeMicroModel(at(`${name}.safetensors`), description(name));
});

test.each(segmenters)("%s: its tensors under our keys, PyTorch's counts, and its sizes beside them", async (name) => {
  const checkpoint = at(`${name}.safetensors`);
  const result = await convert({ checkpoint, output: at(`${name}.pth`), to: "pytorch" });
  expect(result).toMatchObject({ to: "pytorch", kind: "segmenter", unexpected: [], beside: [at(`${name}.json`)] });
  const { tensors } = await readTensorFile(at(`${name}.pth`));
  const own = await readModelFile(checkpoint);
  const counts = [...own.tensors.keys()].filter((key) => key.endsWith("running_var"));
  expect(counts.length).toBeGreaterThan(0);
  for (const [key, tensor] of own.tensors) expect([key, tensors.get(key)]).toEqual([key, tensor]);
  expect([...tensors.keys()].toSorted()).toEqual(
    [...own.tensors.keys(), ...counts.map((key) => key.replace("running_var", "num_batches_tracked"))].toSorted(),
  );
  const { mean, std, classNames, licence, config } = own.description;
  const facts = { mean, std, class_names: classNames, licence, config };
  expect(JSON.parse(readFileSync(at(`${name}.json`), "utf8"))).toEqual(facts);
  await convert({ checkpoint, output: at(`${name}-st.safetensors`), to: "pytorch" });
  const { metadata } = await readSafetensorsFile(at(`${name}-st.safetensors`));
  expect(JSON.parse(metadata.config ?? "")).toEqual(config);
});

test("whose class fits which kind of model is told", async () => {
  const refused = (name: string, to: "pytorch" | "timm") =>
    convert({ checkpoint: at(`${name}.safetensors`), output: at("no.safetensors"), to });
  await expect(refused("classifier", "pytorch")).rejects.toThrow(
    /expected a segmenter, got a classifier; use --to timm, mae or hf/,
  );
  await expect(refused("light", "timm")).rejects.toThrow(/got a segmenter; use --to pytorch/);
});

const RUN = `
import json, sys
import torch
sys.path.insert(0, sys.argv[1])
from segmenter import load
folder, name = sys.argv[2:]
asked = json.loads(open(f"{folder}/{name}-images.json").read())
images = torch.tensor(asked["values"]).reshape(asked["dims"])
with torch.no_grad():
    told = [load(f"{folder}/{name}{ending}") for ending in (".pth", "-st.safetensors")]
    first, second = [model(images) for model, _ in told]
assert torch.equal(first, second)
assert told[0][1] == told[1][1]
print(json.dumps(first.flatten().tolist()))
`;
const unavailable = withoutPython("torch, safetensors");

describe.skipIf(unavailable)(`in PyTorch${unavailable ? ` SKIPPED: ${unavailable}` : ""}`, () => {
  test.each(segmenters)(
    "%s loads strictly and gives the same logits",
    async (name) => {
      const { inputHeight, inputWidth, inChans } = description(name).config as EncoderConfig;
      const dims = [2, inChans, inputHeight, inputWidth];
      const values = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i));
      writeFileSync(at(`${name}-images.json`), JSON.stringify({ dims, values: [...values] }));
      const module = join(import.meta.dirname, "../../../../examples/pytorch");
      const printed = execFileSync(python as string, ["-c", RUN, module, folder, name], { encoding: "utf8" });
      const theirs = JSON.parse(printed) as number[];
      await exportModel({ checkpoint: at(`${name}.safetensors`), output: at(`${name}.onnx`), threads: 1 });
      const { logits } = await runFile(at(`${name}.onnx`), { images: new Tensor("float32", values, dims) });
      expect(theirs).toHaveLength(logits?.length ?? 0);
      const scale = Math.max(1, ...theirs.map(Math.abs));
      expect(Math.max(...theirs.map((value, i) => Math.abs(value - (logits?.[i] as number))))).toBeLessThan(
        1e-5 * scale,
      );
      expect(new Set(theirs).size).toBeGreaterThan(100);
    },
    300_000,
  );
});
