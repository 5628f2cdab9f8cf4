import { MsmaeError } from "../../support/errors.ts";
import type { RandomStream } from "../../support/random.ts";

/** How images of a batch are mixed. Names and meaning are timm's. */
export interface MixingOptions {
  /** Both parameters of the beta distribution of mixup's share; 0 turns mixup off. */
  mixup: number;
  /** The same for cutmix. */
  cutmix: number;
  /** Bounds of the cutmix box's sides as shares of the image's; turns cutmix on, whatever `cutmix` says. */
  cutmixMinmax?: readonly number[] | undefined;
  /** Probability that a batch, pair or element is mixed at all. */
  mixupProb: number;
  /** Probability of cutmix where both are on. */
  mixupSwitchProb: number;
  /** What shares one draw: the whole batch, a pair of images, or each image alone. */
  mixupMode: "batch" | "pair" | "elem";
}

/** A rectangle in pixels of the model's input; the ends are not part of it. */
export interface PixelBox {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** How one image is mixed with its partner, the image at the same distance from the other end of the batch. */
export interface Mix {
  /** Weight of the image itself in the target, and with mixup in its pixels; float32. */
  share: number;
  /** Weight of the partner; float32. */
  otherShare: number;
  /** With cutmix, what comes from the partner. */
  box?: PixelBox;
}

/** What mixing needs of a random stream. */
export type MixingDraws = Pick<RandomStream, "uniform" | "integer" | "beta">;

const unmixed: Mix = { share: 1, otherShare: 0 };

/** Whether the options mix anything. */
export function mixes({ mixup, cutmix, cutmixMinmax }: MixingOptions): boolean {
  return mixup > 0 || cutmix > 0 || cutmixMinmax !== undefined;
}

/**
 * Draws how the images of a batch are mixed.
 *
 * @param size number of images; their height and width in pixels.
 * @returns one Mix per image. In mode `pair` partners have the same; in mode `batch` all have.
 * @throws MsmaeError Config for an odd number of images: partners come in pairs.
 * Source: timm `Mixup`; Zhang et al. 2018 (mixup), Yun et al. 2019 (cutmix).
 */
export function drawMixes(
  options: MixingOptions,
  size: { batch: number; height: number; width: number },
  draws: MixingDraws,
): Mix[] {
  const { batch } = size;
  if (batch % 2 !== 0) {
    throw new MsmaeError("Config", {
      where: "mixup and cutmix",
      expected: "an even number of images per batch, since images are mixed in pairs",
      got: String(batch),
      todo: "set an even --batch-size",
    });
  }
  const draw = () => drawMix(options, size, draws);
  switch (options.mixupMode) {
    case "batch":
      return new Array<Mix>(batch).fill(draw());
    case "pair": {
      const half = Array.from({ length: batch / 2 }, draw);
      return [...half, ...half.toReversed()];
    }
    case "elem":
      return Array.from({ length: batch }, draw);
  }
}

function drawMix(options: MixingOptions, size: { height: number; width: number }, draws: MixingDraws): Mix {
  const { mixup, cutmixMinmax, mixupProb, mixupSwitchProb, mixupMode } = options;
  const cutmix = cutmixMinmax === undefined ? options.cutmix : 1;
  // timm computes with doubles for a whole batch, and with float32 for pairs and elements.
  const round = mixupMode === "batch" ? (value: number) => value : Math.fround;
  if (draws.uniform() >= mixupProb) return unmixed;
  const cuts = cutmix > 0 && (mixup === 0 || draws.uniform() < mixupSwitchProb);
  const share = round(draws.beta(cuts ? cutmix : mixup));
  if (share === 1) return unmixed;
  if (!cuts) return shares(share, round);
  const box = cutmixMinmax === undefined ? boxOfArea(share, size, round, draws) : boxOfSides(cutmixMinmax, size, draws);
  const { height, width } = size;
  // A box that stands out of the image is cut off, so that the share is counted, not taken as drawn.
  const area = (box.bottom - box.top) * (box.right - box.left);
  return { ...shares(round(1 - area / (height * width)), round), box };
}

function shares(share: number, round: (value: number) => number): Mix {
  return { share: Math.fround(share), otherShare: Math.fround(round(1 - share)) };
}

/** A box of the image's shape that leaves `share` of the area, around a pixel drawn uniformly. */
function boxOfArea(
  share: number,
  { height, width }: { height: number; width: number },
  round: (value: number) => number,
  draws: MixingDraws,
): PixelBox {
  const ratio = round(Math.sqrt(round(1 - share)));
  const [y, x] = [draws.integer(0, height - 1), draws.integer(0, width - 1)];
  const [top, bottom] = around(y, Math.trunc(round(height * ratio)), height);
  const [left, right] = around(x, Math.trunc(round(width * ratio)), width);
  return { top, bottom, left, right };
}

function around(centre: number, length: number, limit: number): [number, number] {
  return [Math.max(centre - Math.floor(length / 2), 0), Math.min(centre + Math.floor((length + 1) / 2), limit)];
}

/** A box whose sides are drawn between two shares of the image's, wholly inside the image. */
function boxOfSides(
  minmax: readonly number[],
  { height, width }: { height: number; width: number },
  draws: MixingDraws,
): PixelBox {
  const [least, most] = minmax as readonly [number, number];
  // The upper bound is left out, as in timm, unless nothing would be left.
  const side = (length: number) => {
    const low = Math.trunc(length * least);
    return draws.integer(low, Math.max(low, Math.trunc(length * most) - 1));
  };
  const [boxHeight, boxWidth] = [side(height), side(width)];
  const [top, left] = [draws.integer(0, height - boxHeight), draws.integer(0, width - boxWidth)];
  return { top, bottom: top + boxHeight, left, right: left + boxWidth };
}
