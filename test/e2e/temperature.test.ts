import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate } from "../../src/inference/evaluate.ts";
import { predict } from "../../src/inference/predict.ts";
import { loadClassifier, type Prediction } from "../../src/inference/predictor.ts";
import { describeModelFile, readModelFile, writeModelFile } from "../../src/interop/model-file.ts";
import { toFloat32 } from "../../src/interop/tensor-values.ts";
import type { RunEvent } from "../../src/support/events.ts";
import { finetune } from "../../src/training/tasks/finetune.ts";
import { linprobe } from "../../src/training/tasks/linprobe.ts";
import { PICTURE_TRAINING, writeFindingPictures } from "../support/finding-pictures.ts";
import { digests } from "./runs.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-temperature-"));
const at = (...names: string[]) => join(folder, ...names);
const data = at("data");
const training = { ...PICTURE_TRAINING, dataPath: data, epochs: 4 } as const;
const reading = { dataPath: data, threads: 1, workers: 1 } as const;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const rows = await writeFindingPictures(data, { train: 64, val: 48, test: 48 });
  // Two in five labels of the striped are wrong, so that nobody can be sure of them.
  const lines = rows.map(
    ({ path, split, findings: [stripes] }, i) => `${path},${split},${stripes && i % 5 > 1 ? "yes" : "no"}`,
  );
  writeFileSync(join(data, "dataset.csv"), `path,split,label\n${lines.join("\n")}\n`);
  await finetune({ ...training, outputDir: at("run") });
}, 240_000);

async function temperatureOf(...names: string[]): Promise<number | undefined> {
  return (await describeModelFile(at(...names))).description.temperature;
}

/** A checkpoint with other logits, which say the same more or less surely, and another temperature. */
async function writeSharper(path: string, factor: number, temperature?: number): Promise<void> {
  const { description, tensors } = await readModelFile(at("run", "best.safetensors"));
  const { temperature: _, ...rest } = description;
  const sharper = [...tensors].map(([name, tensor]) => {
    const values = toFloat32(tensor);
    return [
      name,
      { data: name.startsWith("head.") ? values.map((value) => factor * value) : values, shape: tensor.shape },
    ] as const;
  });
  await writeModelFile(path, { ...rest, ...(temperature && { temperature }) }, new Map(sharper));
}

