import type { Graph } from "../../src/engine/graph/graph.ts";
import { inputName } from "../../src/engine/graph/graph.ts";
import { interpret } from "../../src/engine/graph/interpreter.ts";
import { sizeOf } from "../../src/engine/graph/shape.ts";
import { initialize, type ParameterSpec } from "../../src/engine/parameters/specs.ts";
import { RandomStream } from "../../src/support/random.ts";

/** Values of a model's tensors in float64: as they start, moved by random numbers so that no gradient is zero by accident. */
export function parameterValues(specs: readonly ParameterSpec[], seed = 1): Record<string, Float64Array> {
  const stream = RandomStream.for(seed, "evaluation", 1);
  return Object.fromEntries(
    specs.map((spec) => {
      const start = new Float32Array(sizeOf(spec.shape));
      initialize(spec, seed, start);
      return [
        spec.name,
        Float64Array.from(start, (value) => value + (spec.role === "trainable" ? 0.1 * stream.normal() : 0)),
      ];
    }),
  );
}

/** Random numbers for every float input of a graph that is none of `given`. */
export function randomInputs(
  graph: Graph,
  given: Readonly<Record<string, unknown>>,
  seed = 2,
): Record<string, Float64Array> {
  const stream = RandomStream.for(seed, "evaluation", 2);
  const open = graph.inputs.filter((value) => value.dtype === "float32" && !(inputName(value) in given));
  return Object.fromEntries(
    open.map((value) => [inputName(value), Float64Array.from({ length: sizeOf(value.shape) }, () => stream.normal())]),
  );
}

/** One output of a graph in float64. */
export function evaluate(
  graph: Graph,
  feeds: Readonly<Record<string, ArrayLike<number | bigint>>>,
  output: string,
): Float64Array {
  return interpret(graph, feeds).get(output)?.data as Float64Array;
}

/** Largest difference relative to the larger array's largest element. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, Number.MIN_VALUE];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    difference = Math.max(difference, Math.abs(x - y));
    largest = Math.max(largest, Math.abs(x), Math.abs(y));
  }
  return difference / largest;
}
