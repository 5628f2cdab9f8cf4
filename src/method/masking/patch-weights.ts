import type { Geometry } from "../../geometry/geometry.ts";
import { checkTurn, placesBefore, type Warp } from "../../geometry/warps.ts";
import { MsmaeError } from "../../support/errors.ts";

/** The network's input size and patch size in pixels, and how a map follows its image's crop. */
export interface PatchWeightOptions {
  inputHeight: number;
  inputWidth: number;
  patchSize: number;
  /**
   * `aligned`: the map's cells cover the whole source, and the crop cuts them at fractions of a cell.
   * `reference`: the published program's fault, which uses only cells near the top left.
   */
  mapCrop: "aligned" | "reference";
}

/** A stretch of a map's axis, in cells; samples beyond [low, high] repeat the cell at that end. */
interface Span {
  start: number;
  length: number;
  low: number;
  high: number;
}

/**
 * Weights of an image's patches, from its attention map: the map follows the image's crop, mirror and warps, is
 * resized bilinearly to the input size, and summed over each patch. What a warp brought in from outside weighs nothing.
 *
 * Bilinear resizing and summing are both linear along each axis, so that without warps the result is Py·map·Pxᵀ with
 * small matrices; the input-sized map is never made. Flips and quarter turns move whole patches. Under other warps the
 * bilinear map is evaluated where each pixel centre came from.
 *
 * @param map float32 [gh, gw] with gh = inputHeight/patchSize, gw = inputWidth/patchSize, row by row.
 * @returns float32 [L], L = gh·gw, row by row; in the map's unit times patchSize² pixels.
 * @throws MsmaeError Shape when the map or the input does not fit the patch size.
 * Source: method sections 3 and 8.
 */
export function patchWeights(map: Float32Array, geometry: Geometry, options: PatchWeightOptions): Float32Array {
  const { inputHeight, inputWidth, patchSize } = options;
  const gh = inputHeight / patchSize;
  const gw = inputWidth / patchSize;
  if (!Number.isInteger(gh) || !Number.isInteger(gw) || map.length !== gh * gw) {
    throw new MsmaeError("Shape", {
      where: "patch weights",
      expected: `a map of ${inputHeight}/${patchSize} × ${inputWidth}/${patchSize} cells`,
      got: `${map.length} cells`,
      todo: "make the input size a multiple of the patch size, and the maps with the same model",
    });
  }
  const { crop, flip, sourceHeight, sourceWidth, warps = [] } = geometry;
  const span = options.mapCrop === "aligned" ? alignedSpan : referenceSpan;
  const spanY = span(crop.top, crop.height, sourceHeight, inputHeight, gh);
  const spanX = span(crop.left, crop.width, sourceWidth, inputWidth, gw);
  if (!warps.every(isGridMove)) return warpedWeights(map, spanY, spanX, flip, warps, options);
  let weights = croppedWeights(map, patchSums(spanY, gh, patchSize), patchSums(spanX, gw, patchSize), flip, gh, gw);
  for (const warp of warps) weights = moveCells(weights, warp, gh, gw);
  return weights;
}

function croppedWeights(
  map: Float32Array,
  rows: Float64Array,
  columns: Float64Array,
  flip: boolean,
  gh: number,
  gw: number,
): Float32Array {
  const mixed = new Float64Array(gw);
  const weights = new Float32Array(gh * gw);
  for (let y = 0; y < gh; y++) {
    mixed.fill(0);
    for (let i = 0; i < gh; i++) {
      const row = rows[y * gh + i] as number;
      if (row === 0) continue;
      for (let j = 0; j < gw; j++) mixed[j] = (mixed[j] as number) + row * (map[i * gw + j] as number);
    }
    for (let x = 0; x < gw; x++) {
      let sum = 0;
      for (let j = 0; j < gw; j++) sum += (columns[x * gw + j] as number) * (mixed[j] as number);
      weights[y * gw + (flip ? gw - 1 - x : x)] = sum;
    }
  }
  return weights;
}

type GridMove = Extract<Warp, { kind: "flip-y" | "turn" }>;

function isGridMove(warp: Warp): warp is GridMove {
  return warp.kind === "flip-y" || warp.kind === "turn";
}

