import { describe, expect, it } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import * as b from "../../../../src/engine/graph/builders.ts";
import { graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import { formatShape, sizeOf } from "../../../../src/engine/graph/shape.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { opCases } from "../../../support/op-cases.ts";

describe.each(Object.entries(opCases))("%s vjp", (op, list) => {
  it.each(list.map((entry) => [entry.shapes.map(formatShape).join(" "), entry] as const))(
    "matches central differences on %s",
    (_, entry) => {
      expect(list.length, op).toBeGreaterThan(0);
      const stream = RandomStream.for(7, "initialisation", op.length, entry.shapes.length);
      const [low, high] = entry.range ?? [-1.5, 1.5];
      const draw = (size: number) => Float64Array.from({ length: size }, () => low + (high - low) * stream.uniform());
      const operands = entry.shapes.map((shape, i) => b.input(`x${i}`, shape));
      const results = [entry.build(...operands)].flat();
      // A weighted sum with fixed random weights makes every output element count differently.
      const loss = results
        .map((result) =>
          b.reduceSum(b.mul(result, b.constant(draw(sizeOf(result.shape)), result.shape)), [...result.shape.keys()]),
        )
        .reduce((a, c) => b.add(a, c));
      const derivatives = gradients(loss, operands);
      const program = graph("check", { loss, ...Object.fromEntries(derivatives.map((d, i) => [`d${i}`, d])) });
      const feeds = Object.fromEntries(entry.shapes.map((shape, i) => [`x${i}`, draw(sizeOf(shape))]));
      const lossAt = (changed: Record<string, Float64Array>) =>
        interpret(program, changed).get("loss")?.data[0] as number;
      const computed = interpret(program, feeds);
      entry.shapes.forEach((shape, i) => {
        expect(computed.get(`d${i}`)?.shape).toEqual(shape);
        for (let element = 0; element < sizeOf(shape); element++) {
          const step = 1e-5;
          const moved = (by: number) => {
            const copy = Float64Array.from(feeds[`x${i}`] as Float64Array);
            copy[element] = (copy[element] as number) + by;
            return lossAt({ ...feeds, [`x${i}`]: copy });
          };
          const numeric = (moved(step) - moved(-step)) / (2 * step);
          // Central differences with this step are good to about step² and rounding 1e-16/step.
          expect(computed.get(`d${i}`)?.data[element]).toBeCloseTo(numeric, 7);
        }
      });
    },
  );
});
