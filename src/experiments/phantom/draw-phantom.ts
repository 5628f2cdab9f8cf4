import type { RandomStream } from "../../support/random.ts";

/** The kinds of lesion, in the order of class indices. */
export const LESION_KINDS = ["disc", "ring", "star", "dots"] as const;
export type LesionKind = (typeof LESION_KINDS)[number];

/** The least and the greatest radius of a lesion, as shares of the image's side. */
export const LESION_RADIUS = [0.065, 0.08] as const;

/** A drawn phantom, both uint8 [size, size]. */
export interface Phantom {
  pixels: Uint8Array;
  /** 255 in the disc that encloses the lesion, 0 elsewhere. */
  mask: Uint8Array;
}

/** How hard a phantom's lesion is to find; the demo's by default. */
export interface PhantomStyle {
  /** Radius of the lesion, as a multiple of {@link LESION_RADIUS}. Default 1. */
  lesion: number;
  /** Contrast of the lesion, as a share. Default 1. */
  contrast: number;
  /** Spots in the organ, as large as lesions and of no kind. Default 0. */
  distractors: number;
}

interface Ellipse {
  x: number;
  y: number;
  a: number;
  b: number;
  cos: number;
  sin: number;
}

/** A value for each place; coordinates are shares of the image's side. */
type Field = (x: number, y: number) => number;

/**
 * Draws one slice of a body: dark surroundings, a bright rim, soft tissue, and an organ with vessels and soft patches
 * that holds one lesion. Everything but the lesion is drawn from the same distribution for every kind, and with the
 * same random numbers for the same stream: only the lesion tells the kinds apart.
 */
export function drawPhantom(
  size: number,
  kind: LesionKind,
  stream: RandomStream,
  { lesion: scale = 1, contrast = 1, distractors = 0 }: Partial<PhantomStyle> = {},
): Phantom {
  const body = ellipse(stream, 0.5, 0.03, [0.42, 0.46], [0.37, 0.43]);
  const organ = ellipse(stream, 0.5, 0.05, [0.27, 0.32], [0.22, 0.27]);
  const tissue = multiScaleNoise(stream, [5, 11, 23]);
  const parenchyma = multiScaleNoise(stream, [4, 9, 19]);
  const shading = multiScaleNoise(stream, [2]);
  const patches = Array.from({ length: 3 }, () => softPatch(stream, organ));
  const vessels = Array.from({ length: 2 }, () => vessel(stream, organ));
  const lesion = placeLesion(stream, organ, scale);
  const paint = lesionPainter(stream, kind, lesion, contrast);
  const spots = Array.from({ length: distractors }, () => distractor(stream, organ, scale, contrast));

  const pixels = new Uint8Array(size * size);
  const mask = new Uint8Array(size * size);
  const edge = 1 / size;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const y = (row + 0.5) / size;
      const inBody = 1 - depth(body, x, y);
      let value = 8;
      const softTissue = step(inBody, 0.03);
      if (softTissue > 0) {
        const texture = tissue(x, y);
        value = mix(value, 62 + 26 * texture, softTissue);
        value = mix(value, 118 + 10 * texture, step(inBody, 0.02) * step(0.1 - inBody, 0.03));
      }
      const inOrgan = step(1 - depth(organ, x, y), 0.06);
      if (inOrgan > 0) {
        let inside = 104 + 16 * parenchyma(x, y);
        for (const patch of patches) inside += patch(x, y);
        for (const shade of vessels) inside -= 20 * shade(x, y);
        for (const spot of spots) inside = spot(inside, x, y);
        value = mix(value, inside, inOrgan);
      }
      value *= 1 + 0.07 * shading(x, y);
      const fromLesion = distanceOf(x - lesion.x, y - lesion.y);
      if (fromLesion < lesion.radius + edge) value = paint(value, x, y, edge);
      value += 4 * stream.normal();
      const at = row * size + column;
      pixels[at] = Math.min(Math.max(Math.round(value), 0), 255);
      if (fromLesion <= lesion.radius) mask[at] = 255;
    }
  }
  return { pixels, mask };
}

function uniform(stream: RandomStream, low: number, high: number): number {
  return low + (high - low) * stream.uniform();
}

function ellipse(
  stream: RandomStream,
  middle: number,
  jitter: number,
  a: [number, number],
  b: [number, number],
): Ellipse {
  const shape = {
    x: uniform(stream, middle - jitter, middle + jitter),
    y: uniform(stream, middle - jitter, middle + jitter),
    a: uniform(stream, ...a),
    b: uniform(stream, ...b),
  };
  const angle = uniform(stream, -0.3, 0.3);
  return { ...shape, cos: Math.cos(angle), sin: Math.sin(angle) };
}

/** 0 at the ellipse's centre, 1 on its edge. */
function depth({ x, y, a, b, cos, sin }: Ellipse, px: number, py: number): number {
  const u = ((px - x) * cos + (py - y) * sin) / a;
  const v = ((py - y) * cos - (px - x) * sin) / b;
  return distanceOf(u, v);
}

