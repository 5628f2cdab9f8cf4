import { MsmaeError } from "../errors.ts";

/** A rectangle in source pixels. */
export interface CropBox {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** How a sample's source image became the model's input: a crop in source pixels, then a mirror along x. */
export interface Geometry {
  crop: CropBox;
  flip: boolean;
  sourceHeight: number;
  sourceWidth: number;
}

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
 * Weights of an image's patches, from its attention map: the map follows the image's crop and mirror, is resized
 * bilinearly to the input size, and summed over each patch.
 *
 * Bilinear resizing and summing are both linear along each axis, so that the result is Py·map·Pxᵀ with small
 * matrices; the input-sized map is never made.
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
  const { crop, sourceHeight, sourceWidth } = geometry;
  const span = options.mapCrop === "aligned" ? alignedSpan : referenceSpan;
  const rows = patchSums(span(crop.top, crop.height, sourceHeight, inputHeight, gh), gh, patchSize);
  const columns = patchSums(span(crop.left, crop.width, sourceWidth, inputWidth, gw), gw, patchSize);

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
      weights[y * gw + (geometry.flip ? gw - 1 - x : x)] = sum;
    }
  }
  return weights;
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

/**
 * Resizes a map bilinearly, without antialiasing (corners not aligned, edges repeated).
 *
 * @param map float [gh, gw], row by row.
 * @returns float32 [height, width].
 * Source: PyTorch `interpolate(mode="bilinear", align_corners=False)`.
 */
export function resizeMap(map: ArrayLike<number>, gh: number, gw: number, height: number, width: number): Float32Array {
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const py = Math.min(Math.max(((y + 0.5) * gh) / height - 0.5, 0), gh - 1);
    const top = Math.floor(py);
    const bottom = Math.min(top + 1, gh - 1);
    const fy = py - top;
    for (let x = 0; x < width; x++) {
      const px = Math.min(Math.max(((x + 0.5) * gw) / width - 0.5, 0), gw - 1);
      const left = Math.floor(px);
      const right = Math.min(left + 1, gw - 1);
      const fx = px - left;
      const at = (row: number, column: number) => map[row * gw + column] as number;
      const above = at(top, left) * (1 - fx) + at(top, right) * fx;
      const below = at(bottom, left) * (1 - fx) + at(bottom, right) * fx;
      out[y * width + x] = above * (1 - fy) + below * fy;
    }
  }
  return out;
}

/**
 * Sums an image of weights over each patch.
 *
 * @param image float [height, width], row by row.
 * @returns float64 [L], patches row by row.
 */
export function sumPerPatch(image: ArrayLike<number>, height: number, width: number, patchSize: number): Float64Array {
  const columns = width / patchSize;
  const sums = new Float64Array((height / patchSize) * columns);
  for (let y = 0; y < height; y++) {
    const base = Math.floor(y / patchSize) * columns;
    for (let x = 0; x < width; x++) {
      const patch = base + Math.floor(x / patchSize);
      sums[patch] = (sums[patch] as number) + (image[y * width + x] as number);
    }
  }
  return sums;
}
