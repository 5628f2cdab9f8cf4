import { expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { batchNormalization, input, mul, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { nodeBackend } from "../../../../src/engine/runtime/node-backend.ts";
import { compile, floatsOf, Program } from "../../../../src/engine/runtime/program.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { gradients as tolerances } from "../../../tolerances.ts";

test("normalisations of one width in one graph keep their statistics apart", async () => {
  const shape = [2, 3, 4, 4];
  const [x, weights, ...vectors] = [
    input("x", shape),
    input("weights", shape),
    ...["scale", "bias", "scale2", "bias2"].map((name) => input(name, [3])),
  ] as [Value, Value, ...Value[]];
  const [scale, bias, scale2, bias2] = vectors as [Value, Value, Value, Value];
  const [first] = batchNormalization(x, scale, bias, 1e-5);
  const [second] = batchNormalization(mul(first, first), scale2, bias2, 1e-5);
  const loss = reduceSum(mul(second, weights), [0, 1, 2, 3]);
  const wrt = [x, ...vectors];
  const names = ["x", "scale", "bias", "scale2", "bias2"];
  const two = graph("two", Object.fromEntries(gradients(loss, wrt).map((d, i) => [`d/${names[i]}`, d])));
  const stream = RandomStream.for(1, "initialisation");
  const feeds = Object.fromEntries(
    [x, weights, ...vectors].map((value, i) => [
      ["x", "weights", "scale", "bias", "scale2", "bias2"][i] as string,
      Float32Array.from({ length: value.shape.reduce((a, b) => a * b, 1) }, () => stream.normal()),
    ]),
  );
  const program = await Program.load(nodeBackend, compile(two, "cpu"), { provider: "cpu", threads: 1 });
  const got = floatsOf(await program.run(feeds));
  await program.release();
  for (const [name, { data }] of interpret(two, feeds)) {
    const largest = Math.max(...Array.from(data, Math.abs));
    const error = Math.max(...Array.from(data, (value, i) => Math.abs(value - (got[name]?.[i] as number))));
    expect(error / largest, name).toBeLessThan(tolerances.float64.cpu.relative);
  }
});
