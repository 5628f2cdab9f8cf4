import { relu } from "../../../engine/graph/builders.ts";
import { batchNorm, batchNormSpecs, conv2d, conv2dSpecs } from "../../../engine/layers/convolution.ts";
import type { SegmentationHead } from "./head.ts";

const kernel = [1, 1] as const;

/**
 * SETR's naive head: two layers on each patch by itself; one logit of each class for a patch, which is enlarged after.
 * Source: Zheng et al. 2021 (SETR-Naive).
 */
export const setrNaive: SegmentationHead = {
  specs: (prefix, { features, width, outputs }) => [
    ...conv2dSpecs(`${prefix}.conv.0`, { inChannels: features, outChannels: width, kernel, bias: true }),
    ...batchNormSpecs(`${prefix}.conv.1`, width),
    ...conv2dSpecs(`${prefix}.cls_seg`, { inChannels: width, outChannels: outputs, kernel, bias: true }),
  ],
  forward(features, p, prefix, mode) {
    const hidden = batchNorm(conv2d(features, p, `${prefix}.conv.0`, { bias: true }), p, `${prefix}.conv.1`, mode);
    return conv2d(relu(hidden), p, `${prefix}.cls_seg`, { bias: true });
  },
};