test("best, last and numbered weights each carry the temperature that their validation asks for; the log is without", async () => {
  for (const name of ["best", "last", "checkpoint-3"]) {
    const temperature = await temperatureOf("run", `${name}.safetensors`);
    expect(temperature, name).toBeGreaterThan(0);
    // Its own weights without it, on the same validation images.
    const bare = at(`${name}-bare.safetensors`);
    const { description, tensors } = await readModelFile(at("run", `${name}.safetensors`));
    const { temperature: _, ...rest } = description;
    await writeModelFile(
      bare,
      rest,
      new Map([...tensors].map(([key, tensor]) => [key, { data: toFloat32(tensor), shape: tensor.shape }])),
    );
    const told = await evaluate({ ...reading, checkpoint: bare, report: true });
    expect(told.calibration?.temperature).toMatchObject({ applied: false, fittedOn: 48 });
    expect(told.calibration?.temperature?.temperature).toBeCloseTo(temperature as number, 3);
    const validated = await evaluate({ ...reading, checkpoint: bare, split: "val" });
    const { epoch } = description;
    const log = readFileSync(at("run", "log.txt"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(validated.logLoss).toBeCloseTo(log[name === "best" ? epoch : epoch - 1].test_log_loss, 4);
  }
}, 240_000);

test("metrics.json, eval, predict and loadClassifier tell the same calibrated probabilities", async () => {
  const checkpoint = at("run", "best.safetensors");
  const metrics = JSON.parse(readFileSync(at("run", "metrics.json"), "utf8"));
  const told = await evaluate({ ...reading, checkpoint, report: true, outputDir: at("eval") });
  expect(told.logLoss).toBeCloseTo(metrics.logLoss, 5);
  const temperature = told.calibration?.temperature;
  expect(temperature).toMatchObject({ temperature: await temperatureOf("run", "best.safetensors"), applied: true });
  expect(temperature?.after).toEqual({ logLoss: told.logLoss, ece: told.ece });
  expect(temperature?.before.logLoss).not.toBeCloseTo(told.logLoss, 4);
  const written = readFileSync(at("eval", "predictions.csv"), "utf8").split("\n");
  const [path, , , no] = (written[1] as string).split(",");
  const files = [join(data, path as string)];
  await using classifier = await loadClassifier(checkpoint, { threads: 1 });
  for (const lines of [predict({ checkpoint, files, threads: 1 }), classifier.predict(files)]) {
    for await (const line of lines) expect((line as Prediction).probabilities.no).toBeCloseTo(Number(no), 5);
  }
  expect(readFileSync(at("eval", "report.html"), "utf8")).toContain("The checkpoint divides logits by");
}, 240_000);

test("an over-confident checkpoint is told so, and mended by the temperature that validation asks for", async () => {
  const [sharp, mended] = [at("sharp.safetensors"), at("mended.safetensors")];
  await writeSharper(sharp, 12);
  const before = await evaluate({ ...reading, checkpoint: sharp, report: true });
  const asked = before.calibration?.temperature?.temperature as number;
  expect(asked / ((await temperatureOf("run", "best.safetensors")) as number)).toBeCloseTo(12, 2);
  await writeSharper(mended, 12, asked);
  const after = await evaluate({ ...reading, checkpoint: mended });
  expect(after.confusion).toEqual(before.confusion);
  expect(after.logLoss).toBeLessThan(before.logLoss / 2);
  expect(after.ece).toBeLessThan(before.ece);
}, 240_000);

test("with averaged weights best alone was validated; none is kept where none is asked for", async () => {
  await finetune({ ...training, epochs: 1, emaDecay: 0.5, outputDir: at("averaged") });
  expect(await temperatureOf("averaged", "best.safetensors")).toBeGreaterThan(0);
  expect(await temperatureOf("averaged", "last.safetensors")).toBeUndefined();
  await finetune({ ...training, epochs: 1, temperature: "none", outputDir: at("none") });
  expect(await temperatureOf("none", "best.safetensors")).toBeUndefined();
}, 240_000);

test("weights that a stop leaves within an epoch have none; a finished run takes its own along to another folder", async () => {
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => void (event.type === "step" && event.step === 12 && controller.abort());
  const stopped = finetune({ ...training, outputDir: at("stopped") }, { signal: controller.signal, onEvent });
  await expect(stopped).rejects.toMatchObject({ code: "Interrupted" });
  expect(await temperatureOf("stopped", "last.safetensors")).toBeUndefined();
  await finetune({ ...training, outputDir: at("elsewhere"), resume: at("run") });
  expect(digests(at("elsewhere"))["last.safetensors"]).toBe(digests(at("run"))["last.safetensors"]);
}, 240_000);

test("a linear probe has one too, in its classifier as well", async () => {
  const probe = { ...reading, model: "vit_micro_patch8", finetune: at("run", "best.safetensors"), inChans: 1 } as const;
  const size = { height: 32, width: 32 };
  await linprobe({ ...probe, inputSize: size, epochs: 3, warmupEpochs: 0, outputDir: at("probe") });
  const temperature = await temperatureOf("probe", "best.safetensors");
  expect(temperature).toBeGreaterThan(0);
  expect(await temperatureOf("probe", "classifier.safetensors")).toBe(temperature);
  const metrics = JSON.parse(readFileSync(at("probe", "metrics.json"), "utf8"));
  const told = await evaluate({ ...reading, checkpoint: at("probe", "classifier.safetensors") });
  expect(told.logLoss).toBeCloseTo(metrics.logLoss, 5);
}, 240_000);
