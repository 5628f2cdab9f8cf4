import { relu } from "../../../engine/graph/builders.ts";
import { batchNorm, batchNormSpecs, conv2d, conv2dSpecs } from "../../../engine/layers/convolution.ts";
import { resize2d } from "../../../engine/layers/resize.ts";
import type { ParameterSpec } from "../../../engine/parameters/specs.ts";
import type { SegmentationHead } from "./head.ts";

const layer = (prefix: string, number: number) => `${prefix}.layers.${number}`;

/** The layers: the first narrows the features on the grid of patches, each later one works on twice its sides. */
const KERNELS = [1, 3, 3] as const;

/**
 * A narrow head for small data: the features narrowed patch by patch, then twice a bilinear doubling and a convolution. It
 * gives 4 pixels along each side of a patch, which are enlarged after.
 */
export const light: SegmentationHead = {
  specs: (prefix, { features, width, outputs }) => [
    ...KERNELS.flatMap((side, i): ParameterSpec[] => [
      ...conv2dSpecs(`${layer(prefix, i)}.conv`, {
        inChannels: i === 0 ? features : width,
        outChannels: width,
        kernel: [side, side],
        bias: false,
      }),
      ...batchNormSpecs(`${layer(prefix, i)}.norm`, width),
    ]),
    ...conv2dSpecs(`${prefix}.cls_seg`, { inChannels: width, outChannels: outputs, kernel: [1, 1], bias: true }),
  ],
  forward(features, p, prefix, mode) {
    let x = features;
    for (const [i, side] of KERNELS.entries()) {
      const [height, width] = x.shape.slice(2) as [number, number];
      const pad = (side - 1) / 2;
      const enlarged = i === 0 ? x : resize2d(x, [2 * height, 2 * width], "bilinear");
      const convolved = conv2d(enlarged, p, `${layer(prefix, i)}.conv`, { pads: [pad, pad, pad, pad], bias: false });
      x = relu(batchNorm(convolved, p, `${layer(prefix, i)}.norm`, mode));
    }
    return conv2d(x, p, `${prefix}.cls_seg`, { bias: true });
  },
};
