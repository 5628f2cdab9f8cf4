// What patch weights are by their definition: the whole map resized, then summed over patches.

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
