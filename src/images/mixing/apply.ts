import type { Mix } from "./draw.ts";

/** Size of the images, in pixels, and of their patches. */
export interface MixedSize {
  height: number;
  width: number;
  channels: number;
}

/** Adding and taking away 2^52 rounds a small double to the nearest whole number, ties to even. */
const WHOLE = 2 ** 52;

/**
 * Mixes the images of a batch in place; the image at b gets its part from the one at B−1−b.
 *
 * Mixup computes in float32 and rounds half to even, so that its bytes are timm's.
 *
 * @param images uint8 [B, H, W, C].
 * @param mixes [B].
 * Source: timm `FastCollateMixup`.
 */
export function mixImages(images: Uint8Array, mixes: readonly Mix[], { height, width, channels }: MixedSize): void {
  const bytes = height * width * channels;
  const original = new Uint8Array(bytes);
  for (let b = 0; b < mixes.length / 2; b++) {
    const partner = mixes.length - 1 - b;
    const [own, other] = [b, partner].map((at) => images.subarray(at * bytes, (at + 1) * bytes)) as [
      Uint8Array,
      Uint8Array,
    ];
    original.set(own);
    mixImage(own, other, mixes[b] as Mix, width * channels, channels);
    mixImage(other, original, mixes[partner] as Mix, width * channels, channels);
  }
}

function mixImage(image: Uint8Array, other: Uint8Array, mix: Mix, rowBytes: number, channels: number): void {
  const { share, otherShare, box } = mix;
  if (box !== undefined) {
    for (let y = box.top; y < box.bottom; y++) {
      const [from, to] = [y * rowBytes + box.left * channels, y * rowBytes + box.right * channels];
      image.set(other.subarray(from, to), from);
    }
    return;
  }
  if (otherShare === 0) return;
  const ours = Float32Array.from({ length: 256 }, (_, value) => value * share);
  const theirs = Float32Array.from({ length: 256 }, (_, value) => value * otherShare);
  for (let at = 0; at < image.length; at++) {
    const sum = Math.fround((ours[image[at] as number] as number) + (theirs[other[at] as number] as number));
    image[at] = sum + WHOLE - WHOLE;
  }
}

/**
 * Mixes the targets of a batch, as their images are.
 *
 * @param targets float32 [B, classes].
 * @returns float32 [B, classes].
 * Source: timm `mixup_target`.
 */
export function mixTargets(targets: Float32Array, mixes: readonly Mix[]): Float32Array<ArrayBuffer> {
  const classes = targets.length / mixes.length;
  const mixed = new Float32Array(targets.length);
  mixes.forEach(({ share, otherShare }, b) => {
    const partner = mixes.length - 1 - b;
    for (let c = 0; c < classes; c++) {
      const own = Math.fround((targets[b * classes + c] as number) * share);
      mixed[b * classes + c] = own + Math.fround((targets[partner * classes + c] as number) * otherShare);
    }
  });
  return mixed;
}

/**
 * Mixes the patch weights of an image and its partner, as their pixels are: with mixup by their shares, with cutmix by
 * the share of each patch's area that the box covers. A patch that the box cuts counts as evenly weighted inside.
 *
 * @param own float32 [L], patches row by row.
 * @param other float32 [L].
 * @returns float32 [L].
 */
export function mixPatchWeights(
  own: Float32Array,
  other: Float32Array,
  { share, otherShare, box }: Mix,
  { width, patchSize }: { width: number; patchSize: number },
): Float32Array {
  if (box === undefined) return own.map((weight, at) => weight * share + (other[at] as number) * otherShare);
  const columns = width / patchSize;
  const overlap = (low: number, high: number, place: number) =>
    Math.max(0, Math.min(high, (place + 1) * patchSize) - Math.max(low, place * patchSize)) / patchSize;
  return own.map((weight, at) => {
    const rows = overlap(box.top, box.bottom, Math.floor(at / columns));
    const covered = rows * overlap(box.left, box.right, at % columns);
    return weight * (1 - covered) + (other[at] as number) * covered;
  });
}
