import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";
import { gemm, input } from "../../src/engine/graph/builders.ts";
import { toDtype } from "../../src/engine/graph/dtypes.ts";
import { type Graph, graph } from "../../src/engine/graph/graph.ts";
import { sizeOf } from "../../src/engine/graph/shape.ts";
import type { Value } from "../../src/engine/graph/types.ts";
import { onnx } from "../../src/engine/onnx/generated/onnx.js";
import { sessionConfig } from "../../src/engine/runtime/ort-session.ts";
import { compile } from "../../src/engine/runtime/program.ts";
import { finetuneGraph } from "../../src/method/models/classifier.ts";
import { segmentTrainingGraph } from "../../src/method/models/segmenter.ts";

const config = {
  ...{ inputHeight: 32, inputWidth: 32, inChans: 1, patchSize: 8, embedDim: 16, depth: 3, numHeads: 2, mlpRatio: 4 },
  ...{ numClasses: 3, globalPool: "avg" as const },
};

/** The nodes of a graph as they are written, and the names of those that were executed, in turn. */
interface Execution {
  nodes: readonly onnx.INodeProto[];
  executed: readonly string[];
}

async function execute(source: Graph): Promise<Execution> {
  const compiled = compile(source, "cpu");
  const folder = mkdtempSync(join(tmpdir(), "msmae-order-"));
  try {
    const session = await ort.InferenceSession.create(compiled.model, {
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
      extra: sessionConfig("cpu"),
    });
    const feeds = Object.entries(compiled.inputs).map(([name, { dtype, shape }]) => {
      const values = toDtype(dtype, new Float32Array(sizeOf(shape)).fill(0.1));
      return [name, new ort.Tensor(dtype, values, shape)];
    });
    await session.run(Object.fromEntries(feeds));
    session.endProfiling();
    await session.release();
    const [file = ""] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as { cat: string; name: string }[];
    const executed = events
      .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
      .map(({ name }) => name.replace("_kernel_time", ""));
    return { nodes: onnx.ModelProto.decode(compiled.model).graph?.node ?? [], executed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The node whose output has this name. */
function nodeOf({ nodes }: Execution, output: string | undefined): onnx.INodeProto {
  return nodes.find((node) => node.output?.includes(output ?? "")) ?? {};
}

/** When the node with this output was executed; -1 where none of its name was. */
const whenOf = (execution: Execution, output: string | undefined): number =>
  execution.executed.indexOf(nodeOf(execution, output).name ?? "");

describe("order in which ONNX Runtime executes a training graph (decision 0008)", () => {
  let execution: Execution;
  beforeAll(async () => {
    execution = await execute(finetuneGraph(config, { batch: 2, kept: 4 }));
  });

  test("each weight's gradient comes before the derivative of the block below is begun", () => {
    const at = (block: number) => whenOf(execution, `grad/blocks.${block}.mlp.fc2.weight`);
    const lower = (block: number) => whenOf(execution, `grad/blocks.${block}.attn.qkv.weight`);
    for (const block of [0, 1, 2]) expect(at(block)).toBeGreaterThanOrEqual(0);
    expect(at(2)).toBeLessThan(lower(2));
    expect(lower(2)).toBeLessThan(at(1));
    expect(at(1)).toBeLessThan(lower(1));
    expect(lower(1)).toBeLessThan(at(0));
  });

  test("GELU is computed twice, the second time in the backward pass, just for the gradient that reads it", () => {
    const { nodes, executed } = execution;
    const second = nodes.filter((node) => node.opType === "Gelu" && node.domain === "com.microsoft");
    expect(second).toHaveLength(config.depth);
    const loss = whenOf(execution, "loss");
    for (const { name, output } of second) {
      const reader = nodes.filter((node) => node.input?.includes(output?.[0] ?? ""));
      expect(reader).toHaveLength(1);
      const started = executed.indexOf(name ?? "");
      expect(started).toBeGreaterThan(loss);
      expect(executed.indexOf(reader[0]?.name ?? "")).toBe(started + 1);
    }
  });
});

test("blocks computed anew wait for the derivative by what comes out of them, one after the other (decision 0008)", async () => {
  const execution = await execute(finetuneGraph(config, { batch: 2, kept: 4, recompute: true }));
  const { nodes, executed } = execution;
  const loss = whenOf(execution, "loss");
  const softmaxes = nodes.filter(({ opType }) => opType === "Softmax").map(({ name }) => executed.indexOf(name ?? ""));
  // One of each block forward, and behind the loss those of all blocks but the last again.
  const again = softmaxes.filter((time) => time > loss).sort((a, b) => a - b);
  expect(softmaxes.filter((time) => time < loss)).toHaveLength(config.depth);
  expect(again).toHaveLength(config.depth - 1);
  const [ofSecond, ofFirst] = again as [number, number];
  const gradientOf = (block: number, layer: string) => whenOf(execution, `grad/blocks.${block}.${layer}.weight`);
  expect(ofSecond).toBeGreaterThan(gradientOf(2, "mlp.fc2"));
  expect(ofSecond).toBeLessThan(gradientOf(1, "mlp.fc2"));
  expect(ofFirst).toBeGreaterThan(gradientOf(1, "attn.proj"));
  expect(ofFirst).toBeLessThan(gradientOf(0, "mlp.fc2"));
});

test("ONNX Runtime does not draw the transpositions before and after a product into it (decision 0024)", async () => {
  const product = (rows: number, columns: number) =>
    gemm(input("dy", [7, rows]), input("x", [7, columns]), undefined, { transA: true });
  const operators = async (y: Value) => (await execute(graph("g", { y }))).executed.map((name) => name.split("_")[0]);
  expect(await operators(product(130, 140))).toEqual(["Transpose", "Gemm"]);
  expect(await operators(product(140, 130))).toEqual(["Transpose", "Gemm", "Transpose"]);
});

describe("order in which ONNX Runtime executes a segmenter's training graph (decision 0018)", () => {
  const segmenter = {
    ...config,
    numClasses: 2,
    head: "setr-pup",
    headWidth: 16,
    taps: [2],
    deepSupervision: false,
  } as const;
  const size = { height: 64, width: 64 };
  const kernels = [4, 3, 2, 1].map((stage) => `grad/heads.Head0.UP_stage_${stage}.0.weight`);
  let execution: Execution;
  beforeAll(async () => {
    // So many that no stage is small beside its weight: those have one product of all windows.
    execution = await execute(segmentTrainingGraph(segmenter, { batch: 20, size, loss: "bce-dice" }));
  });

  test("each kernel's gradient comes before that of the stage below is begun, and all before the encoder's", () => {
    const times = kernels.map((name) => whenOf(execution, name));
    expect(times[0]).toBeGreaterThan(0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(whenOf(execution, "grad/blocks.2.mlp.fc2.weight"));
    times.forEach((time, i) => {
      const below = kernels[i + 1];
      if (below) expect(time).toBeLessThan(Math.min(...cutsFor(below)));
    });
  });

  test("images are not cut for a kernel's gradient before the derivative that they are multiplied with is there", () => {
    for (const name of kernels) {
      const made = whenOf(execution, nodeOf(execution, productsOf(name)[0]?.input?.[1]).input?.[0]);
      expect(made).toBeGreaterThan(0);
      expect(Math.min(...cutsFor(name))).toBeGreaterThan(made);
    }
  });

  /** The products, one for each element of a kernel, that its gradient is put together from. */
  function productsOf(gradient: string): onnx.INodeProto[] {
    const perElement = nodeOf(execution, nodeOf(execution, gradient).input?.[0]);
    const sums = nodeOf(execution, perElement.input?.[0]).input ?? [];
    return sums.map((sum) => nodeOf(execution, nodeOf(execution, sum).input?.[0]));
  }

  /** When the images were cut for each of them. */
  function cutsFor(gradient: string): number[] {
    const cuts = productsOf(gradient).map((product) => nodeOf(execution, product.input?.[0]).input?.[0]);
    const times = cuts.map((cut) => whenOf(execution, cut));
    expect(times).toHaveLength(9);
    expect(Math.min(...times)).toBeGreaterThan(0);
    return times;
  }
});
