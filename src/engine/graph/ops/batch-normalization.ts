import { ndarray } from "../ndarray.ts";
import { expectFloat, formatShape, shapeError } from "../shape.ts";
import type { NdArray, OpDefinition, TensorType, Value } from "../types.ts";
import { imageExtents } from "./windows.ts";

/**
 * Normalisation of images [N, C, H, W] per channel by the batch's mean and variance, then scale and shift [C]: outputs
 * y, mean and variance (both [C]). It saves its input and the statistics: with σ the deviation and c = x - mean,
 * dx = scale / σ · (dy - mean dy - c / σ² · mean(dy · c)), and what mean and variance are given themselves.
 * Sums go over a plane first and over the images after it: one fp32 sum of millions would be off.
 */
export const batchNormalization: OpDefinition<"BatchNormalization"> = {
  infer(inputs) {
    const [x, ...vectors] = inputs as [TensorType, TensorType, TensorType];
    expectFloat("BatchNormalization", ...inputs);
    const [, channels] = imageExtents("BatchNormalization", x);
    for (const { shape } of vectors) {
      if (shape.length !== 1 || shape[0] !== channels) {
        throw shapeError("BatchNormalization", `scale and bias of shape [${channels}]`, formatShape(shape));
      }
    }
    const statistics: TensorType = { dtype: "float32", shape: [channels] };
    return [x, statistics, statistics];
  },
  vjp({ attributes: { epsilon }, inputs, outputs, cotangents, needed, b }) {
    const [x, scale] = inputs as [Value, Value, Value];
    const [, mean, variance] = outputs as [Value, Value, Value];
    const [dy, ofMean, ofVariance] = cotangents;
    const [images, channels, height, width] = imageExtents("BatchNormalization", x);
    const share = b.scalar(1 / (images * height * width));
    const perChannel = (vector: Value) => b.reshape(vector, [1, channels, 1, 1]);
    const total = (values: Value) => b.reduceSum(b.reduceSum(values, [2, 3]), [0]);
    const sum = (values: (Value | undefined)[]) =>
      values.reduce((a, value) => (a && value ? b.add(a, value) : (a ?? value)), undefined);
    const inverse = b.reciprocal(b.sqrt(b.add(variance, b.scalar(epsilon))));
    const centred = b.sub(x, perChannel(mean));
    const ofBias = dy && total(dy);
    const ofProduct = dy && total(b.mul(dy, centred));
    const dx = () => {
      const gain = b.mul(scale, inverse);
      const slope = sum([
        ofProduct && b.neg(b.mul(b.mul(ofProduct, b.mul(inverse, inverse)), gain)),
        ofVariance && b.mul(ofVariance, b.scalar(2)),
      ]);
      const offset = sum([ofBias && b.neg(b.mul(ofBias, gain)), ofMean]);
      return sum([
        dy && b.mul(dy, perChannel(gain)),
        slope && b.mul(centred, perChannel(b.mul(slope, share))),
        offset && perChannel(b.mul(offset, share)),
      ]);
    };
    return [needed[0] ? dx() : undefined, needed[1] && ofProduct ? b.mul(ofProduct, inverse) : undefined, ofBias];
  },
  reference(inputs, { epsilon }) {
    const [x, scale, bias] = inputs as [NdArray, NdArray, NdArray];
    const [images, channels, height, width] = imageExtents("BatchNormalization", x);
    const plane = height * width;
    const y = new Float64Array(x.data.length);
    const means = new Float64Array(channels);
    const variances = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      const planes = Array.from({ length: images }, (_, n) => (n * channels + c) * plane);
      const sumOf = (fn: (value: number) => number) =>
        planes.reduce((sum, start) => x.data.subarray(start, start + plane).reduce((s, v) => s + fn(v), sum), 0);
      const mean = sumOf((value) => value) / (images * plane);
      const variance = sumOf((value) => (value - mean) ** 2) / (images * plane);
      const slope = (scale.data[c] as number) / Math.sqrt(variance + epsilon);
      for (const start of planes) {
        for (let i = start; i < start + plane; i++) {
          y[i] = ((x.data[i] as number) - mean) * slope + (bias.data[c] as number);
        }
      }
      means[c] = mean;
      variances[c] = variance;
    }
    return [ndarray(x.shape, y), ndarray([channels], means), ndarray([channels], variances)];
  },
};
