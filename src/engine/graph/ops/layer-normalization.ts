import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";

/**
 * Normalisation over the last axis with scale and bias: outputs y, the mean and the inverse standard deviation
 * (both [..., 1]); the last has no derivative of its own and serves the rule below.
 * With x̂ the normalised input and g = dy · scale:  dx = (g - mean g - x̂ · mean(g · x̂)) / σ.
 * The means are products with the scale vector, which read `dy` and `dy · x̂` once and write one column.
 */
export const layerNormalization: OpDefinition<"LayerNormalization"> = {
  infer(inputs) {
    const [x, scale, bias] = inputs as [TensorType, TensorType, TensorType];
    expectFloat("LayerNormalization", ...inputs);
    const width = x.shape[x.shape.length - 1];
    for (const vector of [scale, bias]) {
      if (vector.shape.length !== 1 || vector.shape[0] !== width) {
        throw shapeError("LayerNormalization", `scale and bias of shape [${width}]`, formatShape(vector.shape));
      }
    }
    const statistics: TensorType = { dtype: "float32", shape: [...x.shape.slice(0, -1), 1] };
    return [x, statistics, statistics];
  },
  vjp({ attributes: { epsilon }, inputs, outputs, cotangents, needed, b }) {
    const [x, scale, bias] = inputs as [Value, Value, Value];
    const dy = cotangents[0] as Value;
    const width = scale.shape[0] as number;
    const leading = [...x.shape.keys()].slice(0, -1);
    const ones = b.constant(new Float64Array(width).fill(1), [width]);
    const [normalized] = b.layerNormalization(x, ones, b.zeros([width]), epsilon);
    const product = b.mul(dy, normalized);
    const dx = () => {
      const column = b.reshape(scale, [width, 1]);
      const meanOfGradient = b.matMul(dy, column, { alpha: 1 / width });
      const meanOfProduct = b.matMul(product, column, { alpha: 1 / width });
      const centred = b.sub(b.sub(b.mul(dy, scale), b.mul(normalized, meanOfProduct)), meanOfGradient);
      return b.mul(centred, outputs[2] as Value);
    };
    return [
      needed[0] ? dx() : undefined,
      needed[1] ? b.reshape(b.reduceSum(product, leading), scale.shape) : undefined,
      needed[2] ? b.reshape(b.reduceSum(dy, leading), bias.shape) : undefined,
    ];
  },
  reference(inputs, { epsilon }) {
    const [x, scale, bias] = inputs as [NdArray, NdArray, NdArray];
    const width = x.shape[x.shape.length - 1] as number;
    const rows = x.data.length / width;
    const y = new Float64Array(x.data.length);
    const means = new Float64Array(rows);
    const inverses = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const line = x.data.subarray(row * width, (row + 1) * width);
      const mean = line.reduce((sum, value) => sum + value, 0) / width;
      const variance = line.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      const inverse = 1 / Math.sqrt(variance + epsilon);
      means[row] = mean;
      inverses[row] = inverse;
      line.forEach((value, column) => {
        y[row * width + column] =
          (value - mean) * inverse * (scale.data[column] as number) + (bias.data[column] as number);
      });
    }
    const statistics = [...x.shape.slice(0, -1), 1];
    return [ndarray(x.shape, y), ndarray(statistics, means), ndarray(statistics, inverses)];
  },
};
