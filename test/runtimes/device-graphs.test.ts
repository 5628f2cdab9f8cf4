import { describe, expect, test } from "vitest";
import { smallBatch, smallConfig } from "../../bench/check.ts";
import { phases } from "../../bench/phases.ts";
import { workload } from "../../bench/workload.ts";
import { onnx } from "../../src/engine/onnx/generated/onnx.js";
import { checkOperators } from "../../src/engine/onnx/operators.ts";
import { compile } from "../../src/engine/runtime/program.ts";
import { onWebgpu } from "../support/webgpu-child.ts";

describe("the graph of every phase", () => {
  test.each(phases)("%s is written for WebGPU in operators of the standard that it has", (phase) => {
    const { model } = compile(workload(phase, smallConfig, smallBatch).graph, "webgpu");
    const nodes = onnx.ModelProto.decode(model).graph?.node ?? [];
    expect(nodes.length).toBeGreaterThan(10);
    expect(nodes.filter(({ domain }) => domain).map(({ opType }) => opType)).toEqual([]);
    expect(() =>
      checkOperators(
        phase,
        nodes.map(({ opType }) => String(opType)),
        "webgpu",
      ),
    ).not.toThrow();
  });
});

// A session is refused where one of its nodes would run on the CPU.
const { printed, skipped } = onWebgpu("run-training-graphs.ts", ["webgpu"], 300_000);
describe.skipIf(skipped)(`every node runs on WebGPU${skipped}`, () => {
  test.each(phases)("of %s", (phase) => {
    expect((JSON.parse(printed) as Record<string, string>)[phase]).toBe("");
  });
});
