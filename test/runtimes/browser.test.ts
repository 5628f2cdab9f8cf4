import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle, threadModules } from "../../scripts/page-bundle.ts";
import { type PageServer, servePage } from "../../scripts/page-server.ts";
import type { DType } from "../../src/engine/graph/dtypes.ts";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import { optimize } from "../../src/engine/graph/passes/index.ts";
import { nodeBackend } from "../../src/engine/runtime/node-backend.ts";
import { allDtypes, dtypeProgram } from "../support/dtype-program.ts";
import { afterAdamW, gradients, keyBiasAfterAdamW, outputs } from "../tolerances.ts";
import { reach } from "./browser/imports.ts";
import { type Told, told } from "./browser/run-dtypes.ts";
import { embedDim, feedsOf, fineTune, graph, rates, startingStore, type Trained } from "./browser/scenario.ts";
import type { Reply, Request } from "./browser/training-worker.ts";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
const skipped = executablePath ? "" : " (SKIPPED: no /usr/bin/chromium, and CHROMIUM names no browser)";
/** Browser, shaders and compilation on a machine that has other work. */
const patience = 300_000;

const bundled = bundle({
  "training-worker": new URL("browser/training-worker.ts", import.meta.url),
  "run-dtypes": new URL("browser/run-dtypes.ts", import.meta.url),
  ...threadModules(new URL("../../src/engine/", import.meta.url), "ts"),
});
const cpuTraining = fineTune({ backend: nodeBackend, provider: "cpu", threads: 1 });

/** Largest difference, relative to the largest expected element. */
function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got.length).toBe(expected.length);
  const scale = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return Array.from(expected).reduce((d, value, i) => Math.max(d, Math.abs((got[i] as number) - value) / scale), 0);
}

/** fp32 like the CPU provider's, in another order: the rows of the CPU provider hold for every provider. */
function expectFirstStepOfInterpreter({ losses, logits, gradients: got }: Trained): void {
  const store = startingStore();
  const parameters = Object.fromEntries(store.names.map((name) => [name, store.parameter(name)]));
  const expected = interpret(graph, { ...parameters, ...feedsOf(0) });
  const dataOf = (name: string) => expected.get(name)?.data as Float64Array;
  expect(distance(losses.slice(0, 1), dataOf("loss"))).toBeLessThan(outputs.float64.cpu.relative);
  expect(distance(logits, dataOf("logits"))).toBeLessThan(outputs.float64.cpu.relative);
  for (const name of store.trainableNames) {
    const far = distance(got[name] as number[], dataOf(`grad/${name}`));
    expect(far, `gradient of ${name}`).toBeLessThan(gradients.float64.cpu.relative);
  }
}

async function expectTrainingOfCpu(got: Trained): Promise<void> {
  const cpu = await cpuTraining;
  const { relative } = afterAdamW.float32.cpu;
  expect(got.losses).toHaveLength(rates.length);
  expect(distance(got.losses, cpu.losses)).toBeLessThan(relative);
  expect(distance(got.gradientNorms, cpu.gradientNorms)).toBeLessThan(relative);
  const start = startingStore();
  for (const [name, expected] of Object.entries(cpu.parameters)) {
    const values = got.parameters[name] as number[];
    expect(distance(start.parameter(name), expected), `${name} has moved`).toBeGreaterThan(10 * relative);
    const keys = name.endsWith("attn.qkv.bias") ? [embedDim, 2 * embedDim] : [0, 0];
    const withoutKeys = (x: number[]) => x.filter((_, i) => i < (keys[0] as number) || i >= (keys[1] as number));
    expect(distance(withoutKeys(values), withoutKeys(expected)), name).toBeLessThan(relative);
    const mayWander = keyBiasAfterAdamW.float32.cpu.relative * rates.reduce((sum, rate) => sum + rate, 0);
    for (let i = keys[0] as number; i < (keys[1] as number); i++) {
      expect(Math.abs((values[i] as number) - (expected[i] as number)), `${name}[${i}]`).toBeLessThan(mayWander);
    }
  }
}

test("the first step on ONNX Runtime's CPU provider equals the float64 interpreter", async () => {
  expectFirstStepOfInterpreter(await cpuTraining);
});

