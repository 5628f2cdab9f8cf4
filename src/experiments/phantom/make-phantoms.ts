import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { SPLITS, type Split } from "../../data/dataset.ts";
import { csvLine } from "../../data/tables/csv.ts";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { writeFileAtomic } from "../../support/files/atomic-file.ts";
import { RandomStream } from "../../support/random.ts";
import { drawPhantom, LESION_KINDS, type PhantomStyle } from "./draw-phantom.ts";

const WRITTEN_TOGETHER = 32;

/** What to make. */
export interface PhantomOptions {
  outputDir: string;
  seed: number;
  imagesPerClass: Record<Split, number>;
  /** Side of the square images in pixels. Default 64. */
  size?: number;
  /** Kinds of lesion, 2 to 4. Default 4. */
  classes?: number;
  style?: Partial<PhantomStyle>;
  /** Hears how many phantoms are written, and of how many. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Where the phantoms are. */
export interface PhantomSet {
  /** An ImageFolder of grey PNGs, `train|val|test/<class>/<number>.png`. */
  root: string;
  /** Lesion masks, 0 or 255, `<split>/<class>/<number>.png` for the image of the same name. */
  masks: string;
  /** A CSV file that names each image with its split and its mask, whose class is "lesion" whatever the kind. */
  table: string;
  classNames: string[];
  /** All of them, by paths below the root. */
  images: PhantomImage[];
}

export interface PhantomImage {
  path: string;
  mask: string;
  kind: string;
  split: Split;
}

/**
 * Makes a data set of body phantoms in which only a small lesion tells the classes apart, with the lesions' true masks.
 * Every image depends on the seed, its split, class and number alone.
 *
 * @throws MsmaeError Config for sizes out of range, Data when a file cannot be written, Interrupted by the signal.
 */
export async function makePhantoms(options: PhantomOptions): Promise<PhantomSet> {
  const { outputDir, seed, imagesPerClass, size = 64, classes = LESION_KINDS.length } = options;
  const { style, onProgress, signal } = options;
  checkOptions(imagesPerClass, size, classes);
  const kinds = LESION_KINDS.slice(0, classes);
  const masks = join(outputDir, "masks");
  const table = join(outputDir, "masks.csv");
  const images: PhantomImage[] = [];
  const total = classes * SPLITS.reduce((sum, split) => sum + imagesPerClass[split], 0);
  let done = 0;
  for (const [splitAt, split] of SPLITS.entries()) {
    for (const [label, kind] of kinds.entries()) {
      if (imagesPerClass[split] === 0) continue;
      const folders = [join(outputDir, split, kind), join(masks, split, kind)] as const;
      await writing(outputDir, () => Promise.all(folders.map((folder) => mkdir(folder, { recursive: true }))));
      for (let first = 0; first < imagesPerClass[split]; first += WRITTEN_TOGETHER) {
        if (signal?.aborted) throw interrupted(outputDir);
        const count = Math.min(WRITTEN_TOGETHER, imagesPerClass[split] - first);
        const files = Array.from({ length: count }, (_, at) => {
          const number = first + at;
          const { pixels, mask } = drawPhantom(
            size,
            kind,
            RandomStream.for(seed, "phantom", splitAt, label, number),
            style,
          );
          const name = `${String(number).padStart(4, "0")}.png`;
          const path = `${split}/${kind}/${name}`;
          images.push({ path, mask: `masks/${path}`, kind, split });
          return [writeGrey(join(folders[0], name), pixels, size), writeGrey(join(folders[1], name), mask, size)];
        });
        await writing(outputDir, () => Promise.all(files.flat()));
        done += count;
        onProgress?.(done, total);
      }
    }
  }
  const rows = images.map(({ path, split, mask }) => [path, "lesion", split, mask]);
  const text = [["path", "label", "split", "mask"], ...rows].map(csvLine).join("");
  await writing(outputDir, () => writeFileAtomic(table, text));
  return { root: outputDir, masks, table, classNames: [...kinds].sort(), images };
}

async function writeGrey(path: string, pixels: Uint8Array, size: number): Promise<void> {
  await sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toFile(path);
}

async function writing(where: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    const todo = "check the folder, its permissions and free space";
    throw new MsmaeError("Data", { where, expected: "a writable folder", got: messageOf(cause), todo }, { cause });
  }
}

function interrupted(where: string): MsmaeError {
  const parts = { where, expected: "all phantoms to be made", got: "an abort signal", todo: "call again to make them" };
  return new MsmaeError("Interrupted", parts);
}

function checkOptions(imagesPerClass: Record<Split, number>, size: number, classes: number): void {
  const whole = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high;
  const counts = SPLITS.map((split) => imagesPerClass[split]);
  if (counts.every((count) => whole(count, 0, 9999)) && whole(size, 32, 4096) && whole(classes, 2, 4)) return;
  throw new MsmaeError("Config", {
    where: "phantoms",
    expected: "0–9999 images of each class and split, a size of 32–4096 pixels, 2–4 classes",
    got: `${counts.join("/")} images, size ${size}, ${classes} classes`,
    todo: "choose numbers in these ranges",
  });
}
