import type { Shape, Value } from "../../src/engine/graph/types.ts";

/** One use of an operator: the shapes of its differentiable operands, and the expression. */
export interface OpCase {
  shapes: Shape[];
  build: (...operands: Value[]) => Value | Value[];
  /** Operands are drawn from this interval. */
  range?: [number, number];
}
