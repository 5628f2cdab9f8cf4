import { MsmaeError } from "../../support/errors.ts";
import { inParallel } from "../../support/in-parallel.ts";
import type { FileIndex } from "../index/index-cache.ts";
import { LIGHT } from "../sample.ts";
import type { ListedFile, ListedMask } from "./listing.ts";

/**
 * How many pixels the mask of an image outlines, all its slices together, and whether by light values only: masks saved as
 * JPEG have faint noise around 0.
 *
 * @throws MsmaeError Data when the mask cannot be read, is no mask, or lies elsewhere than its image.
 */
export async function outlinedPixels(
  mask: string,
  image: string,
  index: FileIndex,
): Promise<{ pixels: number; light: boolean }> {
  let light = 0;
  let any = 0;
  for (const area of await index.labelAreas({ path: mask, kind: "outline" }, "axial", image)) {
    for (const [value, pixels] of area) {
      any += pixels;
      if (value >= LIGHT) light += pixels;
    }
  }
  return light > 0 ? { pixels: light, light: true } : { pixels: any, light: false };
}

/**
 * Puts the masks of files that have masks of several classes in the order of their size, the largest first, which decides
 * the file's class: what is small often lies within what is large, and the later mask counts where both do.
 */
export async function putLargestFirst(files: readonly ListedFile[], index: FileIndex): Promise<void> {
  const several = files.filter(({ masks = [] }) => new Set(masks.map(({ className }) => className)).size > 1);
  await inParallel(several, async (file) => {
    const sizes = new Map<ListedMask, number>();
    const { masks = [], path } = file;
    for (const mask of masks) sizes.set(mask, await sizeOf(mask, path, index));
    file.masks = masks.toSorted((a, b) => (sizes.get(b) as number) - (sizes.get(a) as number));
    const largest = file.masks[0]?.className;
    if (largest !== undefined) file.className = largest;
  });
}

async function sizeOf({ path }: ListedMask, image: string, index: FileIndex): Promise<number> {
  try {
    return (await outlinedPixels(path, image, index)).pixels;
  } catch (error) {
    // The image will be left out when it is read, whatever the order.
    if (error instanceof MsmaeError && error.code === "Data") return 0;
    throw error;
  }
}
