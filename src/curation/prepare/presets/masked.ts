import type { LeftOut, PlannedImage, SurveyEntry } from "../types.ts";

/**
 * Brings images together with their masks.
 *
 * @param masks - by the image's id.
 */
export function withMasks(
  images: readonly PlannedImage[],
  masks: ReadonlyMap<string, SurveyEntry[]>,
): { images: PlannedImage[]; leftOut: LeftOut[] } {
  const leftOut: LeftOut[] = [];
  const complete: PlannedImage[] = [];
  for (const image of images) {
    const own = masks.get(image.id);
    if (own) complete.push({ ...image, masks: own });
    else leftOut.push({ name: image.source.name, reason: "no mask", odd: true });
  }
  const ids = new Set(images.map(({ id }) => id));
  for (const [id, own] of masks) {
    if (!ids.has(id)) leftOut.push(...own.map(({ name }) => ({ name, reason: "a mask without an image", odd: true })));
  }
  return { images: complete, leftOut };
}

/** Adds one more mask of an image. */
export function addMask(masks: Map<string, SurveyEntry[]>, id: string, mask: SurveyEntry): void {
  const own = masks.get(id);
  if (own) own.push(mask);
  else masks.set(id, [mask]);
}
