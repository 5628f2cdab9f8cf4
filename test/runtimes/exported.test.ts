import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tensor } from "onnxruntime-node";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/page-bundle.ts";
import { servePage } from "../../scripts/page-server.ts";
import type { ExportInput } from "../../src/config/index.ts";
import { exportModel } from "../../src/inference/export-model.ts";
import type { ImageModelConfig } from "../../src/method/models/config.ts";
import { type ExportedFeed, models, runFile, writeModel } from "../support/exported.ts";
import type { RanExported } from "../support/run-exported.ts";
import { onWebgpu } from "../support/webgpu-child.ts";

/** Models as they are exported, by the name of their file. */
const exports: Readonly<Record<string, [model: string, options?: Partial<ExportInput>]>> = {
  classifier: ["classifier", { attention: true }],
  "classifier-from-pixels": ["classifier", { preprocess: true }],
  "classifier-on-half-of-the-patches": ["classifier", { keepRatio: 0.5 }],
  "classifier-in-int8": ["classifier", { quantize: "int8" }],
  "classifier-in-fp16": ["classifier", { quantize: "fp16" }],
  "classifier-in-int4": ["classifier", { weights: "int4" }],
  cls: ["cls"],
  grades: ["grades"],
  pup: ["pup"],
  naive: ["naive"],
  light: ["light"],
  resnet: ["resnet"],
  swin: ["swin"],
  encoder: ["encoder"],
};
const names = Object.keys(exports);
/** A software adapter takes a minute for a model there. Not from pixels: that build does not cast to float64. */
const inBrowser = ["classifier-on-half-of-the-patches", "light"];

/** Of the largest value, or of 1: sums of fp32 in another order, and softmax of the micro models' large logits (seen: 4e-6). */
const tolerance = 2e-5;
/** Browser, shaders and compilation on a machine that has other work. */
const patience = 300_000;

const folder = mkdtempSync(join(tmpdir(), "msmae-exported-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (name: string) => join(folder, `${name}.onnx`);
const wanted = new Map<string, Record<string, Float32Array>>();

beforeAll(async () => {
  for (const [name, [model, options]] of Object.entries(exports)) {
    const checkpoint = join(folder, `${model}.safetensors`);
    const description = models[model] as (typeof models)[string];
    if (!existsSync(checkpoint)) await writeModel(checkpoint, description);
    await exportModel({ checkpoint, output: fileOf(name), threads: 1, ...options });
    const feed = feedOf(description.config, options?.preprocess === true);
    writeFileSync(`${fileOf(name)}.json`, JSON.stringify(feed));
    const data = feed.dtype === "uint8" ? Uint8Array.from(feed.values) : Float32Array.from(feed.values);
    // In 4 bits ONNX Runtime's processors round what is multiplied too, unless nothing is joined.
    const graphOptimizationLevel = options?.weights === "int4" ? "disabled" : "all";
    const outputs = await runFile(
      fileOf(name),
      { [feed.name]: new Tensor(feed.dtype, data, feed.dims) },
      { graphOptimizationLevel },
    );
    wanted.set(name, outputs);
  }
}, patience);

/** Two images, or pictures of another size. */
function feedOf({ inChans, inputHeight, inputWidth }: ImageModelConfig, pixels: boolean): ExportedFeed {
  const dims = pixels ? [2, 3, 61, 45] : [2, inChans, inputHeight, inputWidth];
  const count = dims.reduce((a, b) => a * b);
  const value = (i: number) => (pixels ? (i * i) % 251 : Math.sin(i * i));
  const values = Array.from({ length: count }, (_, i) => value(i));
  return { name: pixels ? "pixels" : "images", dtype: pixels ? "uint8" : "float32", dims, values };
}

function expectWanted(name: string, told: Readonly<Record<string, readonly number[]>>): void {
  const outputs = Object.entries(wanted.get(name) as Record<string, Float32Array>);
  expect(Object.keys(told).sort()).toEqual(outputs.map(([output]) => output).sort());
  for (const [output, values] of outputs) {
    const got = told[output] as readonly number[];
    expect(got).toHaveLength(values.length);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const far = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))), 0);
    expect(far / scale, output).toBeLessThan(tolerance);
    expect(new Set(got).size, output).toBeGreaterThan(1);
  }
}

describe("exported models on WebGPU", () => {
  test(
    "in Node, most of the nodes there, what the CPU gives",
    async (context) => {
      const { printed, skipped } = onWebgpu("run-exported.ts", ["webgpu", folder, ...names.map(fileOf)], patience);
      if (skipped) return context.skip(skipped.trim());
      const ran = JSON.parse(printed) as Record<string, RanExported>;
      const errors = Object.values(ran).flatMap((one) => ("error" in one ? [one.error] : []));
      if (errors.length === names.length)
        return context.skip(`SKIPPED: no WebGPU adapter (${errors[0]?.slice(0, 200)})`);
      expect(errors).toEqual([]);
      for (const name of names) {
        const { outputs, nodes } = ran[fileOf(name)] as Exclude<RanExported, { error: string }>;
        expectWanted(name, outputs);
        const { WebGpuExecutionProvider: there = 0, ...others } = nodes;
        expect(there, name).toBeGreaterThan(Object.values(others).reduce((sum, count) => sum + count, 0));
      }
    },
    patience,
  );

  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

  test(
    "in Chromium, what the CPU gives",
    async (context) => {
      if (!executablePath) return context.skip("SKIPPED: no /usr/bin/chromium, and CHROMIUM names no browser");
      const { scripts } = await bundle({ "run-exported": new URL("browser/run-exported.ts", import.meta.url) });
      const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
      const server = await servePage(scripts, { files });
      const args = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
      const browser = await chromium.launch({ executablePath, args, timeout: patience });
      try {
        const page = await browser.newPage();
        await page.goto(server.origin, { timeout: patience });
        // As text: vitest rewrites what stands in a function.
        if (!(await page.evaluate<boolean>("navigator.gpu?.requestAdapter().then(Boolean) ?? false"))) {
          return context.skip("SKIPPED: this browser has no WebGPU adapter");
        }
        for (const name of inBrowser) {
          const run = `import("/run-exported.js").then(({ runExported }) => runExported("${name}.onnx"))`;
          expectWanted(name, await page.evaluate<Record<string, number[]>>(run));
        }
      } finally {
        await browser.close();
        await server.close();
      }
    },
    patience,
  );
});
