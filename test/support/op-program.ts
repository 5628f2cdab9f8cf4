import { gradients } from "../../src/engine/autodiff/gradients.ts";
import * as b from "../../src/engine/graph/builders.ts";
import { type Graph, graph } from "../../src/engine/graph/graph.ts";
import { sizeOf } from "../../src/engine/graph/shape.ts";
import type { OpName, Value } from "../../src/engine/graph/types.ts";
import type { HostTensor } from "../../src/engine/runtime/session.ts";
import { RandomStream } from "../../src/support/random.ts";
import { opCases } from "./op-cases.ts";

/** Every operator's cases in one graph, each with its results and derivatives as outputs `<case>/…`. */
export interface OpProgram {
  graph: Graph;
  /** fp32, so that every execution starts from the same numbers. */
  feeds: Record<string, HostTensor & { data: Float32Array }>;
  /** Output names start with one of these. */
  names: string[];
}

/**
 * GPUs do without the products in int8, and the software adapter without those in float16; a choice of rows is written for
 * processors, and for other programs.
 */
export const notOnGpus = [
  "HalfGemm",
  "QuantizedMatMul",
  "QuantizedWeightGradient",
  "TopRows",
] as const satisfies readonly OpName[];

/** @param without operators to leave out: the numbers of the others stay the same. */
export function opProgram(without: readonly OpName[] = []): OpProgram {
  const outputs: Record<string, Value> = {};
  const feeds: OpProgram["feeds"] = {};
  const names: string[] = [];
  const taken = (Object.keys(opCases) as OpName[]).filter((op) => !without.includes(op));
  for (const op of taken) {
    opCases[op].forEach(({ shapes, build, range: [low, high] = [-1.5, 1.5] }, i) => {
      const name = `${op}-${i}`;
      names.push(name);
      const stream = RandomStream.for(23, "evaluation", ...Array.from(name, (letter) => letter.charCodeAt(0)));
      const draw = (size: number) => Float32Array.from({ length: size }, () => low + (high - low) * stream.uniform());
      const operands = shapes.map((shape, k) => b.input(`${name}/x${k}`, shape));
      shapes.forEach((shape, k) => {
        feeds[`${name}/x${k}`] = { dtype: "float32", data: draw(sizeOf(shape)), shape };
      });
      const results = [build(...operands)].flat();
      const weighted = results.map((result) => {
        const weights = b.constant(draw(sizeOf(result.shape)), result.shape);
        return b.reduceSum(b.mul(result, weights), [...result.shape.keys()]);
      });
      const loss = weighted.reduce((x, y) => b.add(x, y));
      results.forEach((result, k) => {
        outputs[`${name}/y${k}`] = result;
      });
      gradients(loss, operands).forEach((derivative, k) => {
        outputs[`${name}/d${k}`] = derivative;
      });
    });
  }
  const program = graph("operators", outputs);
  // A derivative may not depend on an operand: what the graph does not read must not be fed.
  const read = new Set(program.inputs.map((value) => (value.node.attributes as { name: string }).name));
  return { graph: program, feeds: Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name))), names };
}
