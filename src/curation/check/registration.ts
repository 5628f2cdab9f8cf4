import { THUMB_AREA, THUMB_SIDE } from "./symmetry.ts";

/** How alike two thumbnails are once one is laid over the other. */
export interface Alignment {
  /** Correlation of the grey values, −1..1. */
  correlation: number;
  /** Correlation of the detail: what is left without the coarse brightness that pictures of one organ share. */
  detail: number;
}

const ITERATIONS = 10;
/** Largest shift of a side, in pixels of the thumbnail: an eighth of the picture. */
const LARGEST_SHIFT = 4;
/** The layer of detail is what a Gaussian blur of this deviation (pixels) leaves behind. */
const COARSE_SIGMA = 2;
/** Pixels. */
const SMALLEST_STEP = 0.02;
const PARAMETERS = 4;

/** A thumbnail [32, 32] split in what correlation needs. */
export interface Layers {
  grey: Float32Array;
  detail: Float32Array;
}

export function layersOf(thumb: Uint8Array): Layers {
  const grey = Float32Array.from(thumb);
  const coarse = blurred(grey);
  return { grey, detail: grey.map((value, at) => value - (coarse[at] as number)) };
}

/** Correlations of two thumbnails as they lie. */
export function overlay(a: Layers, b: Layers): Alignment {
  return { correlation: correlation(a.grey, b.grey), detail: correlation(a.detail, b.detail) };
}

/**
 * Shifts and stretches the second thumbnail along both axes until it lies best over the first, as a copy that was
 * cropped a little does not lie by itself, and correlates the part that both show.
 * Source: Baker and Matthews 2004, the inverse compositional form of Lucas and Kanade's least squares, whose slopes are
 * those of the first thumbnail and do not change between the steps.
 */
export function align(a: Layers, b: Layers): Alignment {
  const place = new Float64Array(PARAMETERS);
  const target = standardised(a.detail);
  const source = standardised(b.detail);
  const slopes = slopesOf(target);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const step = gaussNewtonStep(target, source, slopes, place);
    if (!step) break;
    for (let k = 0; k < PARAMETERS; k++) place[k] = (place[k] as number) + (step[k] as number);
    if (!plausible(place)) return overlay(a, b);
    if (step.every((change) => Math.abs(change) < SMALLEST_STEP)) break;
  }
  const detail = overlapCorrelation(a.detail, b.detail, place);
  return { correlation: overlapCorrelation(a.grey, b.grey, place), detail };
}

const CENTRE = (THUMB_SIDE - 1) / 2;
/** How far from the centre each pixel of a line is, −1..1. */
const FROM_CENTRE = Float64Array.from({ length: THUMB_SIDE }, (_, at) => (at - CENTRE) / CENTRE);

/** Where each pixel of a line is found on the other picture. */
function positions(shift: number, stretch: number): Float64Array {
  return FROM_CENTRE.map((from, at) => at + shift + stretch * from);
}

/** `place`: shift x, shift y, stretch x, stretch y, in pixels (the stretch at the border). */
function placeOf(place: Float64Array): [number, number, number, number] {
  return [place[0] as number, place[1] as number, place[2] as number, place[3] as number];
}

function plausible(place: Float64Array): boolean {
  const [x, y, stretchX, stretchY] = placeOf(place);
  const reach = Math.max(Math.abs(x) + Math.abs(stretchX), Math.abs(y) + Math.abs(stretchY));
  return reach <= LARGEST_SHIFT;
}

/** Central differences along x and y; 0 at the border. */
function slopesOf(layer: Float32Array): { x: Float32Array; y: Float32Array } {
  const slopes = { x: new Float32Array(THUMB_AREA), y: new Float32Array(THUMB_AREA) };
  for (let y = 1; y < THUMB_SIDE - 1; y++) {
    for (let x = 1; x < THUMB_SIDE - 1; x++) {
      const at = y * THUMB_SIDE + x;
      slopes.x[at] = ((layer[at + 1] as number) - (layer[at - 1] as number)) / 2;
      slopes.y[at] = ((layer[at + THUMB_SIDE] as number) - (layer[at - THUMB_SIDE] as number)) / 2;
    }
  }
  return slopes;
}

function gaussNewtonStep(
  target: Float32Array,
  source: Float32Array,
  slopes: { x: Float32Array; y: Float32Array },
  place: Float64Array,
): Float64Array | undefined {
  const normal = new Float64Array(PARAMETERS * PARAMETERS);
  const right = new Float64Array(PARAMETERS);
  const slope = new Float64Array(PARAMETERS);
  const [shiftX, shiftY, stretchX, stretchY] = placeOf(place);
  const xs = positions(shiftX, stretchX);
  const ys = positions(shiftY, stretchY);
  for (let y = 1; y < THUMB_SIDE - 1; y++) {
    const fromY = ys[y] as number;
    if (fromY < 0 || fromY > THUMB_SIDE - 1) continue;
    for (let x = 1; x < THUMB_SIDE - 1; x++) {
      const fromX = xs[x] as number;
      if (fromX < 0 || fromX > THUMB_SIDE - 1) continue;
      const at = y * THUMB_SIDE + x;
      const error = (target[at] as number) - bilinear(source, fromX, fromY);
      slope[0] = slopes.x[at] as number;
      slope[1] = slopes.y[at] as number;
      slope[2] = (slope[0] as number) * (FROM_CENTRE[x] as number);
      slope[3] = (slope[1] as number) * (FROM_CENTRE[y] as number);
      for (let i = 0; i < PARAMETERS; i++) {
        const own = slope[i] as number;
        right[i] = (right[i] as number) + own * error;
        for (let j = i; j < PARAMETERS; j++) {
          normal[i * PARAMETERS + j] = (normal[i * PARAMETERS + j] as number) + own * (slope[j] as number);
        }
      }
    }
  }
  return solve(normal, right);
}

