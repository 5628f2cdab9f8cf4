import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { EvalInput, FinetuneInput } from "../../src/config/index.ts";
import { splitData } from "../../src/curation/split-data.ts";
import { evaluate } from "../../src/inference/evaluate.ts";
import { readModelFile, writeModelFile } from "../../src/interop/model-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { finetuning, writePhantoms } from "./runs.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), "msmae-held-out-"));
const at = (...parts: string[]): string => join(folder, ...parts);
const data = at("data");
const table = at("folds.csv");
afterAll(() => rmSync(folder, { recursive: true }));

/** One epoch on images of which a part is held out. */
async function train(name: string, more: Partial<FinetuneInput>): Promise<string> {
  const input = { ...finetuning(data, at(name)), epochs: 1, warmupEpochs: 0, fullTokenEpochs: 1, ...more };
  return (await finetune(input)).checkpoint;
}

let drawn = "";
let folded = "";
beforeAll(async () => {
  await writePhantoms(data);
  rmSync(join(data, "val"), { recursive: true });
  await splitData({ dataPath: data, output: table, folds: 3, seed: 9 });
  drawn = await train("drawn", { valSplit: 0.3 });
  folded = await train("folded", { splitFile: table, fold: 1 });
});

/** Images of a split, as a run's split.csv has them. */
function heldOut(run: string, split: string): string[] {
  const lines = readFileSync(at(run, "split.csv"), "utf8").trim().split("\n").slice(1);
  const rows = lines.map((line) => line.split(","));
  return rows.flatMap((row) => (row.includes(split) ? [row[0] as string] : [])).sort();
}

/** Images that an evaluation saw, and its warnings. */
async function seen(name: string, input: EvalInput): Promise<{ images: string[]; warnings: string[] }> {
  const warnings: string[] = [];
  await evaluate(
    { split: "val", workers: 0, threads: 1, ...input, outputDir: at(name) },
    {
      onEvent(event) {
        if (event.type === "warning") warnings.push(event.message);
      },
    },
  );
  const lines = readFileSync(at(name, "predictions.csv"), "utf8").trim().split("\n").slice(1);
  return { images: lines.map((line) => line.split(",")[0] as string).sort(), warnings };
}

test("split val of the data set is what training held out: its share and its seed", async () => {
  const { images, warnings } = await seen("eval drawn", { checkpoint: drawn, dataPath: data });
  expect(images).toEqual(heldOut("drawn", "val"));
  expect(images).toHaveLength(9);
  expect(warnings).toEqual([]);
});

test("the same after the data set has moved, and as a split file", async () => {
  const moved = at("moved");
  cpSync(data, moved, { recursive: true });
  const first = await seen("eval moved", { checkpoint: drawn, dataPath: moved });
  const splitFile = at("drawn", "split.csv");
  const second = await seen("eval by table", { checkpoint: drawn, dataPath: data, splitFile });
  for (const { images, warnings } of [first, second]) {
    expect(images).toEqual(heldOut("drawn", "val"));
    expect(warnings).toEqual([]);
  }
});

test("with the split file of the training its fold is known", async () => {
  const { images, warnings } = await seen("eval fold", { checkpoint: folded, dataPath: data, splitFile: table });
  expect(images).toEqual(heldOut("folded", "val"));
  expect(images).toHaveLength(10);
  expect(warnings).toEqual([]);
});

test("without it, or with other shares or other images, split val is refused, saying what is missing", async () => {
  const refused = (input: EvalInput, todo: string) =>
    expect(evaluate({ split: "val", workers: 0, threads: 1, ...input })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(
        new RegExp(
          `expected the images that the model's training held out, got \\d+ images that are others; .*${todo}`,
        ),
      ),
    });
  await refused({ checkpoint: folded, dataPath: data }, "give the --split-file of the training");
  await refused({ checkpoint: drawn, dataPath: data, valSplit: 0.2 }, "--val-split");
  const fewer = at("fewer");
  cpSync(data, fewer, { recursive: true });
  rmSync(join(fewer, heldOut("drawn", "val")[0] as string));
  await refused({ checkpoint: drawn, dataPath: fewer }, "give the data set");
});

test("another validation set that is named as such is evaluated, with a warning; another test set without", async () => {
  const other = at("other");
  cpSync(join(data, "test"), join(other, "val"), { recursive: true });
  cpSync(join(data, "train"), join(other, "train"), { recursive: true });
  const { images, warnings } = await seen("eval other", { checkpoint: drawn, dataPath: other });
  expect(images).toHaveLength(6);
  expect(warnings).toEqual([expect.stringContaining("is not the one that the model's training was validated on")]);
  cpSync(join(data, "train"), join(other, "test"), { recursive: true });
  expect((await seen("eval test", { checkpoint: drawn, dataPath: other, split: "test" })).warnings).toEqual([]);
  const forgotten = await seen("eval forgotten", { checkpoint: folded, dataPath: other, split: "test" });
  expect(forgotten.warnings).toEqual([expect.stringContaining("some of them were trained on: give the --split-file")]);
});

test("a checkpoint from before this was kept is read, and says so", async () => {
  const { description, tensors } = await readModelFile(drawn);
  const { split: _split, ...earlier } = description;
  const checkpoint = at("earlier.safetensors");
  const stored = [...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, data: toFloat32(tensor) }] as const);
  await writeModelFile(checkpoint, earlier, new Map(stored));
  const { warnings } = await seen("eval earlier", { checkpoint, dataPath: data });
  expect(warnings).toEqual([expect.stringContaining("did not keep how its validation images were chosen")]);
  const told = await seen("eval told", { checkpoint, dataPath: data, valSplit: 0.3 });
  expect(told).toEqual({ images: heldOut("drawn", "val"), warnings: [] });
});
