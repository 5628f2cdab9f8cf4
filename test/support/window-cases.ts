import * as b from "../../src/engine/graph/builders.ts";
import type { Value, WindowAttributes } from "../../src/engine/graph/types.ts";
import type { OpCase } from "./op-case.ts";

const uneven: Partial<WindowAttributes> = { strides: [2, 3], pads: [1, 0, 2, 1], dilations: [2, 1] };

/** Odd sizes, every attribute, one image and several, each of the ways a provider may be told to compute it. */
export const convCases: OpCase[] = [
  { shapes: [[2, 3, 5, 4], [2, 3, 3, 3], [2]], build: (x, w, c) => b.conv(x as Value, w as Value, c) },
  {
    shapes: [
      [1, 2, 5, 7],
      [3, 2, 3, 2],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [1, 1, 1, 1] }),
  },
  { shapes: [[1, 2, 7, 8], [3, 2, 3, 2], [3]], build: (x, w, c) => b.conv(x as Value, w as Value, c, uneven) },
  // The gradient by the weight has four ways. Where all pixels together are no more than sixteen outputs: all windows, as in the
  // cases above. Beyond: few channels out, whose cuts are joined,
  {
    shapes: [
      [2, 5, 5, 4],
      [2, 5, 3, 3],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [1, 1, 1, 1] }),
  },
  // few in, whose cuts of the images are joined,
  {
    shapes: [
      [2, 1, 6, 5],
      [3, 1, 3, 3],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [2, 0, 1, 1], dilations: [1, 1] }),
  },
  // and a product for each cut of the images, or of dy.
  {
    shapes: [
      [2, 3, 11, 6],
      [3, 3, 3, 3],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [1, 1, 1, 1], strides: [2, 1] }),
  },
  {
    shapes: [
      [2, 4, 6, 6],
      [3, 4, 3, 3],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [1, 1, 0, 2] }),
  },
  // Fewer out than in, dilated, padded beyond what the kernel reaches.
  {
    shapes: [
      [1, 3, 4, 5],
      [2, 3, 2, 2],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { pads: [3, 0, 1, 2], dilations: [1, 2] }),
  },
  { shapes: [[2, 3, 4, 4], [2, 3, 1, 1], [2]], build: (x, w, c) => b.conv(x as Value, w as Value, c) },
  {
    shapes: [
      [1, 2, 4, 5],
      [2, 2, 1, 1],
    ],
    build: (x, w) => b.conv(x as Value, w as Value, undefined, { strides: [2, 2] }),
  },
];

export const convTransposeCases: OpCase[] = [
  { shapes: [[2, 3, 2, 3], [3, 2, 2, 2], [2]], build: (x, w, c) => b.convTranspose(x as Value, w as Value, c) },
  {
    shapes: [[1, 2, 3, 2], [2, 3, 2, 2], [3]],
    build: (x, w, c) => b.convTranspose(x as Value, w as Value, c, { strides: [2, 2] }),
  },
  {
    shapes: [
      [1, 2, 3, 2],
      [2, 3, 3, 3],
    ],
    build: (x, w) =>
      b.convTranspose(x as Value, w as Value, undefined, {
        strides: [2, 3],
        pads: [1, 0, 2, 1],
        dilations: [2, 1],
        outputPadding: [1, 2],
      }),
  },
  {
    shapes: [
      [2, 2, 4, 3],
      [2, 2, 3, 2],
    ],
    build: (x, w) => b.convTranspose(x as Value, w as Value, undefined, { pads: [1, 1, 0, 0], dilations: [1, 2] }),
  },
  // A weight larger than the images: they are turned about in its place.
  {
    shapes: [[1, 5, 2, 3], [5, 4, 3, 2], [4]],
    build: (x, w, c) => b.convTranspose(x as Value, w as Value, c, { pads: [1, 0, 2, 1], dilations: [2, 1] }),
  },
];

export const convWeightGradientCases: OpCase[] = [
  {
    shapes: [
      [2, 2, 5, 4],
      [2, 3, 5, 3],
    ],
    build: (x, dy) => b.convWeightGradient(x as Value, dy as Value, [3, 2], { pads: [1, 0, 1, 0] }),
  },
  {
    shapes: [
      [1, 2, 7, 8],
      [1, 1, 3, 3],
    ],
    build: (x, dy) => b.convWeightGradient(x as Value, dy as Value, [3, 2], uneven),
  },
];

export const maxPoolCases: OpCase[] = [
  { shapes: [[2, 2, 4, 6]], build: (x) => b.maxPool(x as Value, [2, 2], { strides: [2, 2] }) },
  { shapes: [[1, 3, 5, 4]], build: (x) => b.maxPool(x as Value, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }) },
  { shapes: [[1, 2, 6, 5]], build: (x) => b.maxPool(x as Value, [3, 2], { pads: [2, 0, 1, 1], strides: [3, 1] }) },
];

export const batchNormalizationCases: OpCase[] = [
  {
    shapes: [[3, 2, 3, 5], [2], [2]],
    build: (x, s, t) => b.batchNormalization(x as Value, s as Value, t as Value, 1e-5),
  },
  {
    shapes: [[2, 2, 3, 1], [2], [2]],
    build: (x, s, t) => b.batchNormalization(x as Value, s as Value, t as Value, 1e-5).slice(1),
  },
  {
    shapes: [[1, 3, 2, 1], [3], [3]],
    build: (x, s, t) => b.batchNormalization(x as Value, s as Value, t as Value, 1e-2)[0],
  },
];
