import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExportInput } from "../../../src/config/index.ts";
import { exportModel } from "../../../src/inference/export-model.ts";
import { predict } from "../../../src/inference/predict.ts";
import { writeDataSet, writePicture } from "../../e2e/micro-models.ts";
import { models, pixelsOf, runFile, writeModel } from "../../support/exported.ts";
import { python, withoutPython } from "../../support/python.ts";

const unavailable = withoutPython("onnx, onnxruntime, PIL");

const folder = mkdtempSync(join(tmpdir(), "msmae-exported-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The block of a language in the documentation's part on ONNX, with the test's files in place of its own. */
function example(language: string): string {
  const part = readFileSync("docs/interop.md", "utf8").split("## ONNX")[1] as string;
  const [, code] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(part) as unknown as [string, string];
  return code.replace("model.onnx", at("classifier.onnx")).replace("image.png", at("0.png"));
}

/** Classifiers on part of the patches, by the name of their file. */
const budgeted: typeof quantised = {
  "classifier-half": ["classifier", { keepRatio: 0.5 }],
  "cls-quarter": ["cls", { keepRatio: 0.25 }],
};

/** Models that are quantised, by the name of their file. */
const quantised: Readonly<Record<string, [model: string, options: Partial<ExportInput>]>> = {
  "classifier-int8": ["classifier", { quantize: "int8" }],
  "classifier-static": ["classifier", { quantize: "int8", calibrationPath: at("set") }],
  "classifier-fp16": ["classifier", { quantize: "fp16" }],
  "classifier-int4": ["classifier", { weights: "int4" }],
  "pup-int8": ["pup", { quantize: "int8" }],
  "swin-int8": ["swin", { quantize: "int8" }],
};

async function probabilities(): Promise<Record<string, number>> {
  const asked = { checkpoint: at("classifier.safetensors"), files: [at("0.png")], threads: 1 };
  for await (const line of predict(asked)) if ("probabilities" in line) return line.probabilities;
  throw new Error("the picture cannot be read");
}

beforeAll(async () => {
  for (const seed of [0, 1]) await writePicture(at(`${seed}.png`), seed, 61, 45, 3);
  for (const [name, description] of Object.entries(models)) {
    const checkpoint = at(`${name}.safetensors`);
    await writeModel(checkpoint, description);
    const attention = name !== "resnet" && name !== "swin";
    await exportModel({ checkpoint, output: at(`${name}.onnx`), preprocess: true, attention, threads: 1 });
  }
  await writeDataSet(at("set"), 2);
  for (const [name, [model, options]] of Object.entries({ ...quantised, ...budgeted })) {
    const [checkpoint, output] = [at(`${model}.safetensors`), at(`${name}.onnx`)];
    await exportModel({ checkpoint, output, preprocess: true, threads: 1, ...options });
  }
});

test("the example for Node says what predict says", async () => {
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", example("js")], { encoding: "utf8" });
  const wanted = Object.values(await probabilities());
  for (const [k, value] of (JSON.parse(said) as number[]).entries()) expect(value).toBeCloseTo(wanted[k] as number, 5);
});

describe.skipIf(unavailable)(`exported models in Python${unavailable ? ` SKIPPED: ${unavailable}` : ""}`, () => {
  test("every model passes ONNX's checker and gives the same in every runtime that is there", async () => {
    const pixels: Tensor = await pixelsOf([at("0.png"), at("1.png")]);
    const names = [...Object.keys(models), ...Object.keys(quantised), ...Object.keys(budgeted)];
    for (const name of names) {
      const outputs = await runFile(at(`${name}.onnx`), { pixels });
      const plain = Object.fromEntries(Object.entries(outputs).map(([key, values]) => [key, [...values]]));
      const asked = { pixels: [...(pixels.data as Uint8Array)], dims: pixels.dims, outputs: plain };
      writeFileSync(at(`${name}.json`), JSON.stringify(asked));
    }
    const said = execFileSync(python as string, ["bench/peers/exported_models.py", folder], { encoding: "utf8" });
    const told = JSON.parse(said) as Record<string, Record<string, number>>;
    expect(Object.keys(told.onnxruntime ?? {}).sort()).toEqual(names.toSorted());
    for (const [runtime, differences] of Object.entries(told)) {
      // OpenVINO adds in another order than ONNX Runtime, and the micro models' values are large.
      const usual = runtime === "onnxruntime" ? 1e-5 : 1e-4;
      for (const [name, difference] of Object.entries(differences)) {
        // A sum that is another in its last place may be rounded to another level; and ONNX Runtime rounds more in 4 bits.
        const allowed = name in quantised && runtime !== "onnxruntime" ? 0.1 : usual;
        if (!(difference <= allowed)) expect([runtime, name, difference]).toEqual([runtime, name, 0]);
      }
    }
  }, 300_000);

  test("the example for Python says what predict says", async () => {
    const said = execFileSync(python as string, ["-c", example("python")], { encoding: "utf8" });
    const wanted = await probabilities();
    const told = JSON.parse(said) as Record<string, number>;
    expect(Object.keys(told)).toEqual(Object.keys(wanted));
    for (const [name, value] of Object.entries(told)) expect(value).toBeCloseTo(wanted[name] as number, 5);
  });
});