/** Solves the normal equations, of which the upper half is given; undefined where there is too little structure. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  const n = PARAMETERS;
  const at = (row: number, column: number) => matrix[Math.min(row, column) * n + Math.max(row, column)] as number;
  const rows = Array.from({ length: n }, (_, row) => Float64Array.from({ length: n }, (_, column) => at(row, column)));
  for (const [pivot, head] of rows.entries()) {
    const scale = head[pivot] as number;
    if (scale < 1e-9) return undefined;
    for (let row = pivot + 1; row < n; row++) {
      const below = rows[row] as Float64Array;
      const factor = (below[pivot] as number) / scale;
      for (let k = pivot; k < n; k++) below[k] = (below[k] as number) - factor * (head[k] as number);
      right[row] = (right[row] as number) - factor * (right[pivot] as number);
    }
  }
  const solution = new Float64Array(n);
  for (let row = n - 1; row >= 0; row--) {
    const own = rows[row] as Float64Array;
    let rest = right[row] as number;
    for (let k = row + 1; k < n; k++) rest -= (own[k] as number) * (solution[k] as number);
    solution[row] = rest / (own[row] as number);
  }
  return solution;
}

function bilinear(layer: Float32Array, x: number, y: number): number {
  const left = Math.min(THUMB_SIDE - 2, Math.floor(x));
  const top = Math.min(THUMB_SIDE - 2, Math.floor(y));
  const shareX = x - left;
  const at = top * THUMB_SIDE + left;
  const above = (layer[at] as number) * (1 - shareX) + (layer[at + 1] as number) * shareX;
  const below = (layer[at + THUMB_SIDE] as number) * (1 - shareX) + (layer[at + THUMB_SIDE + 1] as number) * shareX;
  return above + (below - above) * (y - top);
}

/** Between pixels by cubic convolution: bilinear would wash out the detail that is compared. Source: Keys 1981. */
function cubic(before: number, at: number, next: number, after: number, t: number): number {
  const bend = 2 * before - 5 * at + 4 * next - after;
  return at + 0.5 * t * (next - before + t * (bend + t * (3 * (at - next) + after - before)));
}

function cubicSample(layer: Float32Array, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const clamped = (at: number) => Math.min(THUMB_SIDE - 1, Math.max(0, at));
  const row = (y: number): number => {
    const start = clamped(y) * THUMB_SIDE;
    const value = (x: number) => layer[start + clamped(x)] as number;
    return cubic(value(left - 1), value(left), value(left + 1), value(left + 2), x - left);
  };
  return cubic(row(top - 1), row(top), row(top + 1), row(top + 2), y - top);
}

function overlapCorrelation(a: Float32Array, b: Float32Array, place: Float64Array): number {
  const [shiftX, shiftY, stretchX, stretchY] = placeOf(place);
  const inside = (at: number) => at >= 0 && at <= THUMB_SIDE - 1;
  const first: number[] = [];
  const second: number[] = [];
  const xs = positions(shiftX, stretchX);
  for (const [y, fromY] of positions(shiftY, stretchY).entries()) {
    if (!inside(fromY)) continue;
    for (const [x, fromX] of xs.entries()) {
      if (!inside(fromX)) continue;
      first.push(a[y * THUMB_SIDE + x] as number);
      second.push(cubicSample(b, fromX, fromY));
    }
  }
  return correlation(first, second);
}

/** Pearson's, of two arrays of one length; 0 where one side does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sumA = 0;
  let sumB = 0;
  for (let at = 0; at < a.length; at++) {
    sumA += a[at] as number;
    sumB += b[at] as number;
  }
  const meanA = sumA / a.length;
  const meanB = sumB / b.length;
  let both = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let at = 0; at < a.length; at++) {
    const fromA = (a[at] as number) - meanA;
    const fromB = (b[at] as number) - meanB;
    both += fromA * fromB;
    squaresA += fromA * fromA;
    squaresB += fromB * fromB;
  }
  const scale = Math.sqrt(squaresA * squaresB);
  return scale > 0 ? both / scale : 0;
}

function standardised(layer: Float32Array): Float32Array {
  let squares = 0;
  for (const value of layer) squares += value * value;
  const scale = Math.sqrt(squares / THUMB_AREA) || 1;
  return layer.map((value) => value / scale);
}

const REACH = COARSE_SIGMA * 3;
const KERNEL = gaussian();

function gaussian(): Float64Array {
  const weights = Float64Array.from({ length: 2 * REACH + 1 }, (_, k) =>
    Math.exp(-((k - REACH) ** 2) / (2 * COARSE_SIGMA ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Gaussian blur; the border is mirrored. */
function blurred(layer: Float32Array): Float32Array {
  const line = new Float64Array(THUMB_SIDE + 2 * REACH);
  const pass = (from: Float32Array, step: number, across: number): Float32Array => {
    const out = new Float32Array(THUMB_AREA);
    for (let start = 0; start < THUMB_SIDE * across; start += across) {
      for (let at = 0; at < line.length; at++) line[at] = from[start + mirrored(at - REACH) * step] as number;
      for (let at = 0; at < THUMB_SIDE; at++) {
        let sum = 0;
        for (let k = 0; k <= 2 * REACH; k++) sum += (KERNEL[k] as number) * (line[at + k] as number);
        out[start + at * step] = sum;
      }
    }
    return out;
  };
  return pass(pass(layer, 1, THUMB_SIDE), THUMB_SIDE, 1);
}

function mirrored(at: number): number {
  if (at < 0) return -1 - at;
  return at >= THUMB_SIDE ? 2 * THUMB_SIDE - 1 - at : at;
}
