import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { OpAttributes, Value } from "../../../../src/engine/graph/types.ts";

type Options = Partial<OpAttributes["HalfGemm"]>;

/** The product of 2 × 3 by 3 × 2 in float64, its operands rounded as the operator says. */
function product(a: number[], w: number[], options: Options = {}, bias?: number[]): number[] {
  const shapeOf = (transposed: boolean | undefined, shape: [number, number]) =>
    transposed ? shape.toReversed() : shape;
  const y = b.halfGemm(
    b.constant(a, shapeOf(options.transA, [2, 3])),
    b.constant(w, shapeOf(options.transB, [3, 2])),
    bias && b.constant(bias, [2]),
    options,
  );
  return [...(interpret(graph("product", { y }), {}).get("y")?.data ?? [])];
}

describe("a product in float16, in float64", () => {
  // 0.1 and 2,049 are none of float16's numbers: the nearest are 0.0999755859375 and 2,048.
  test("is of operands rounded to the nearest of float16, transposed where asked, plus the bias as it is", () => {
    const upper: [number, number] = [0.0999755859375 + 2048 * 3, 0.0999755859375 * 2];
    const expected = [...upper, 5, 0];
    const [a, w] = [
      [0.1, 2049, 0, 0, 0, 1],
      [1, 2, 3, 0, 5, 0],
    ];
    expect(product(a, w)).toEqual(expected);
    expect(product([0.1, 0, 2049, 0, 0, 1], w, { transA: true })).toEqual(expected);
    expect(product(a, [1, 3, 5, 2, 0, 0], { transB: true })).toEqual(expected);
    expect(product(a, w, {}, [0.1, -0.1])).toEqual([upper[0] + 0.1, upper[1] - 0.1, 5.1, -0.1]);
  });

  test("keeps what float16 has no numbers for, too small or too large, where it is scaled, and adds the bias after", () => {
    const [a, w] = [
      [2e-9, -1e-9, 0, 0, 0, 5e-10],
      [1, 2, 3, 0, 5, 0],
    ];
    expect(product(a, w)).toEqual([0, 0, 0, 0]);
    const scaled = product(a, w, { scaled: true }, [1, 0]);
    for (const [i, value] of [1 - 1e-9, 4e-9, 1 + 2.5e-9, 0].entries()) expect(scaled[i]).toBeCloseTo(value, 14);
    expect(product([1e6, 0, 0, 0, 0, 0], w)[0]).toBe(Number.POSITIVE_INFINITY);
    expect(product([1e6, 0, 0, 0, 0, 0], w, { scaled: true })[1]).toBeCloseTo(2e6, 6);
  });

  test("is 0 of zeros, and not a number where an operand is not", () => {
    const w = [1, 2, 3, 0, 5, 0];
    expect(product([0, 0, 0, 0, 0, 0], w, { scaled: true })).toEqual([0, 0, 0, 0]);
    expect(product([Number.NaN, 0, 0, 0, 0, 0], w, { scaled: true })[0]).toBeNaN();
  });

  test("has the derivatives of the product without rounding", () => {
    const operands = () => [b.input("a", [3, 2]), b.input("w", [2, 3]), b.input("bias", [2])] as const;
    const derivatives = (of: (...operands: [Value, Value, Value]) => Value) => {
      const [a, w, bias] = operands();
      const loss = b.reduceSum(b.mul(of(a, w, bias), b.constant([1, -2, 0.3, 4], [2, 2])), [0, 1]);
      const [da, dw, dbias] = gradients(loss, [a, w, bias]) as [Value, Value, Value];
      const values = { a: [0.1, 0.2, 0.3, -0.4, 0.5, 2049], w: [1, 0.7, 0, -3, 5, 0.1], bias: [1, 2] };
      const feeds = Object.fromEntries(Object.entries(values).map(([name, of]) => [name, Float64Array.from(of)]));
      return [...interpret(graph("derivatives", { da, dw, dbias }), feeds).values()].map(({ data }) => [...data]);
    };
    const transposed = { transA: true, transB: true };
    expect(derivatives((a, w, bias) => b.halfGemm(a, w, bias, { ...transposed, scaled: true }))).toEqual(
      derivatives((a, w, bias) => b.gemm(a, w, bias, transposed)),
    );
  });

  test("refuses operands that do not fit", () => {
    expect(() => b.halfGemm(b.input("a", [2, 3]), b.input("w", [2, 3]))).toThrow(/inner extents to agree/);
  });
});
