import { add, gelu, input, layerNormalization, mul, reduceSum } from "../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../src/engine/graph/graph.ts";
import { layerNormSpecs, linearSpecs, parameterInputs } from "../../src/engine/parameters/specs.ts";
import { trainingOutputs } from "../../src/engine/parameters/training-outputs.ts";
import { linear } from "../../src/method/nn/layers.ts";

export const [rows, width, hidden] = [24, 16, 32];
export const specs = [
  ...linearSpecs("fc1", width, hidden),
  ...layerNormSpecs("norm", hidden),
  ...linearSpecs("fc2", hidden, width),
];
/** Those whose products are taken in fewer bits. */
export const weights: ReadonlySet<string> = new Set(["fc1.weight", "fc2.weight"]);

/** Two layers, so that the second one's derivative by its input reaches the first, with the loss's `factors` fed. */
export function twoLayers(): Graph {
  const p = parameterInputs(specs);
  const first = linear(input("x", [rows, width]), p, "fc1");
  const [normalized] = layerNormalization(first, p("norm.weight"), p("norm.bias"), 1e-6);
  const y = add(linear(gelu(normalized), p, "fc2"), input("x2", [rows, width]));
  const loss = reduceSum(mul(mul(y, y), input("factors", [rows, width])), [0, 1]);
  return graph("layers", { loss, y, ...trainingOutputs(loss, p) });
}

export const wave = (length: number, by: number): Float64Array =>
  Float64Array.from({ length }, (_, i) => Math.sin(by * i + 0.3));
