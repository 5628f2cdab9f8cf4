import * as b from "../../src/engine/graph/builders.ts";
import { type DType, type TensorData, toDtype } from "../../src/engine/graph/dtypes.ts";
import { type Graph, graph } from "../../src/engine/graph/graph.ts";
import type { Value } from "../../src/engine/graph/types.ts";
import type { Feeds } from "../../src/engine/runtime/program.ts";

/** What goes in of each dtype: whole numbers that a cast to a narrower one wraps around, and a fraction. */
export const dtypeValues: Record<DType, readonly number[]> = {
  float32: [0, 2.75, -3.5, 100],
  int64: [0, 2 ** 40 + 3, -3, 300],
  int32: [0, 70_000, -3, 300],
  uint8: [0, 255, 128, 7],
  int8: [0, 127, -128, -1],
  bool: [0, 1, 1, 0],
};

export const allDtypes = Object.keys(dtypeValues) as DType[];

/** Each dtype in, as it is, compared with another array of it, and cast to every dtype out. */
export interface DtypeProgram {
  graph: Graph;
  feeds: Feeds;
  /** What comes out, exactly. */
  expected: Record<string, TensorData>;
}

/** @param dtypes those that the provider runs. */
export function dtypeProgram(dtypes: readonly DType[]): DtypeProgram {
  const outputs: Record<string, Value> = {};
  const feeds: Record<string, TensorData> = {};
  const expected: Record<string, TensorData> = {};
  for (const dtype of dtypes) {
    const values = dtypeValues[dtype];
    const [x, y] = [b.input(`${dtype}/x`, [4], dtype), b.input(`${dtype}/y`, [2, 1], dtype)];
    feeds[`${dtype}/x`] = toDtype(dtype, values);
    feeds[`${dtype}/y`] = toDtype(dtype, values.slice(1, 3));
    outputs[`${dtype}/same`] = x;
    expected[`${dtype}/same`] = toDtype(dtype, values);
    outputs[`${dtype}/equal`] = b.equal(x, y);
    const compared = [values[1], values[2]].flatMap((other) => values.map((value) => Number(value === other)));
    expected[`${dtype}/equal`] = toDtype("bool", compared);
    for (const to of dtypes) {
      // What a fraction below zero becomes as an unsigned byte, each machine has its own answer to.
      if (dtype === "float32" && to === "uint8") continue;
      outputs[`${dtype}/${to}`] = b.cast(x, to);
      expected[`${dtype}/${to}`] = toDtype(to, values);
    }
  }
  return { graph: graph("dtypes", outputs), feeds, expected };
}
