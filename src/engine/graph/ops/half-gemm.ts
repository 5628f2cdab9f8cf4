import { halfBits, halfValue } from "../../../support/half.ts";
import { ndarray } from "../ndarray.ts";
import type { NdArray, OpAttributes, OpDefinition } from "../types.ts";
import { gemm } from "./gemm.ts";

/** Keeps the quotient by the largest magnitude finite where that is 0; float32 has smaller numbers, which then count as 0. */
export const smallestOfHalf = 1e-30;

/**
 * `op(â) · op(b̂) + bias` of matrices whose elements are rounded to float16 first: the product that graphics cards have fast. With
 * `scaled` a is divided by its largest magnitude before it is rounded, and the product multiplied by it: derivatives are
 * often smaller than float16's smallest numbers. How exact the sums are is the device's: here they are exact, and so
 * is the addition of the bias.
 *
 * The derivatives are those of {@link gemm}, straight through the rounding, which is flat nearly everywhere.
 */
export const halfGemm: OpDefinition<"HalfGemm"> = {
  infer: (inputs, attributes) => gemm.infer(inputs, unscaled(attributes)),
  vjp: ({ attributes, ...rest }) => gemm.vjp({ ...rest, attributes: unscaled(attributes) }),
  reference(inputs, attributes) {
    const [a, w, bias] = inputs as [NdArray, NdArray, NdArray | undefined];
    const largest = attributes.scaled
      ? a.data.reduce((most, value) => Math.max(most, Math.abs(value)), smallestOfHalf)
      : 1;
    const operands = [inHalf(a, largest), inHalf(w, 1)];
    const [product] = gemm.reference(operands, unscaled(attributes)) as [NdArray];
    const columns = product.shape[1] as number;
    const data = product.data.map((value, i) => value * largest + (bias?.data[i % columns] ?? 0));
    return [ndarray(product.shape, data)];
  },
};

const unscaled = ({ transA, transB }: OpAttributes["HalfGemm"]): OpAttributes["Gemm"] => ({ transA, transB, alpha: 1 });

function inHalf({ shape, data }: NdArray, largest: number): NdArray {
  return ndarray(
    shape,
    data.map((value) => halfValue(halfBits(Math.fround(value / largest)))),
  );
}