/** Flips or turns the grid of patches as the image was. */
function moveCells(cells: Float32Array, warp: GridMove, gh: number, gw: number): Float32Array {
  const quarters = warp.kind === "turn" ? warp.quarters : 0;
  checkTurn(quarters, gh, gw);
  const moved = new Float32Array(cells.length);
  for (let y = 0, at = 0; y < gh; y++) {
    for (let x = 0; x < gw; x++, at++) {
      let from = (gh - 1 - y) * gw + x;
      if (quarters === 1) from = x * gw + gw - 1 - y;
      else if (quarters === 2) from = (gh - 1 - y) * gw + gw - 1 - x;
      else if (quarters === 3) from = (gh - 1 - x) * gw + y;
      moved[at] = cells[from] as number;
    }
  }
  return moved;
}

function warpedWeights(
  map: Float32Array,
  spanY: Span,
  spanX: Span,
  flip: boolean,
  warps: readonly Warp[],
  { inputHeight, inputWidth, patchSize }: PatchWeightOptions,
): Float32Array {
  const { xs, ys } = placesBefore(warps, inputHeight, inputWidth);
  const gw = inputWidth / patchSize;
  const stepX = spanX.length / inputWidth;
  const stepY = spanY.length / inputHeight;
  const sums = new Float64Array(map.length);
  for (let y = 0, at = 0; y < inputHeight; y++) {
    const row = Math.floor(y / patchSize) * gw;
    for (let x = 0; x < inputWidth; x++, at++) {
      const placeX = xs[at] as number;
      if (Number.isNaN(placeX)) continue;
      const px = spanX.start + (flip ? inputWidth - placeX : placeX) * stepX - 0.5;
      const py = spanY.start + (ys[at] as number) * stepY - 0.5;
      const heldX = Math.min(Math.max(px, spanX.low), spanX.high);
      const heldY = Math.min(Math.max(py, spanY.low), spanY.high);
      const left = Math.floor(heldX);
      const top = Math.floor(heldY);
      const fx = heldX - left;
      const fy = heldY - top;
      const a = top * gw + left;
      const right = fx > 0 ? 1 : 0;
      const b = fy > 0 ? a + gw : a;
      const above = (map[a] as number) * (1 - fx) + (map[a + right] as number) * fx;
      const below = (map[b] as number) * (1 - fx) + (map[b + right] as number) * fx;
      const patch = row + Math.floor(x / patchSize);
      sums[patch] = (sums[patch] as number) + above * (1 - fy) + below * fy;
    }
  }
  return Float32Array.from(sums);
}

function alignedSpan(offset: number, size: number, sourceSize: number, _inputSize: number, cells: number): Span {
  return { start: (offset / sourceSize) * cells, length: (size / sourceSize) * cells, low: 0, high: cells - 1 };
}

// PARITY: the published program divides the crop's pixel offsets by the image size in whole numbers, and cuts the map
// before it is resized: at most the first two or three cells are left, whatever the crop.
function referenceSpan(offset: number, size: number, _source: number, inputSize: number, cells: number): Span {
  const low = Math.min(Math.floor(offset / inputSize), cells - 1);
  const end = Math.min(Math.max(low + 1, Math.ceil((offset + size) / inputSize)), cells);
  return { start: low, length: end - low, low, high: end - 1 };
}

/** The matrix [cells, cells] that resizes a span of an axis to cells·patchSize samples and sums each patch's. */
function patchSums(span: Span, cells: number, patchSize: number): Float64Array {
  const sums = new Float64Array(cells * cells);
  const step = span.length / (cells * patchSize);
  for (let patch = 0; patch < cells; patch++) {
    for (let pixel = 0; pixel < patchSize; pixel++) {
      const position = span.start + (patch * patchSize + pixel + 0.5) * step - 0.5;
      const held = Math.min(Math.max(position, span.low), span.high);
      const cell = Math.min(Math.floor(held), span.high);
      const share = held - cell;
      const at = patch * cells + cell;
      sums[at] = (sums[at] as number) + 1 - share;
      if (share > 0) sums[at + 1] = (sums[at + 1] as number) + share;
    }
  }
  return sums;
}