describe.skipIf(!executablePath)(`three training steps in headless Chromium${skipped}`, () => {
  let browser: Browser;
  let server: PageServer;
  let page: Page;
  const asked: string[] = [];

  beforeAll(async () => {
    server = await servePage((await bundled).scripts);
    const args = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
    browser = await chromium.launch({ executablePath, args, timeout: patience });
    page = await browser.newPage();
    page.context().on("request", (request) => asked.push(request.url()));
    await page.goto(server.origin, { timeout: patience });
  }, patience);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, patience);

  const trainInPage = async (request: Request): Promise<Reply> => {
    server.requested.clear();
    const reply = await page.evaluate(
      (message) =>
        new Promise<Reply | { error: string }>((resolve) => {
          const worker = new Worker("/training-worker.js", { type: "module" });
          const settle = (outcome: Reply | { error: string }) => {
            worker.terminate();
            resolve(outcome);
          };
          worker.onmessage = ({ data }: MessageEvent<Reply | { error: string }>) => settle(data);
          worker.onerror = (event) => settle({ error: event.message || "the worker did not load" });
          worker.postMessage(message);
        }),
      request,
    );
    if ("error" in reply) throw new Error(reply.error);
    return reply;
  };

  test(
    "WASM with 2 threads and 2 optimiser threads follows the CPU provider, its first step the interpreter",
    async () => {
      const { trained, ...ran } = await trainInPage({ provider: "wasm", threads: 2 });
      expect(ran).toEqual({ crossOriginIsolated: true, ortThreads: 2, optimizerThreads: 2, dispatches: 0 });
      expect(server.requested).toContain("ort-wasm-simd-threaded.wasm");
      expect(server.requested).not.toContain("ort-wasm-simd-threaded.asyncify.wasm");
      expectFirstStepOfInterpreter(trained);
      await expectTrainingOfCpu(trained);
    },
    patience,
  );

  // As text: vitest rewrites an import in a function.
  const runDtypes = (provider: "wasm" | "webgpu", dtypes: readonly DType[]) =>
    page.evaluate<Told>(
      `import("/run-dtypes.js").then(({ runDtypes }) => runDtypes("${provider}", ${JSON.stringify(dtypes)}))`,
    );

  test(
    "WASM takes and gives every dtype",
    async () => {
      expect(await runDtypes("wasm", allDtypes)).toEqual(told(dtypeProgram(allDtypes).expected));
    },
    patience,
  );

  test(
    "an optimiser thread that cannot start is an error that names it",
    async () => {
      const run = trainInPage({ provider: "wasm", threads: 2, helperModule: "nowhere.js" });
      await expect(run).rejects.toThrow(/optimiser threads: .*helper 0 ended: .*nowhere\.js/);
    },
    patience,
  );

  const hasAdapter = () =>
    page.evaluate(async () => {
      const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
      return Boolean(await gpu?.requestAdapter());
    });

  test(
    "WebGPU runs every operator, follows the CPU provider, its first step the interpreter",
    async (context) => {
      if (!(await hasAdapter())) context.skip("SKIPPED: this browser has no WebGPU adapter");
      const { trained, adapter, dispatches, ...ran } = await trainInPage({ provider: "webgpu", threads: 2 });
      expect(adapter).toMatch(/\w/);
      expect(ran).toEqual({ crossOriginIsolated: true, ortThreads: 1, optimizerThreads: 2 });
      const products = optimize(graph).nodes.filter(({ op }) => op === "MatMul" || op === "Gemm").length;
      expect(products).toBeGreaterThan(10);
      expect(dispatches).toBeGreaterThanOrEqual(rates.length * products);
      expect(server.requested).toContain("ort-wasm-simd-threaded.asyncify.wasm");
      expectFirstStepOfInterpreter(trained);
      await expectTrainingOfCpu(trained);
    },
    patience,
  );

  test(
    "WebGPU takes float32 and int32, gives bool as well, and refuses to compute with bytes",
    async (context) => {
      if (!(await hasAdapter())) context.skip("SKIPPED: this browser has no WebGPU adapter");
      const dtypes = ["float32", "int32"] as const;
      expect(await runDtypes("webgpu", dtypes)).toEqual(told(dtypeProgram(dtypes).expected));
      for (const dtype of ["uint8", "int8", "bool"] as const) {
        await expect(runDtypes("webgpu", [dtype]), dtype).rejects.toThrow(/device webgpu: .*fallback to CPU EP/);
      }
    },
    patience,
  );

  test(
    "WebGPU refuses a graph of operators that it lacks instead of running them on the CPU",
    async (context) => {
      if (!(await hasAdapter())) context.skip("SKIPPED: this browser has no WebGPU adapter");
      const run = trainInPage({ provider: "webgpu", compileFor: "wasm", threads: 1 });
      await expect(run).rejects.toThrow(/device webgpu: .*fallback to CPU EP has been explicitly disabled/);
    },
    patience,
  );

  test("all of it asks the page's own server alone", () => {
    expect(asked.some((url) => url.endsWith(".wasm"))).toBe(true);
    expect(asked.filter((url) => new URL(url).origin !== server.origin)).toEqual([]);
  });
});

describe("src/web.ts", () => {
  test("reaches no module of Node, by imports or as a worker", () => {
    const { files, packages } = reach(new URL("../../src/web.ts", import.meta.url));
    const workers = ["optim/optimizer-worker.ts", "runtime/web-thread-entry.ts", "thread/web-engine-worker.ts"].map(
      (name) => `engine/${name}`,
    );
    const names = [...files].map((href) => href.replace(/^.*\/src\//, ""));
    expect(names).toEqual(expect.arrayContaining(workers));
    expect([...packages].filter(([name]) => isBuiltin(name) || name === "onnxruntime-node")).toEqual([]);
  });

  test(
    "bundles for a browser without any import left over",
    async () => {
      expect((await bundled).imports.filter((name) => isBuiltin(name))).toEqual([]);
    },
    patience,
  );
});

describe.each(["node.ts", "web.ts"])("src/engine/%s", (entry) => {
  test("stands alone: beside the engine it reaches src/support and nothing else of this package", () => {
    const { files } = reach(new URL(`../../src/engine/${entry}`, import.meta.url));
    expect(files.size).toBeGreaterThan(50);
    expect([...files].filter((href) => !/\/src\/(engine|support)\//.test(href))).toEqual([]);
  });
});
