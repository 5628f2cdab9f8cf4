import { ndarray } from "../ndarray.ts";
import { formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { sumTo } from "./broadcast.ts";
import { dynamicQuantization } from "./dynamic-quantization.ts";
import { symmetricLevels } from "./symmetric-levels.ts";

/**
 * `x̂ · (w ∘ scale) + bias` of a matrix x [M, K] and int8 w [K, N] with a scale for each column [N]; x̂ is x rounded to 256
 * levels between its smallest and its largest element and 0, as {@link dynamicQuantization} says; with `byRows` to 255 levels for
 * each row, as {@link symmetricLevels} says, and then without a bias.
 *
 * By `scale` and `bias` the derivatives are exact. By x it is the straight-through one, dy · (w ∘ scale)ᵀ: that of the
 * product with x itself, since rounding is flat nearly everywhere. By w there is none: int8 copies follow the weight
 * that they are made from, and {@link inInt8} puts this operator into graphs that are differentiated before.
 */
export const quantizedMatMul: OpDefinition<"QuantizedMatMul"> = {
  infer(inputs, { byRows }) {
    const [x, w, scale, bias] = inputs as [TensorType, TensorType, TensorType, TensorType | undefined];
    const fits =
      x.shape.length === 2 &&
      w.shape.length === 2 &&
      x.shape[1] === w.shape[0] &&
      perColumn(scale, w) &&
      x.shape[0] !== 0;
    if (!fits) {
      const shapes = [x, w, scale].map(({ shape }) => formatShape(shape)).join(", ");
      throw shapeError("QuantizedMatMul", "[M, K], [K, N] and a scale for each column [N]", shapes);
    }
    if (bias && byRows) {
      throw shapeError("QuantizedMatMul", "no bias where each row of x has steps of its own", formatShape(bias.shape));
    }
    if (bias && !perColumn(bias, w)) {
      throw shapeError("QuantizedMatMul", `a bias of shape [${w.shape[1]}]`, formatShape(bias.shape));
    }
    const dtypes = [x, w, scale, ...(bias ? [bias] : [])].map(({ dtype }) => dtype);
    if (dtypes.some((dtype, i) => dtype !== (i === 1 ? "int8" : "float32"))) {
      throw shapeError("QuantizedMatMul", "float32, int8 and float32", dtypes.join(", "));
    }
    return [{ dtype: "float32", shape: [x.shape[0] as number, w.shape[1] as number] }];
  },
  vjp({ attributes, inputs, cotangents, needed, b }) {
    const [x, w, scale, bias] = inputs as [Value, Value, Value, Value | undefined];
    const dy = cotangents[0] as Value;
    const weights = b.cast(w, "float32");
    const ones = b.expand(b.scalar(1), scale.shape);
    const byOnes = () => b.quantizedMatMul(x, w, ones, undefined, attributes);
    const gradients = [
      needed[0] ? b.gemm(dy, b.mul(weights, scale), undefined, { transB: true }) : undefined,
      undefined,
      needed[2] ? sumTo(b, b.mul(dy, byOnes()), scale.shape) : undefined,
    ];
    return bias ? [...gradients, needed[3] ? sumTo(b, dy, bias.shape) : undefined] : gradients;
  },
  reference(inputs, { byRows }) {
    const [x, w, scale, bias] = inputs as [NdArray, NdArray, NdArray, NdArray | undefined];
    const [rows, inner] = x.shape as [number, number];
    const columns = w.shape[1] as number;
    const { steps, levels } = byRows ? symmetricLevels(x.data, rows, inner) : wholeLevels(x.data, rows);
    const data = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < inner; k++) {
        const level = levels[r * inner + k] as number;
        for (let c = 0; c < columns; c++) {
          data[r * columns + c] = (data[r * columns + c] as number) + level * (w.data[k * columns + c] as number);
        }
      }
    }
    for (let i = 0; i < data.length; i++) {
      const c = i % columns;
      const step = steps[(i - c) / columns] as number;
      const product = (data[i] as number) * (step * (scale.data[c] as number));
      data[i] = product + ((bias?.data[c] as number | undefined) ?? 0);
    }
    return [ndarray([rows, columns], data)];
  },
};

/** The levels of a whole tensor, and its step once for each row. */
function wholeLevels(x: Float64Array, rows: number) {
  const { step, zero, levels } = dynamicQuantization(x);
  return { steps: new Float64Array(rows).fill(step), levels: levels.map((level) => level - zero) };
}

const perColumn = ({ shape }: TensorType, w: TensorType): boolean => shape.length === 1 && shape[0] === w.shape[1];
