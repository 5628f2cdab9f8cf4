/** A mask: whether each pixel, in rows from the top, is inside. */
export interface Inside {
  height: number;
  width: number;
  inside: readonly boolean[];
}

type Point = readonly [y: number, x: number];

/** Figures of one predicted mask, worked out pixel by pixel and from every point to every other. */
export function figuresOf(
  predicted: Inside,
  truth: Inside,
  { tolerance = 2, spacing = [1, 1] }: { tolerance?: number; spacing?: readonly [number, number] } = {},
): Record<"dice" | "iou" | "sensitivity" | "precision" | "hd95" | "assd" | "nsd", number> {
  const count = (which: (p: boolean, t: boolean) => boolean) =>
    predicted.inside.filter((p, at) => which(p, truth.inside[at] as boolean)).length;
  const [tp, fp, fn] = [count((p, t) => p && t), count((p, t) => p && !t), count((p, t) => !p && t)];
  if (tp + fp === 0 || tp + fn === 0) {
    const right = tp + fp + fn === 0 ? 1 : 0;
    const diagonal = Math.hypot(truth.height * spacing[0], truth.width * spacing[1]);
    const far = right === 1 ? 0 : diagonal;
    return { dice: right, iou: right, sensitivity: right, precision: right, hd95: far, assd: far, nsd: right };
  }
  const [a, b] = [borderOf(predicted), borderOf(truth)];
  const nearest = (from: readonly Point[], to: readonly Point[]) =>
    from.map(([y, x]) => Math.min(...to.map(([v, u]) => Math.hypot((y - v) * spacing[0], (x - u) * spacing[1]))));
  const [there, back] = [nearest(a, b), nearest(b, a)];
  const both = [...there, ...back];
  return {
    dice: (2 * tp) / (2 * tp + fp + fn),
    iou: tp / (tp + fp + fn),
    sensitivity: tp / (tp + fn),
    precision: tp / (tp + fp),
    hd95: Math.max(percentile95(there), percentile95(back)),
    assd: both.reduce((sum, distance) => sum + distance) / both.length,
    nsd: both.filter((distance) => distance <= tolerance).length / both.length,
  };
}

/** Pixels with one of their four neighbours outside of the mask or of the picture. */
function borderOf({ height, width, inside }: Inside): Point[] {
  const isInside = (y: number, x: number) =>
    y >= 0 && x >= 0 && y < height && x < width && inside[y * width + x] === true;
  return inside.flatMap((own, at): Point[] => {
    const [y, x] = [Math.floor(at / width), at % width];
    const whole = isInside(y - 1, x) && isInside(y + 1, x) && isInside(y, x - 1) && isInside(y, x + 1);
    return own && !whole ? [[y, x]] : [];
  });
}

/** As NumPy interpolates it. */
function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = 0.95 * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return low + (high - low) * (place - Math.floor(place));
}
