import { permuteArray } from "../ndarray.ts";
import { formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/** Reorders the axes; the derivative is reordered by the inverse permutation. */
export const transpose: OpDefinition<"Transpose"> = {
  infer(inputs, { perm }) {
    const x = inputs[0] as TensorType;
    const sorted = [...perm].sort((a, b) => a - b);
    if (perm.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw shapeError("Transpose", `a permutation of the ${x.shape.length} axes`, formatShape(perm));
    }
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis] as number) }];
  },
  vjp({ attributes: { perm }, cotangents, b }) {
    const inverse = new Array<number>(perm.length);
    perm.forEach((axis, i) => {
      inverse[axis] = i;
    });
    return [b.transpose(cotangents[0] as Value, inverse)];
  },
  reference: (inputs, { perm }) => [permuteArray(inputs[0] as NdArray, perm)],
};
