import { MsmaeError } from "../../support/errors.ts";

/** Per-channel mean and standard deviation of images scaled to [0, 1]; one entry serves every channel. */
export interface Normalization {
  mean: readonly number[];
  std: readonly number[];
}

/** Statistics of ImageNet, RGB. */
const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Statistics for one channel: ImageNet's, averaged over RGB, as timm does for grey models. */
const IMAGENET_GREY_NORMALIZATION: Normalization = {
  mean: [(0.485 + 0.456 + 0.406) / 3],
  std: [(0.229 + 0.224 + 0.225) / 3],
};

/** ImageNet's statistics for `channels` input channels. */
export function imagenetNormalization(channels: 1 | 3): Normalization {
  return channels === 3 ? IMAGENET_NORMALIZATION : IMAGENET_GREY_NORMALIZATION;
}

/** Turns uint8 pixels into network inputs, by one 256-entry table per channel. */
export class Normalizer {
  readonly channels: 1 | 3;
  readonly #tables: Float32Array[];

  /** @throws MsmaeError Config when mean and std do not fit the channels, or a std is not positive. */
  constructor(channels: 1 | 3, { mean, std }: Normalization = imagenetNormalization(channels)) {
    const fits = (values: readonly number[]) =>
      (values.length === channels || values.length === 1) && values.every(Number.isFinite);
    if (!fits(mean) || !fits(std) || std.some((value) => value <= 0)) {
      throw new MsmaeError("Config", {
        where: "mean and std",
        expected: `1 or ${channels} finite numbers each, std above 0`,
        got: `mean [${mean.join(", ")}], std [${std.join(", ")}]`,
        todo: "set --mean and --std to fit --in-chans",
      });
    }
    this.channels = channels;
    const of = (values: readonly number[], channel: number) => (values[channel] ?? values[0]) as number;
    this.#tables = Array.from({ length: channels }, (_, channel) =>
      normalizationTable(of(mean, channel), of(std, channel)),
    );
  }

  /** uint8 [h, w, C] → float32 [C, h, w], written into `out` (C·h·w long): (x / 255 − mean) / std. */
  normalize(pixels: Uint8Array, out: Float32Array): void {
    this.#checkLengths(pixels.length, out.length);
    const { channels } = this;
    const area = pixels.length / channels;
    for (let channel = 0; channel < channels; channel++) {
      const table = this.#tables[channel] as Float32Array;
      const base = channel * area;
      for (let at = 0, from = channel; at < area; at++, from += channels) {
        out[base + at] = table[pixels[from] as number] as number;
      }
    }
  }

  #checkLengths(from: number, to: number): void {
    if (from === to && from % this.channels === 0) return;
    throw new MsmaeError("Shape", {
      where: "normalisation",
      expected: `input and output of one length, a multiple of ${this.channels}`,
      got: `${from} and ${to}`,
      todo: "pass a subarray of exactly one image",
    });
  }
}

// Each step rounds to float32, as torchvision's ToTensor and Normalize do.
function normalizationTable(mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => {
    const centred = Math.fround(Math.fround(value / 255) - Math.fround(mean));
    return centred / Math.fround(std);
  });
}
