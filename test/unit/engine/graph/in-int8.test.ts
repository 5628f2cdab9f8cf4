import { describe, expect, test } from "vitest";
import {
  gelu,
  input,
  layerNormalization,
  mul,
  quantizedWeightGradient,
  reduceSum,
} from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph, inputName } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { mostRowsInInt8 } from "../../../../src/engine/graph/ops/quantized-weight-gradient.ts";
import { inInt8 } from "../../../../src/engine/graph/passes/in-int8.ts";
import { optimize } from "../../../../src/engine/graph/passes/index.ts";
import { quantizedInputName } from "../../../../src/engine/graph/quantized-names.ts";
import { emitOnnx } from "../../../../src/engine/onnx/emit.ts";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import { parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../../../src/engine/parameters/training-outputs.ts";
import { linear } from "../../../../src/method/nn/layers.ts";
import { quantizedFeeds } from "../../../support/quantized-reference.ts";
import { hidden, rows, specs, twoLayers, wave, weights, width } from "../../../support/two-layers.ts";

const store = initialStore(specs, 3);
const values = Object.fromEntries(specs.map(({ name }) => [name, Float64Array.from(store.parameter(name))]));
const x = wave(rows * width, 0.7);

/** One layer, whose loss has the derivative `dy` by its output, given as an input of its own. */
function oneLayer(): Graph {
  const p = parameterInputs(specs.slice(0, 2));
  const y = linear(input("x", [rows, width]), p, "fc1");
  // The derivative by what the layer reads goes on to a sum with something that is learned.
  const loss = reduceSum(mul(y, input("dy", [rows, hidden])), [0, 1]);
  return graph("layer", { loss, y, ...trainingOutputs(loss, p) });
}

/** Values rounded to 256 levels from the smallest to the largest and 0, as the operator rounds its first operand. */
function rounded(of: Float64Array): Float64Array {
  const all = Array.from(of, Math.fround);
  const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  const step = Math.fround(Math.fround(high - low) / 255);
  const zero = Math.round(-low / step);
  return Float64Array.from(all, (v) => step * (Math.max(0, Math.min(255, Math.round(v / step) + zero)) - zero));
}

/** The same of each row of this width, to 255 levels around 0, as the derivative by what a layer read is rounded. */
function roundedByRows(of: Float64Array, columns: number): Float64Array {
  const rounded = Array.from({ length: of.length / columns }, (_, row) => {
    const line = Array.from(of.subarray(row * columns, (row + 1) * columns), Math.fround);
    const step = Math.fround(Math.max(...line.map(Math.abs)) / 127);
    return line.map((value) => step * Math.round(value / step));
  });
  return Float64Array.from(rounded.flat());
}

const ops = ({ nodes }: Graph, op: string) => nodes.filter((node) => node.op === op).length;

describe("a training graph in int8", () => {
  test("is the graph itself where no weight is kept in int8", () => {
    const source = twoLayers();
    expect(inInt8(source, new Set())).toBe(source);
  });

  test("has the products by these weights in int8, forward and by the input, and no other", () => {
    const source = twoLayers();
    const result = inInt8(source, weights);
    // Of the first layer the derivative by its input is not asked for; both by the weights stay as they were.
    expect([ops(source, "Gemm"), ops(source, "QuantizedMatMul")]).toEqual([5, 0]);
    expect([ops(result, "Gemm"), ops(result, "QuantizedMatMul")]).toEqual([2, 3]);
    const names = result.inputs.map(inputName);
    expect(names).not.toContain("fc1.weight");
    expect(names).toContain(quantizedInputName("fc2.weight", "plain"));
    expect([...result.outputs.keys()]).toEqual([...source.outputs.keys()]);
    expect(ops(inInt8(source, new Set(["fc1.weight"])), "QuantizedMatMul")).toBe(1);
  });

  test("holds the copies itself where it is given them", () => {
    const p = parameterInputs(specs);
    const forward = graph("forward", { y: linear(gelu(linear(input("x", [rows, width]), p, "fc1")), p, "fc2") });
    const quantized = quantizedFeeds(store, weights);
    const asked: string[] = [];
    const held = inInt8(forward, weights, {
      copies(key, copy) {
        asked.push(`${key} ${copy}`);
        const values = quantized[quantizedInputName(key, copy)] as Float64Array;
        return copy === "transposed" ? Int8Array.from(values) : Float32Array.from(values);
      },
    });
    expect(asked.sort()).toEqual([...weights].flatMap((key) => [`${key} rowScales`, `${key} transposed`]).sort());
    expect(held.inputs.map(inputName).sort()).toEqual(["fc1.bias", "fc2.bias", "x"]);
    expect(interpret(held, { ...values, x }).get("y")?.data).toEqual(
      interpret(inInt8(forward, weights), { ...values, ...quantized, x }).get("y")?.data,
    );
  });

  test("gives what the float32 graph gives of the rounded weight and the rounded operand", () => {
    const dy = wave(rows * hidden, 1.9);
    const quantized = quantizedFeeds(store, ["fc1.weight"]);
    const copy = (of: "transposed" | "plain") => quantized[quantizedInputName("fc1.weight", of)] as Float64Array;
    const scales = (of: "rowScales" | "columnScales") =>
      quantized[quantizedInputName("fc1.weight", of)] as Float64Array;
    const got = interpret(inInt8(oneLayer(), new Set(["fc1.weight"])), { ...values, ...quantized, x, dy });
    const weight = Float64Array.from({ length: hidden * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      return (copy("transposed")[column * hidden + row] as number) * (scales("rowScales")[row] as number);
    });
    const forward = interpret(oneLayer(), { ...values, "fc1.weight": weight, x: rounded(x), dy });
    const backward = interpret(oneLayer(), { ...values, x, dy });
    const expectClose = (name: string, expected: ArrayLike<number> | undefined) => {
      const data = got.get(name)?.data as Float64Array;
      data.forEach((value, i) => {
        expect(value, `${name}[${i}]`).toBeCloseTo(expected?.[i] as number, 6);
      });
    };
    expectClose("y", forward.get("y")?.data);
    // Straight through: the gradient by the weight is that of the operands as they were before they were rounded.
    expectClose("grad/fc1.weight", backward.get("grad/fc1.weight")?.data);
    expectClose("grad/fc1.bias", backward.get("grad/fc1.bias")?.data);
  });

  test("passes on the rounded derivative times the weight rounded by columns", () => {
    const feeds = { ...values, x, x2: wave(rows * width, 0.2), factors: wave(rows * width, 2.3) };
    const quantized = quantizedFeeds(store, ["fc2.weight"]);
    const source = twoLayers();
    const got = interpret(inInt8(source, new Set(["fc2.weight"])), { ...feeds, ...quantized });
    // By hand from y, which is the int8 one: dy = 2 · factors · y, then dy · W.
    const y = got.get("y")?.data as Float64Array;
    const dy = roundedByRows(
      y.map((value, i) => 2 * value * (feeds.factors[i] as number)),
      width,
    );
    const plain = quantized[quantizedInputName("fc2.weight", "plain")] as Float64Array;
    const scales = quantized[quantizedInputName("fc2.weight", "columnScales")] as Float64Array;
    const byHidden = new Float64Array(rows * hidden);
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < width; k++) {
        for (let c = 0; c < hidden; c++) {
          const w = (plain[k * hidden + c] as number) * (scales[c] as number);
          byHidden[r * hidden + c] = (byHidden[r * hidden + c] as number) + (dy[r * width + k] as number) * w;
        }
      }
    }
    // The bias of the norm collects dy · W · gelu'; gelu' from the float64 graph, which is the same up to there.
    const normalized = interpret(normalizedGraph(), feeds).get("n")?.data as Float64Array;
    const bias = new Float64Array(hidden);
    normalized.forEach((n, i) => {
      bias[i % hidden] = (bias[i % hidden] as number) + (byHidden[i] as number) * geluSlope(n);
    });
    const derivative = got.get("grad/norm.bias")?.data as Float64Array;
    derivative.forEach((value, c) => {
      expect(value).toBeCloseTo(bias[c] as number, 5);
    });
    const plainGradient = interpret(source, feeds).get("grad/norm.bias")?.data as Float64Array;
    expect(derivative.some((value, c) => Math.abs(value - (plainGradient[c] as number)) > 1e-4)).toBe(true);
  });

  describe("with the gradients of the weights in int8 too", () => {
    const asked = { weightGradients: "int8" } as const;

    test("has all products by these weights in int8", () => {
      const source = twoLayers();
      const result = inInt8(source, weights, asked);
      expect([ops(result, "Gemm"), ops(result, "QuantizedMatMul"), ops(result, "QuantizedWeightGradient")]).toEqual([
        0, 3, 2,
      ]);
      const one = inInt8(source, new Set(["fc1.weight"]), asked);
      expect([ops(one, "Gemm"), ops(one, "QuantizedMatMul"), ops(one, "QuantizedWeightGradient")]).toEqual([3, 1, 1]);
    });

    test("gives the product of dy and x, rounded, and the same of all else", () => {
      const dy = wave(rows * hidden, 1.9);
      const quantized = quantizedFeeds(store, ["fc1.weight"]);
      const feeds = { ...values, ...quantized, x, dy };
      const got = interpret(inInt8(oneLayer(), new Set(["fc1.weight"]), asked), feeds);
      const expected = interpret(inInt8(oneLayer(), new Set(["fc1.weight"])), feeds);
      const product = quantizedWeightGradient(input("dy", [rows, hidden]), input("x", [rows, width]));
      const byHand = interpret(graph("product", { product }), { dy, x }).get("product");
      expect(got.get("grad/fc1.weight")?.data).toEqual(byHand?.data);
      for (const name of ["loss", "y", "grad/fc1.bias"]) expect(got.get(name)?.data).toEqual(expected.get(name)?.data);
      const inFloat = expected.get("grad/fc1.weight")?.data as Float64Array;
      const largest = Math.max(...inFloat.map(Math.abs));
      const apart = inFloat.map((value, i) => Math.abs(value - (byHand?.data[i] as number)) / largest);
      expect(Math.max(...apart)).toBeGreaterThan(1e-4);
      expect(Math.max(...apart)).toBeLessThan(0.05);
    });

    test("rounds what a layer read once for both its products, and makes no GELU anew to round it", () => {
      const source = twoLayers();
      const nodes = nodesOf(inInt8(source, weights, asked));
      // x and the GELU; dy is rounded by rows for one of its products and by columns for the other.
      expect(nodes.filter((op) => op === "DynamicQuantizeLinear")).toHaveLength(2);
      expect(nodes.filter((op) => op === "QuantizeLinear")).toHaveLength(3);
      expect(nodes.filter((op) => op === "Gelu")).toHaveLength(1);
      expect(nodesOf(inInt8(source, weights)).filter((op) => op === "Gelu")).toHaveLength(2);
    });

    test("leaves a gradient in float32 whose rows are too many", () => {
      const many = mostRowsInInt8 + 1;
      const p = parameterInputs(specs.slice(0, 2));
      const loss = reduceSum(linear(input("x", [many, width]), p, "fc1"), [0, 1]);
      const source = graph("long", { loss, ...trainingOutputs(loss, p) });
      const result = inInt8(source, new Set(["fc1.weight"]), asked);
      expect([ops(result, "Gemm"), ops(result, "QuantizedWeightGradient")]).toEqual([1, 0]);
    });
  });
});

function nodesOf(source: Graph): (string | null | undefined)[] {
  const model = onnx.ModelProto.decode(emitOnnx(optimize(source), "cpu"));
  return (model.graph?.node ?? []).map(({ opType }) => opType);
}

function normalizedGraph(): Graph {
  const p = parameterInputs(specs);
  const [n] = layerNormalization(linear(input("x", [rows, width]), p, "fc1"), p("norm.weight"), p("norm.bias"), 1e-6);
  return graph("normalized", { n });
}

function geluSlope(x: number): number {
  const step = 1e-6;
  const probe = graph("probe", { y: gelu(input("v", [2])) });
  const y = interpret(probe, { v: [x + step, x - step] }).get("y")?.data as Float64Array;
  return ((y[0] as number) - (y[1] as number)) / (2 * step);
}
