import { MsmaeError } from "../../support/errors.ts";
import { wilsonInterval } from "../metrics/index.ts";
import { enlargeMap } from "./enlarge-map.ts";
import type { Grid } from "./image.ts";

/** Options of {@link pointingGame}. */
export interface PointingGameOptions {
  /**
   * A peak at most this many pixels (Euclidean) outside the lesion still counts. Default 0. Zhang et al. use 15 pixels
   * on natural images; state it wherever it is not 0.
   */
  tolerance?: number;
}

/** Outcome of the pointing game on a set of images. */
export interface PointingGameResult {
  /** Images with a lesion: the ones that count. */
  n: number;
  /** Images without a lesion, left out. */
  withoutLesion: number;
  /** Sum of `scores`. */
  hits: number;
  /** hits / n; null when no image has a lesion. */
  hitRate: number | null;
  /** What a uniformly random pixel would reach under the same rule; null when no image has a lesion. */
  chance: number | null;
  /** 95 % Wilson interval of the hit rate; null when no image has a lesion. */
  interval: [low: number, high: number] | null;
  /** [images] 1 for a hit, 0 for a miss, a share between when the peak is tied, null without a lesion. */
  scores: (number | null)[];
}

/**
 * The pointing game: how often the peak of a map lies in the lesion.
 *
 * The rule: the map is enlarged to the mask's size by {@link enlargeMap}; its peak is the pixel of the highest value; the peak is a
 * hit when the mask is non-zero there, or within `tolerance` pixels. Several pixels that share the highest value count
 * as one peak drawn at random among them: the image scores the share of them that hit. A constant map therefore scores
 * chance, and no map gains by the order in which pixels are scanned. Chance is the expected score of a pixel drawn
 * uniformly from the image: the mean share of pixels that would be a hit.
 *
 * @param maps one map [gh, gw] per image.
 * @param masks one lesion mask [height, width] per image, non-zero inside the lesion.
 * @throws MsmaeError "Shape" when the counts differ or a grid does not fit its size; "Data" for non-finite values.
 * Source: Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop", section 4.2.
 */
export function pointingGame(
  maps: readonly Grid[],
  masks: readonly Grid[],
  { tolerance = 0 }: PointingGameOptions = {},
): PointingGameResult {
  if (maps.length !== masks.length) {
    throw new MsmaeError("Shape", {
      where: "pointing game",
      expected: "one mask per map",
      got: `${maps.length} maps and ${masks.length} masks`,
      todo: "pass maps and masks of the same images in the same order",
    });
  }
  const scores: (number | null)[] = [];
  let hits = 0;
  let chance = 0;
  let n = 0;
  for (const [index, map] of maps.entries()) {
    const mask = masks[index] as Grid;
    const target = dilate(mask, tolerance);
    const area = target.reduce((sum, value) => sum + value, 0);
    if (area === 0) {
      scores.push(null);
      continue;
    }
    const score = peakScore(enlargeMap(map, mask.height, mask.width), target);
    scores.push(score);
    hits += score;
    chance += area / target.length;
    n++;
  }
  return {
    n,
    withoutLesion: maps.length - n,
    hits,
    hitRate: n === 0 ? null : hits / n,
    chance: n === 0 ? null : chance / n,
    interval: n === 0 ? null : wilsonInterval(hits / n, n),
    scores,
  };
}

function peakScore(values: Float64Array, target: Uint8Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  let peaks = 0;
  let hits = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < highest) continue;
    if (value > highest) {
      highest = value;
      peaks = 0;
      hits = 0;
    }
    peaks++;
    hits += target[i] as number;
  }
  return hits / peaks;
}

/** 1 where a pixel lies in the mask or at most `radius` from one that does. */
function dilate({ width, height, data }: Grid, radius: number): Uint8Array {
  const reach = Math.floor(radius);
  const target = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++) {
        for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++) {
          if ((v - y) ** 2 + (u - x) ** 2 <= radius * radius) target[v * width + u] = 1;
        }
      }
    }
  }
  return target;
}
