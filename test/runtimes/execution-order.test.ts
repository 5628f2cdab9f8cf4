import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sizeOf } from "../../src/engine/graph/shape.ts";
import { onnx } from "../../src/engine/onnx/generated/onnx.js";
import { compile } from "../../src/engine/runtime/program.ts";
import { finetuneGraph } from "../../src/method/models/classifier.ts";

const config = {
  ...{ inputHeight: 32, inputWidth: 32, inChans: 1, patchSize: 8, embedDim: 16, depth: 3, numHeads: 2, mlpRatio: 4 },
  ...{ numClasses: 3, globalPool: "avg" as const },
};
const compiled = compile(finetuneGraph(config, { batch: 2, kept: 4 }), "cpu");
const model = onnx.ModelProto.decode(compiled.model);
const nodes = model.graph?.node ?? [];

/** The node whose output has this name. */
function nodeOf(output: string): string {
  return nodes.find((node) => node.output?.includes(output))?.name ?? "";
}

describe("order in which ONNX Runtime executes a training graph (decision 0008)", () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-order-"));
  let executed: string[] = [];

  beforeAll(async () => {
    const session = await ort.InferenceSession.create(compiled.model, {
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      executionMode: "sequential",
      logSeverityLevel: 3,
    });
    const feeds = Object.entries(compiled.inputs).map(([name, { dtype, shape }]) => {
      const size = sizeOf(shape);
      const data = dtype === "int64" ? new BigInt64Array(size) : new Float32Array(size).fill(0.1);
      return [name, new ort.Tensor(data, shape)];
    });
    await session.run(Object.fromEntries(feeds));
    session.endProfiling();
    await session.release();
    const [file = ""] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file), "utf8")) as { cat: string; name: string }[];
    executed = events
      .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
      .map(({ name }) => name.replace("_kernel_time", ""));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("each weight's gradient comes before the derivative of the block below is begun", () => {
    const at = (block: number) => executed.indexOf(nodeOf(`grad/blocks.${block}.mlp.fc2.weight`));
    const lower = (block: number) => executed.indexOf(nodeOf(`grad/blocks.${block}.attn.qkv.weight`));
    for (const block of [0, 1, 2]) expect(at(block)).toBeGreaterThanOrEqual(0);
    expect(at(2)).toBeLessThan(lower(2));
    expect(lower(2)).toBeLessThan(at(1));
    expect(at(1)).toBeLessThan(lower(1));
    expect(lower(1)).toBeLessThan(at(0));
  });

  test("GELU is computed twice, the second time in the backward pass, just for the gradient that reads it", () => {
    const second = nodes.filter((node) => node.opType === "Gelu" && node.domain === "com.microsoft");
    expect(second).toHaveLength(config.depth);
    const loss = executed.indexOf(nodeOf("loss"));
    for (const { name, output } of second) {
      const reader = nodes.filter((node) => node.input?.includes(output?.[0] ?? ""));
      expect(reader).toHaveLength(1);
      const started = executed.indexOf(name ?? "");
      expect(started).toBeGreaterThan(loss);
      expect(executed.indexOf(reader[0]?.name ?? "")).toBe(started + 1);
    }
  });
});
