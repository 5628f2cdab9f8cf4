import type { Normalizer } from "../images/transforms/normalize.ts";
import type { Feeder } from "./kinds/kind.ts";
import type { ImageModelConfig } from "./models/config.ts";

/** Turns decoded images into what a network of convolutions is fed: normalised pixels, channel by channel. */
export class ImageFeeds implements Feeder {
  readonly #imageSize: number;
  readonly #normalizer: Normalizer;

  constructor({ inputHeight, inputWidth, inChans }: ImageModelConfig, normalizer: Normalizer) {
    this.#imageSize = inputHeight * inputWidth * inChans;
    this.#normalizer = normalizer;
  }

  /** `images` [batch, C, H, W] float32 of uint8 [at most batch, H, W, C]; what is missing to a full batch is zero. */
  whole(images: Uint8Array, batch: number): { images: Float32Array } {
    const size = this.#imageSize;
    const planes = new Float32Array(batch * size);
    for (let from = 0; from < images.length; from += size) {
      this.#normalizer.normalize(images.subarray(from, from + size), planes.subarray(from, from + size));
    }
    return { images: planes };
  }
}
