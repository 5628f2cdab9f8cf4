export interface CubicOptions {
  /** Widen the kernel where the axis shrinks, so that every source position counts. */
  antialias?: boolean;
}

/** A source position of one axis and what it weighs. */
export type Tap = readonly [position: number, weight: number];

/**
 * For each of `to` positions of one axis, the positions of `from` that make it by cubic interpolation, and their weights,
 * which sum to 1.
 *
 * Source: torch.nn.functional.interpolate(mode="bicubic", align_corners=False): Keys 1981 with a = −0.75 and positions
 * clamped to the edge; with antialias a = −0.5 and positions beyond the edge left out.
 */
export function cubicTaps(from: number, to: number, { antialias = false }: CubicOptions = {}): Tap[][] {
  return Array.from({ length: to }, (_, out) => (antialias ? wideTaps(out, from, to) : narrowTaps(out, from, to)));
}

function narrowTaps(out: number, from: number, to: number): Tap[] {
  const centre = ((out + 0.5) * from) / to - 0.5;
  const left = Math.floor(centre);
  return [-1, 0, 1, 2].map((offset) => {
    const position = Math.min(from - 1, Math.max(0, left + offset));
    return [position, cubic(Math.abs(centre - left - offset), -0.75)];
  });
}

function wideTaps(out: number, from: number, to: number): Tap[] {
  const scale = Math.max(1, from / to);
  const centre = ((out + 0.5) * from) / to;
  const first = Math.max(0, Math.trunc(centre - 2 * scale + 0.5));
  const end = Math.min(from, Math.trunc(centre + 2 * scale + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) =>
    cubic(Math.abs(first + i - centre + 0.5) / scale, -0.5),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight, i) => [first + i, weight / sum]);
}

/** The cubic kernel of sharpness `a` at a distance. */
function cubic(distance: number, a: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance >= 2) return 0;
  return ((distance - 5) * distance + 8) * distance * a - 4 * a;
}
