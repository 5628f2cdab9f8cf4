import { relu } from "../../../engine/graph/builders.ts";
import { batchNorm, batchNormSpecs, conv2d, conv2dSpecs } from "../../../engine/layers/convolution.ts";
import { resize2d } from "../../../engine/layers/resize.ts";
import { resizedConv2d } from "../../../engine/layers/resized-convolution.ts";
import type { SegmentationHead } from "./head.ts";

/** Doublings of the grid's sides. */
const STAGES = 4;

const kernel = [3, 3] as const;
const same = { pads: [1, 1, 1, 1], bias: true } as const;
const stage = (prefix: string, number: number, part: 0 | 1) => `${prefix}.UP_stage_${number}.${part}`;

/**
 * SETR's head of progressive upsampling: four times a convolution, a normalisation and a doubling, then a convolution to
 * the classes. It gives 16 pixels along each side of a patch.
 * Source: Zheng et al. 2021 (SETR-PUP); method.md section 6.
 */
export const setrPup: SegmentationHead = {
  specs(prefix, { features, width, outputs }) {
    const stages = Array.from({ length: STAGES }, (_, i) => {
      const inChannels = i === 0 ? features : width;
      return [
        ...conv2dSpecs(stage(prefix, i + 1, 0), { inChannels, outChannels: width, kernel, bias: true }),
        ...batchNormSpecs(stage(prefix, i + 1, 1), width),
      ];
    });
    const classes = { inChannels: width, outChannels: outputs, kernel, bias: true };
    return [...stages.flat(), ...conv2dSpecs(`${prefix}.cls_seg`, classes)];
  },
  forward(features, p, prefix, mode) {
    let x = features;
    for (let number = 1; ; number++) {
      const convolved = conv2d(x, p, stage(prefix, number, 0), same);
      x = relu(batchNorm(convolved, p, stage(prefix, number, 1), mode));
      const [height, width] = x.shape.slice(2) as [number, number];
      const size = [2 * height, 2 * width] as const;
      if (number === STAGES) return resizedConv2d(x, p, `${prefix}.cls_seg`, { ...same, size, mode: "aligned" });
      x = resize2d(x, size, "aligned");
    }
  },
};
