/** The pixel layout of a patch: kernels want channels outermost, predictions have them innermost. */
export type PatchOrder = "channel-row-column" | "row-column-channel";

export interface ImageShape {
  height: number;
  width: number;
  channels: number;
  patchSize: number;
}

type FloatArray = Float32Array | Float64Array;

/**
 * Copies patches of a planar image [C, H, W] into token-major rows: patch `patches[n]` of image `b` goes to row
 * `n · batch + b` of `into` [patches · batch, p·p·C].
 */
export function gatherPatches<T extends FloatArray>(
  image: T,
  shape: ImageShape,
  patches: ArrayLike<number>,
  order: PatchOrder,
  into: T,
  { batch, b }: { batch: number; b: number },
): void {
  const { height, width, channels, patchSize: p } = shape;
  const columns = width / p;
  const plane = height * width;
  const size = p * p * channels;
  for (let n = 0; n < patches.length; n++) {
    const patch = patches[n] as number;
    const top = Math.floor(patch / columns) * p;
    const left = (patch % columns) * p;
    const row = (n * batch + b) * size;
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < p; y++) {
        const source = c * plane + (top + y) * width + left;
        if (order === "channel-row-column") {
          into.set(image.subarray(source, source + p), row + (c * p + y) * p);
        } else {
          const target = row + y * p * channels + c;
          for (let x = 0; x < p; x++) into[target + x * channels] = image[source + x] as number;
        }
      }
    }
  }
}

/** The mean and the divisor that normalised a patch, to undo it for display. */
export interface PatchStatistics {
  mean: number;
  deviation: number;
}

/**
 * Normalises every row of `targets` by its own mean and unbiased variance, with 1e-6 inside the root (`normPixLoss`).
 * Returns each row's statistics. Source: MAE (He et al. 2022); method.md section 4.
 *
 * @param measured as long as `targets`, below 1 where a value is no measurement: it has no part in the statistics and
 * becomes 0, the mean. Without it, all are.
 */
export function normalizePatches(
  targets: FloatArray,
  valuesPerPatch: number,
  measured?: ArrayLike<number>,
): PatchStatistics[] {
  const statistics: PatchStatistics[] = [];
  for (let start = 0; start < targets.length; start += valuesPerPatch) {
    const row = targets.subarray(start, start + valuesPerPatch);
    if (measured && !wholly(measured, start, valuesPerPatch)) {
      statistics.push(normalizeMeasured(row, measured, start));
      continue;
    }
    let sum = 0;
    for (let i = 0; i < row.length; i++) sum += row[i] as number;
    const mean = sum / row.length;
    let squares = 0;
    for (let i = 0; i < row.length; i++) squares += ((row[i] as number) - mean) ** 2;
    const deviation = Math.sqrt(squares / (row.length - 1) + 1e-6);
    for (let i = 0; i < row.length; i++) row[i] = ((row[i] as number) - mean) / deviation;
    statistics.push({ mean, deviation });
  }
  return statistics;
}

function wholly(measured: ArrayLike<number>, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if ((measured[start + i] as number) < 1) return false;
  return true;
}

function normalizeMeasured(row: FloatArray, measured: ArrayLike<number>, start: number): PatchStatistics {
  const own = row.filter((_: number, i: number) => (measured[start + i] as number) >= 1);
  // A patch without any measurement keeps finite statistics, and its target is the mean everywhere.
  const [statistics] = own.length > 1 ? normalizePatches(own, own.length) : [];
  const mean = statistics?.mean ?? own[0] ?? 0;
  const deviation = statistics?.deviation ?? Math.sqrt(1e-6);
  for (let i = 0; i < row.length; i++) {
    row[i] = (measured[start + i] as number) < 1 ? 0 : ((row[i] as number) - mean) / deviation;
  }
  return { mean, deviation };
}

/** Writes `patch index + 1` (0 is the cls token's place) of image `b` into token-major positions [patches · batch]. */
export function gatherPositions(
  patches: ArrayLike<number>,
  into: BigInt64Array,
  { batch, b }: { batch: number; b: number },
): void {
  for (let n = 0; n < patches.length; n++) into[n * batch + b] = BigInt((patches[n] as number) + 1);
}
