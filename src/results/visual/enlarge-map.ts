import { checkGrid, type Grid } from "./image.ts";

/**
 * A map of patches [gh, gw] as a map of pixels, float64 [height, width]: the uniform cubic B-spline whose control points
 * are the cells, at their centres, edges repeated. Where two neighbouring cells are high its peak lies between them, as a
 * lesion that straddles both does; interpolation through the cells would put every peak on the centre of one. A map that
 * has a value for every pixel stays as it is, and one that is everywhere the same stays exactly that.
 *
 * @throws MsmaeError "Shape" or "Data" when the map does not fit its size or holds non-finite values.
 */
export function enlargeMap(map: Grid, height: number, width: number): Float64Array {
  checkGrid("enlarging a map", map);
  if (map.height === height && map.width === width) return Float64Array.from(map.data);
  const wide = new Float64Array(map.height * width);
  along(taps(map.width, width), (x, tap) => {
    for (let row = 0; row < map.height; row++) wide[row * width + x] = splined(map.data, tap, row * map.width, 1);
  });
  const out = new Float64Array(height * width);
  along(taps(map.height, height), (y, tap) => {
    for (let x = 0; x < width; x++) out[y * width + x] = splined(wide, tap, x, width);
  });
  return out;
}

/** The four cells that a position lies among, and their weights. */
interface Tap {
  cells: readonly [number, number, number, number];
  weights: readonly [number, number, number, number];
}

function along(all: readonly Tap[], visit: (at: number, tap: Tap) => void): void {
  for (const [at, tap] of all.entries()) visit(at, tap);
}

function taps(cells: number, size: number): Tap[] {
  const held = (cell: number) => Math.min(Math.max(cell, 0), cells - 1);
  return Array.from({ length: size }, (_, i) => {
    const position = ((i + 0.5) * cells) / size - 0.5;
    const low = Math.floor(position);
    const t = position - low;
    return {
      cells: [held(low - 1), held(low), held(low + 1), held(low + 2)],
      weights: [
        (1 - t) ** 3 / 6,
        (3 * t ** 3 - 6 * t ** 2 + 4) / 6,
        (3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4) / 6,
        t ** 3 / 6,
      ],
    };
  });
}

/** Summed as differences to one of the cells, so that equal cells give exactly their value: a plateau must not gain peaks from rounding. */
function splined(values: ArrayLike<number>, { cells, weights }: Tap, start: number, stride: number): number {
  const [a, base, c, d] = cells.map((cell) => values[start + cell * stride] as number) as [
    number,
    number,
    number,
    number,
  ];
  return base + weights[0] * (a - base) + weights[2] * (c - base) + weights[3] * (d - base);
}
