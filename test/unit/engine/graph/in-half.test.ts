import { describe, expect, test } from "vitest";
import { type Graph, inputName } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { inHalf } from "../../../../src/engine/graph/passes/in-half.ts";
import { optimize } from "../../../../src/engine/graph/passes/index.ts";
import type { OpAttributes } from "../../../../src/engine/graph/types.ts";
import { emitOnnx } from "../../../../src/engine/onnx/emit.ts";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import { checkOperators } from "../../../../src/engine/onnx/operators.ts";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import { rows, specs, twoLayers, wave, weights, width } from "../../../support/two-layers.ts";

const store = initialStore(specs, 3);
const feeds = {
  ...Object.fromEntries(specs.map(({ name }) => [name, Float64Array.from(store.parameter(name))])),
  x: wave(rows * width, 0.7),
  x2: wave(rows * width, 0.4),
  // Derivatives that float16 has no numbers for.
  factors: wave(rows * width, 1.3).map((value) => 1e-9 * value),
};

const products = ({ nodes }: Graph) =>
  nodes.flatMap(({ op, attributes }) => (op === "HalfGemm" ? [attributes as OpAttributes["HalfGemm"]] : []));

describe("a training graph in float16", () => {
  test("has all products by these weights in float16, derivatives scaled, and no other", () => {
    const source = twoLayers();
    const result = inHalf(source, weights);
    const count = (scaled: boolean, transA: boolean) =>
      products(result).filter((one) => one.scaled === scaled && one.transA === transA).length;
    // Forward of both, by the input of the second, by the weight of both.
    expect([count(false, false), count(true, false), count(true, true), products(result).length]).toEqual([2, 1, 2, 5]);
    expect(result.nodes.some(({ op }) => op === "Gemm")).toBe(false);
    expect([...result.outputs.keys()]).toEqual([...source.outputs.keys()]);
    expect(result.inputs.map(inputName).sort()).toEqual(source.inputs.map(inputName).sort());
    const ofOne = inHalf(source, new Set(["fc1.weight"]));
    expect([products(ofOne).length, ofOne.nodes.filter(({ op }) => op === "Gemm").length]).toEqual([2, 3]);
  });

  test("has the gradients of float32 but for the rounding, however small they are", () => {
    const expected = interpret(twoLayers(), feeds);
    const got = interpret(inHalf(twoLayers(), weights), feeds);
    for (const [name, { data }] of expected) {
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const apart = data.map((value, i) => Math.abs(value - (got.get(name)?.data[i] ?? Number.NaN)));
      // Rounding to 11 bits, of either operand.
      expect(Math.max(...apart), name).toBeLessThan(2e-3 * largest);
      expect(largest, name).toBeGreaterThan(0);
    }
    expect(got.get("y")?.data).not.toEqual(expected.get("y")?.data);
  });

  test.each(["webgpu", "cuda"] as const)("is written in operators that %s runs", (provider) => {
    const { graph: model } = onnx.ModelProto.decode(emitOnnx(inHalf(twoLayers(), weights), provider));
    const operators = (model?.node ?? []).map(({ domain, opType }) => (domain ? `${domain}:${opType}` : `${opType}`));
    expect(operators).toContain("ReduceMax");
    expect(() => checkOperators("graph", operators, provider)).not.toThrow();
    expect(() => checkOperators("graph", [...operators, "TopK"], provider)).toThrow(/got TopK/);
  });

  test("rounds what several products read once, and makes no GELU anew", () => {
    const result = optimize(inHalf(twoLayers(), weights));
    expect(result.nodes.filter(({ op }) => op === "Gelu")).toHaveLength(1);
    const { graph: model } = onnx.ModelProto.decode(emitOnnx(result, "webgpu"));
    const casts = (model?.node ?? []).filter(
      ({ opType, attribute }) => opType === "Cast" && Number(attribute?.[0]?.i) === 10,
    );
    const sources = casts.map(({ input }) => input?.[0]);
    // x, what the GELU gives, both weights, and both derivatives over their largest.
    expect([sources.length, new Set(sources).size]).toEqual([6, 6]);
  });
});
