import { describe, expect, test } from "vitest";
import { mul, scalar } from "../../../../src/engine/graph/builders.ts";
import {
  type Initializer,
  initialize,
  type ParameterSpec,
  parameterInputs,
} from "../../../../src/engine/parameters/specs.ts";

function drawn(init: Initializer, shape: number[], { name = "tensor", seed = 1 } = {}): Float32Array {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  initialize({ name, shape, role: "trainable", init }, seed, values);
  return values;
}
const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: Float32Array) => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
};

describe("initial values", () => {
  test.each([
    [[192, 64], 192 + 64],
    // A patch kernel [D, C, p, p] is seen as [D, C·p·p].
    [[96, 3, 8, 8], 96 + 192],
  ])("xavier-uniform of %j fills ±√(6 / (fan in + fan out)) evenly", (shape, fans) => {
    const bound = Math.sqrt(6 / fans);
    const values = drawn({ kind: "xavier-uniform" }, shape);
    const largest = values.reduce((a, value) => Math.max(a, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest).toBeGreaterThan(0.999 * bound);
    // Of 12,288 and more values: 3 % is more than four deviations of each figure.
    expect(Math.abs(mean(values))).toBeLessThan(0.03 * bound);
    expect(deviation(values) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1.5);
  });

  test("normal has the deviation asked for", () => {
    const values = drawn({ kind: "normal", std: 0.02 }, [1, 1, 40_000]);
    expect(Math.abs(mean(values))).toBeLessThan(4 * (0.02 / 200));
    expect(Math.abs(deviation(values) / 0.02 - 1)).toBeLessThan(4 / Math.sqrt(80_000));
    const beyond = values.filter((value) => Math.abs(value) > 0.04).length / values.length;
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(0.005);
  });

  test("truncated-normal redraws beyond two units, not beyond two deviations", () => {
    const narrow = drawn({ kind: "truncated-normal", std: 2e-5 }, [20_000]);
    expect(narrow.reduce((a, value) => Math.max(a, Math.abs(value)), 0)).toBeGreaterThan(3 * 2e-5);
    const wide = drawn({ kind: "truncated-normal", std: 2 }, [20_000]);
    expect(wide.reduce((a, value) => Math.max(a, Math.abs(value)), 0)).toBeLessThanOrEqual(2);
    // A normal cut at one deviation has the deviation 0.5396 of it.
    expect(deviation(wide) / 2).toBeCloseTo(0.5396, 1.7);
  });

  test("zeros, ones and tables are what they say", () => {
    expect([...drawn({ kind: "zeros" }, [2])]).toEqual([0, 0]);
    expect([...drawn({ kind: "ones" }, [2])]).toEqual([1, 1]);
    expect([...drawn({ kind: "table", data: [0.5, -2] }, [2])]).toEqual([0.5, -2]);
  });

  test("follow the seed and the tensor's name, and nothing else", () => {
    const of = (name: string, seed: number) => [...drawn({ kind: "normal", std: 1 }, [4], { name, seed })];
    expect(of("a.weight", 1)).toEqual(of("a.weight", 1));
    expect(of("a.weight", 1)).not.toEqual(of("a.weight", 2));
    expect(of("a.weight", 1)).not.toEqual(of("b.weight", 1));
  });
});

describe("parameter inputs", () => {
  const specs: ParameterSpec[] = [
    { name: "w", shape: [2, 3], role: "trainable", init: { kind: "zeros" } },
    { name: "mean", shape: [3], role: "state", init: { kind: "zeros" } },
  ];

  test("are made once for each key that is asked for", () => {
    const p = parameterInputs(specs);
    expect(p("w")).toBe(p("w"));
    expect(p("w").shape).toEqual([2, 3]);
  });

  test("refuse an unknown key by its name", () => {
    expect(() => parameterInputs(specs)("v")).toThrow(/parameter "v": expected a tensor of this model/);
  });

  test("keep one update of a state tensor, of its own shape", () => {
    const p = parameterInputs(specs);
    const next = mul(p("mean"), scalar(0.5));
    expect(() => p.update("w", p("w"))).toThrow(
      /parameter "w": expected a state tensor to update, got a trainable one/,
    );
    expect(() => p.update("mean", p("w"))).toThrow(/parameter "mean": expected float32 \[3\], got float32 \[2, 3\]/);
    p.update("mean", next);
    expect(() => p.update("mean", next)).toThrow(/expected one update in a graph, got a second/);
    expect([...p.updates]).toEqual([["mean", next]]);
  });
});
