import { describe, expect, test } from "vitest";
import type { Geometry } from "../../../src/geometry/geometry.ts";
import { followNearest } from "../../../src/geometry/nearest.ts";
import { randomGeometry } from "../../../src/geometry/random-geometry.ts";
import type { Warp } from "../../../src/geometry/warps.ts";
import { RandomStream } from "../../../src/support/random.ts";

const OUTSIDE = 255;

function followed(labels: Uint8Array, geometry: Geometry, height: number, width: number): Uint8Array {
  const out = new Uint8Array(height * width);
  followNearest(labels, geometry, { height, width, outside: OUTSIDE, out });
  return out;
}

/** Every pixel of the source is told from every other one. */
const numbered = (height: number, width: number) => Uint8Array.from({ length: height * width }, (_, at) => at);

/** By the definition, one output pixel at a time, without elastic warps; undefined outside. */
function sourceOf(x: number, y: number, geometry: Geometry, height: number, width: number): number | undefined {
  let [px, py] = [x + 0.5, y + 0.5];
  for (const warp of (geometry.warps ?? []).toReversed()) {
    if (warp.kind === "flip-y") py = height - py;
    else if (warp.kind === "turn") {
      for (let turn = 0; turn < warp.quarters; turn++) [px, py] = [width - py, px];
    } else if (warp.kind === "affine") {
      const [a, b, c, d, e, f] = warp.matrix;
      [px, py] = [a * px + b * py + c, d * px + e * py + f];
      if (px < 0 || px >= width || py < 0 || py >= height) return undefined;
    }
  }
  if (geometry.flip) px = width - px;
  const { crop } = geometry;
  const column = crop.left + Math.floor((px * crop.width) / width);
  const row = crop.top + Math.floor((py * crop.height) / height);
  return row * geometry.sourceWidth + column;
}

describe("labels follow their image", () => {
  test("enlarged and shrunk: the pixel that holds the centre, of two the one to the right and below", () => {
    const whole = { crop: { top: 0, left: 0, height: 2, width: 3 }, flip: false, sourceHeight: 2, sourceWidth: 3 };
    const enlarged = [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 3, 3, 4, 4, 5, 5];
    expect([...followed(numbered(2, 3), whole, 4, 6)]).toEqual(enlarged);
    const large = { ...whole, crop: { ...whole.crop, height: 4, width: 6 }, sourceHeight: 4, sourceWidth: 6 };
    expect([...followed(numbered(4, 6), large, 2, 3)]).toEqual([7, 9, 11, 19, 21, 23]);
    // The mirror image of the same.
    expect([...followed(numbered(4, 6), { ...large, flip: true }, 2, 3)]).toEqual([11, 9, 7, 23, 21, 19]);
    const cut = { ...large, crop: { top: 1, left: 2, height: 2, width: 3 } };
    expect([...followed(numbered(4, 6), cut, 2, 3)]).toEqual([8, 9, 10, 14, 15, 16]);
  });

  test("through every order of crops, mirrors, flips, turns and affine warps, as the definition says", () => {
    const stream = RandomStream.for(4, "augment");
    const draw = (): Warp => {
      const kind = stream.integer(0, 2);
      if (kind === 0) return { kind: "flip-y" };
      if (kind === 1) return { kind: "turn", quarters: stream.integer(1, 3) as 1 | 2 | 3 };
      const [a, b, c, d, e, f] = Array.from({ length: 6 }, () => 2 * stream.uniform() - 1) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return { kind: "affine", matrix: [1 + a / 2, b / 2, 3 * c, d / 2, 1 + e / 2, 3 * f] };
    };
    let outside = 0;
    for (let round = 0; round < 200; round++) {
      const [sourceHeight, sourceWidth] = [stream.integer(3, 15), stream.integer(3, 15)];
      const side = stream.integer(2, 12);
      const warps = Array.from({ length: stream.integer(0, 3) }, draw);
      const geometry = { ...randomGeometry(sourceHeight, sourceWidth, stream), warps };
      const labels = numbered(sourceHeight, sourceWidth);
      const got = followed(labels, geometry, side, side);
      for (let at = 0; at < got.length; at++) {
        const source = sourceOf(at % side, Math.floor(at / side), geometry, side, side);
        if (source === undefined) outside++;
        expect(got[at]).toBe(source === undefined ? OUTSIDE : labels[source]);
      }
    }
    expect(outside).toBeGreaterThan(100);
  });
});
