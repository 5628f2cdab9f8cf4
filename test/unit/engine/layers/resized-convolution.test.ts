import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { input, mul, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { sizeOf } from "../../../../src/engine/graph/shape.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { conv2d, conv2dSpecs } from "../../../../src/engine/layers/convolution.ts";
import { resize2d } from "../../../../src/engine/layers/resize.ts";
import { resizedConv2d } from "../../../../src/engine/layers/resized-convolution.ts";
import { parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { parameterValues, randomInputs, relativeError } from "../../../support/micro-graphs.ts";

const size = [7, 9] as const;

describe.each([
  { what: "one output", outputs: 1, channels: 8, kernel: [2, 3], window: { pads: [1, 0, 2, 1] }, short: true },
  { what: "two outputs", outputs: 2, channels: 20, kernel: [3, 3], window: { pads: [1, 1, 1, 1] }, short: true },
  { what: "steps over pixels", outputs: 1, channels: 7, kernel: [3, 2], window: { strides: [2, 1] }, short: true },
  { what: "a kernel with gaps", outputs: 1, channels: 5, kernel: [2, 2], window: { dilations: [2, 3] }, short: true },
  { what: "as many parts as channels", outputs: 2, channels: 8, kernel: [2, 2], window: {}, short: false },
] as const)("the convolution of resized images with $what", ({ outputs, channels, kernel, window, short }) => {
  const specs = conv2dSpecs("c", { inChannels: channels, outChannels: outputs, kernel, bias: true });
  const build = (whole: boolean) => {
    const p = parameterInputs(specs);
    const x = input("x", [2, channels, 4, 5]);
    const options = { ...window, bias: true };
    const y = whole
      ? conv2d(resize2d(x, size, "aligned"), p, "c", options)
      : resizedConv2d(x, p, "c", { ...options, size, mode: "aligned" });
    const loss = reduceSum(mul(y, input("dy", y.shape)), [0, 1, 2, 3]);
    const wrt: Value[] = [x, p("c.weight"), p("c.bias")];
    const [dx, dWeight, dBias] = gradients(loss, wrt) as [Value, Value, Value];
    return graph("resized", { y, dx, dWeight, dBias });
  };
  const [mixed, whole] = [build(false), build(true)];

  test("and every derivative are those of the convolution after the resize", () => {
    const values = parameterValues(specs);
    const feeds = { ...values, ...randomInputs(whole, values) };
    const [got, expected] = [interpret(mixed, feeds), interpret(whole, feeds)];
    for (const name of ["y", "dx", "dWeight", "dBias"]) {
      const [a, b] = [got, expected].map((results) => results.get(name)?.data as Float64Array) as [
        Float64Array,
        Float64Array,
      ];
      expect(relativeError(a, b), name).toBeLessThan(1e-13);
    }
  });

  test(`${short ? "never has" : "has"} all channels of the resized images`, () => {
    const largest = Math.max(...mixed.nodes.flatMap((node) => node.outputs.map(({ shape }) => sizeOf(shape))));
    if (short) expect(largest).toBeLessThan(2 * channels * size[0] * size[1]);
    else expect(largest).toBeGreaterThanOrEqual(2 * channels * size[0] * size[1]);
  });
});
