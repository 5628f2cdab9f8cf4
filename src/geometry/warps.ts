import { MsmaeError } from "../support/errors.ts";
import { displace, type ElasticParameters, elasticField } from "./elastic-field.ts";

/** Where an output place x, y lies in the input: (a·x + b·y + c, d·x + e·y + f), as Pillow's `Image.transform`. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * One step of what happened to an image of the input size, after crop, resize and mirror along x. Places are in pixels,
 * (0, 0) is the corner of the top left pixel and (0.5, 0.5) its centre. Plain data, small enough to be sent around.
 */
export type Warp =
  | { readonly kind: "flip-y" }
  /** Quarter turns counter-clockwise; odd ones need a square. */
  | { readonly kind: "turn"; readonly quarters: 1 | 2 | 3 }
  | { readonly kind: "affine"; readonly matrix: AffineMatrix }
  | ({ readonly kind: "elastic" } & Readonly<ElasticParameters>);

/** Places of an image of height × width; one entry per output pixel. */
export interface Places {
  height: number;
  width: number;
  /** float64 [height·width], pixels; NaN where the place lies outside of the image. */
  xs: Float64Array;
  /** The same, where the place lies inside. */
  ys: Float64Array;
}

/** The centres of all pixels, row by row, written into `places`. */
export function pixelCentres(places: Places): void {
  const { height, width, xs, ys } = places;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      xs[at] = x + 0.5;
      ys[at] = y + 0.5;
    }
  }
}

/**
 * Replaces each place of a warp's output by the place of its input that it shows; NaN where that lies outside.
 *
 * @throws MsmaeError Shape when an odd quarter turn meets an image that is not square.
 */
export function undoWarp(warp: Warp, places: Places): void {
  const { height, width, xs, ys } = places;
  switch (warp.kind) {
    case "flip-y":
      for (let at = 0; at < ys.length; at++) ys[at] = height - (ys[at] as number);
      return;
    case "turn":
      undoTurn(warp.quarters, places);
      return;
    case "affine": {
      const [a, b, c, d, e, f] = warp.matrix;
      for (let at = 0; at < xs.length; at++) {
        const x = xs[at] as number;
        const y = ys[at] as number;
        xs[at] = a * x + b * y + c;
        ys[at] = d * x + e * y + f;
      }
      dropOutside(places);
      return;
    }
    case "elastic":
      displace(elasticField(warp, height, width), xs, ys);
      dropOutside(places);
  }
}

let scratch: Places = { height: 0, width: 0, xs: new Float64Array(0), ys: new Float64Array(0) };

/**
 * The places that the pixels of an image show which has gone through some warps, in the image before them all; NaN where
 * they lie outside of it. The next call overwrites them: they are many, and of one size throughout a run.
 *
 * @throws MsmaeError Shape when an odd quarter turn meets an image that is not square.
 */
export function placesBefore(warps: readonly Warp[], height: number, width: number): Places {
  if (scratch.height !== height || scratch.width !== width) {
    const length = height * width;
    scratch = { height, width, xs: new Float64Array(length), ys: new Float64Array(length) };
  }
  pixelCentres(scratch);
  for (const warp of warps.toReversed()) undoWarp(warp, scratch);
  return scratch;
}

function undoTurn(quarters: 1 | 2 | 3, { height, width, xs, ys }: Places): void {
  checkTurn(quarters, height, width);
  for (let at = 0; at < xs.length; at++) {
    const x = xs[at] as number;
    const y = ys[at] as number;
    if (Number.isNaN(x)) continue;
    xs[at] = quarters === 1 ? width - y : quarters === 2 ? width - x : y;
    ys[at] = quarters === 1 ? x : quarters === 2 ? height - y : height - x;
  }
}

/** @throws MsmaeError Shape for an odd number of quarter turns of an image that is not square. */
export function checkTurn(quarters: number, height: number, width: number): void {
  if (quarters % 2 === 0 || height === width) return;
  throw new MsmaeError("Shape", {
    where: "quarter turn",
    expected: "a square image",
    got: `${height}×${width}`,
    todo: "use half turns only",
  });
}

// A sample that starts outside takes the fill colour, as in Pillow: its weight is 0.
function dropOutside({ height, width, xs, ys }: Places): void {
  for (let at = 0; at < xs.length; at++) {
    const x = xs[at] as number;
    const y = ys[at] as number;
    if (!(x >= 0 && x < width && y >= 0 && y < height)) xs[at] = Number.NaN;
  }
}
