import type { PlacedImage } from "./splits.ts";
import type { Plan } from "./types.ts";

/** Where an image of the data set is written. Paths are relative to its folder, with "/" between. */
export interface OutputImage extends PlacedImage {
  path: string;
  maskPath?: string;
}

/** Masks stand in a folder named after their class' index; 0 is the background. */
const MASK_FOLDER = "masks/1";

/**
 * Gives every image and mask its path: `<split>/<class>/<name>` in an ImageFolder, `images/<name>` and
 * `masks/1/<stem>.png` in a set for segmentation. Names that differ only in case get a number, because many file
 * systems take them for one.
 */
export function layOut(layout: Plan["layout"], images: readonly PlacedImage[]): OutputImage[] {
  const taken = new Set<string>();
  const folders = new Map<string, string>();
  return images.map((image) => {
    // Class folders too may differ only in case.
    const folder = folders.get(image.label) ?? freeName(image.label, (name) => [name], new Set(folders.values()));
    folders.set(image.label, folder);
    if (layout === "folders") {
      return { ...image, path: freeName(image.name, (name) => [`${image.split}/${folder}/${name}`], taken) };
    }
    const paths = (name: string) => [`images/${name}`, `${MASK_FOLDER}/${stemOf(name)}.png`];
    const path = freeName(image.name, paths, taken);
    return { ...image, path, ...(image.masks && { maskPath: paths(path.slice("images/".length))[1] }) };
  });
}

function stemOf(name: string): string {
  return name.replace(/\.[^.]+$/, "");
}

/** The first path for a name, or for the name with a number, of which none is taken. */
function freeName(name: string, pathsOf: (name: string) => string[], taken: Set<string>): string {
  const extension = name.slice(stemOf(name).length);
  for (let number = 1; ; number++) {
    const paths = pathsOf(number === 1 ? name : `${stemOf(name)}~${number}${extension}`);
    const keys = paths.map((path) => path.normalize("NFC").toLowerCase());
    if (keys.some((key) => taken.has(key))) continue;
    for (const key of keys) taken.add(key);
    return paths[0] as string;
  }
}