/** A uniformly drawn place inside an ellipse shrunk by `share`. */
function placeInside(stream: RandomStream, organ: Ellipse, share: number): { x: number; y: number } {
  const { x, y, a, b, cos, sin } = organ;
  const radius = Math.sqrt(stream.uniform()) * share;
  const turn = uniform(stream, 0, 2 * Math.PI);
  const u = a * radius * Math.cos(turn);
  const v = b * radius * Math.sin(turn);
  return { x: x + u * cos - v * sin, y: y + u * sin + v * cos };
}

/** Smooth noise of about unit size: grids of normal values, one for each scale, interpolated smoothly. */
function multiScaleNoise(stream: RandomStream, cells: readonly number[]): Field {
  const layers = cells.map((count, at) => {
    const side = count + 2;
    const grid = Float64Array.from({ length: side * side }, () => stream.normal());
    return { count, side, grid, weight: 0.6 ** at };
  });
  return (x, y) => {
    let sum = 0;
    for (const { count, side, grid, weight } of layers) {
      const column = Math.floor(x * count);
      const row = Math.floor(y * count);
      const fx = smooth(x * count - column);
      const fy = smooth(y * count - row);
      const at = row * side + column;
      const above = mix(grid[at] as number, grid[at + 1] as number, fx);
      const below = mix(grid[at + side] as number, grid[at + side + 1] as number, fx);
      sum += weight * mix(above, below, fy);
    }
    return sum;
  };
}

/** A broad, faint, bright or dark blob. */
function softPatch(stream: RandomStream, organ: Ellipse): Field {
  const { x, y } = placeInside(stream, organ, 0.9);
  const width = uniform(stream, 0.05, 0.1);
  const height = uniform(stream, -16, 16);
  return (px, py) => height * Math.exp(-((px - x) ** 2 + (py - y) ** 2) / (2 * width * width));
}

/** A gently bent dark band right across the organ, 0…1. */
function vessel(stream: RandomStream, organ: Ellipse): Field {
  const { x, y } = placeInside(stream, organ, 0.6);
  const turn = uniform(stream, 0, Math.PI);
  const bend = uniform(stream, -1.5, 1.5);
  const width = uniform(stream, 0.008, 0.014);
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  return (px, py) => {
    const along = (px - x) * cos + (py - y) * sin;
    const across = (py - y) * cos - (px - x) * sin - bend * along * along;
    return Math.exp(-(across * across) / (2 * width * width));
  };
}

interface Lesion {
  x: number;
  y: number;
  radius: number;
}

/** Whole inside the organ. */
function placeLesion(stream: RandomStream, organ: Ellipse, scale: number): Lesion {
  return { ...placeInside(stream, organ, 0.68), radius: scale * uniform(stream, ...LESION_RADIUS) };
}

/** A soft spot, dark or bright, with no shape that tells a kind. It may stand behind the lesion. */
function distractor(
  stream: RandomStream,
  organ: Ellipse,
  scale: number,
  contrast: number,
): (value: number, x: number, y: number) => number {
  const { x, y, radius } = placeLesion(stream, organ, scale);
  const shade = uniform(stream, 12, 245);
  return (value, px, py) => {
    const near = distanceOf(px - x, py - y) / radius;
    return mix(value, shade, contrast * Math.exp(-2 * near * near));
  };
}

type Painter = (value: number, x: number, y: number, edge: number) => number;

/** Every kind takes the same number of draws, so that what follows in the stream does not depend on the kind. */
function lesionPainter(stream: RandomStream, kind: LesionKind, { x, y, radius }: Lesion, contrast: number): Painter {
  const turn = uniform(stream, 0, 2 * Math.PI);
  const strength = contrast * uniform(stream, 0.85, 1);
  const painters: Record<LesionKind, Painter> = {
    disc: (value, px, py, edge) => {
      const inside = step(0.85 * radius - distanceOf(px - x, py - y), edge);
      return mix(value, 205, strength * inside);
    },
    ring: (value, px, py, edge) => {
      const fromLine = Math.abs(distanceOf(px - x, py - y) - 0.72 * radius);
      return mix(value, 12, strength * step(0.28 * radius - fromLine, edge));
    },
    star: (value, px, py, edge) => {
      const distance = distanceOf(px - x, py - y);
      const angle = Math.atan2(py - y, px - x) - turn;
      const reach = radius * (0.3 + 0.7 * Math.abs(Math.cos(2.5 * angle)) ** 3);
      return mix(value, 245, strength * step(reach - distance, edge));
    },
    dots: (value, px, py, edge) => {
      let covered = 0;
      for (let dot = 0; dot < 5; dot++) {
        const at = turn + (dot * 2 * Math.PI) / 5;
        const distance = distanceOf(px - x - 0.7 * radius * Math.cos(at), py - y - 0.7 * radius * Math.sin(at));
        covered = Math.max(covered, step(0.25 * radius - distance, edge));
      }
      const halo = step(radius - distanceOf(px - x, py - y), edge);
      return mix(mix(value, 60, 0.4 * contrast * halo), 250, strength * covered);
    },
  };
  return painters[kind];
}

// Math.hypot guards against overflow, at many times the cost.
function distanceOf(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

/** From 0 to 1 over `width` around 0. */
function step(value: number, width: number): number {
  return smooth(Math.min(Math.max(value / width + 0.5, 0), 1));
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
