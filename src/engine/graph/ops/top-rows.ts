import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType } from "../types.ts";

/**
 * Where the largest of each image's values stand, token-major: of x [batch, n] the rows p · batch + b [count · batch] int64 of the
 * `count` largest p of each image b, in ascending order of p. Of equal values the first are taken. It has no derivative.
 */
export const topRows: OpDefinition<"TopRows"> = {
  infer(inputs, { count }) {
    const x = inputs[0] as TensorType;
    expectFloat("TopRows", x);
    const [batch, n] = x.shape as [number, number];
    if (x.shape.length !== 2 || !(count >= 1 && count <= n)) {
      throw shapeError(
        "TopRows",
        `a matrix of at least ${count} columns, and at least one to take`,
        formatShape(x.shape),
      );
    }
    return [{ dtype: "int64", shape: [count * batch] }];
  },
  vjp: () => [undefined],
  reference(inputs, { count }) {
    const x = inputs[0] as NdArray;
    const [batch, n] = x.shape as [number, number];
    const rows = new Float64Array(count * batch);
    for (let b = 0; b < batch; b++) {
      const values = x.data.subarray(b * n, (b + 1) * n);
      const order = Uint32Array.from(values.keys()).sort(
        (p, q) => (values[q] as number) - (values[p] as number) || p - q,
      );
      for (const [i, p] of order.subarray(0, count).sort().entries()) rows[i * batch + b] = p * batch + b;
    }
    return [ndarray([count * batch], rows, "int64")];
  },
};
