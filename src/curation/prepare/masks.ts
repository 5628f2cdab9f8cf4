import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { OutputImage } from "./layout.ts";
import {
  type GreyPicture,
  greyPng,
  hasShapeOf,
  type PictureSize,
  readMask,
  scaledMask,
  uniteMasks,
} from "./pictures.ts";
import type { OddFile } from "./types.ts";

/** The masks of one size of an image, united. */
interface Part extends PictureSize {
  names: string[];
  pixels: Uint8Array;
  /** The pixels are deflated. */
  packed: boolean;
}

/** What is known of an image's masks until all are there. */
interface Pending {
  /** Of the image; undefined until it is read. */
  size: PictureSize | undefined;
  /** Masks yet to come. */
  missing: number;
  parts: Part[];
}

/** A finished mask with those of its parts that were scaled, or why there can be none. */
export type FinishedMask = { png: Buffer; scaled: OddFile[] } | { fault: string };

/**
 * Collects the masks of each image and its size, in any order, and unites them. Masks of another size than their
 * image's are scaled to it where they have its shape.
 */
export class MaskSets {
  readonly #pending = new Map<OutputImage, Pending>();

  /** Takes an image's size. @returns its mask, where that was the last thing to know. */
  async addSize(image: OutputImage, size: PictureSize): Promise<FinishedMask | undefined> {
    const pending = this.#of(image);
    pending.size = size;
    return this.#finished(image, pending);
  }

  /**
   * Takes one more mask of an image.
   *
   * @param where of the mask, for messages.
   * @returns the image's whole mask, where that was the last thing to know.
   * @throws DamagedEntry when it cannot be decoded.
   */
  async addMask(image: OutputImage, name: string, where: string, bytes: Uint8Array): Promise<FinishedMask | undefined> {
    const mask = await readMask(where, bytes);
    const pending = this.#of(image);
    const same = pending.parts.find((part) => isSize(part, mask));
    if (same) {
      uniteMasks(same, mask);
      same.names.push(name);
    } else pending.parts.push({ ...mask, names: [name], packed: false });
    pending.missing--;
    return this.#finished(image, pending);
  }

  #of(image: OutputImage): Pending {
    const known = this.#pending.get(image);
    if (known) return known;
    const pending: Pending = { size: undefined, missing: image.masks?.length ?? 0, parts: [] };
    this.#pending.set(image, pending);
    return pending;
  }

  async #finished(image: OutputImage, { size, missing, parts }: Pending): Promise<FinishedMask | undefined> {
    if (missing > 0) return;
    if (size === undefined) {
      // Where all masks come before all images, thousands wait here.
      for (const part of parts) Object.assign(part, { pixels: deflateRawSync(part.pixels), packed: true });
      return;
    }
    this.#pending.delete(image);
    const scaled: OddFile[] = [];
    const whole: GreyPicture = { ...size, pixels: new Uint8Array(size.width * size.height) };
    for (const part of parts) {
      const mask = part.packed ? { ...part, pixels: inflateRawSync(part.pixels) } : part;
      if (isSize(mask, size)) {
        uniteMasks(whole, mask);
        continue;
      }
      const sizes = `${part.width}×${part.height} pixels for an image of ${size.width}×${size.height}`;
      if (!hasShapeOf(part, size)) return { fault: `${part.names.join(", ")}, a mask of ${sizes}` };
      uniteMasks(whole, scaledMask(mask, size));
      for (const name of part.names) scaled.push({ name, reason: `a mask of ${sizes}`, action: "scaled" });
    }
    return { png: await greyPng(whole), scaled };
  }
}

function isSize(a: PictureSize, b: PictureSize): boolean {
  return a.width === b.width && a.height === b.height;
}
