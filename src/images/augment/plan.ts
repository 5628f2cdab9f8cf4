import { MIRROR_PROBABILITY } from "../../geometry/random-geometry.ts";
import { MsmaeError } from "../../support/errors.ts";
import { type AutoAugmentPlan, parseAutoAugment } from "./auto-augment-plan.ts";
import type { ColorJitterPlan } from "./color-jitter.ts";
import type { ErasingPlan, ValueStatistics } from "./erasing.ts";
import type { WarpFilter } from "./geometric.ts";

/** How warps sample: by one filter, or bilinearly or bicubically with probability 0.5 each. */
export type FilterChoice = WarpFilter | "random";

/** What an elastic deformation is drawn with. */
export interface ElasticPlan {
  /** Factor on the smoothed noise, pixels. */
  alpha: number;
  /** Standard deviation of the smoothing, pixels. */
  sigma: number;
  /** Of an image. */
  probability: number;
}

/**
 * What happens to training images after crop and resize, in the order of the fields: plain data, for threads and JSON.
 */
export interface AugmentationPlan {
  /** Probability of the mirror along x. */
  flipX: number;
  /** Probability of the flip along y. */
  flipY: number;
  /** A random multiple of 90°. */
  turns: boolean;
  /** Largest rotation either way, degrees. */
  rotate: number;
  /** Sides are enlarged by a factor from 1 / (1 + zoom) to 1 + zoom, log-uniform. */
  zoom: number;
  elastic?: ElasticPlan;
  auto?: AutoAugmentPlan;
  colorJitter?: ColorJitterPlan;
  /** Strength of the intensity changes; 0 is none, 1 nnU-Net's. */
  intensity: number;
  erasing?: ErasingPlan;
  /** How affine warps sample. */
  filter: FilterChoice;
  /** uint8 per channel, shown where a warp looks beyond the image. */
  fill: readonly number[];
  statistics: ValueStatistics;
}

/** The options of augmentation, named and valued as in the configuration. */
export interface AugmentationOptions {
  hflip: number;
  vflip: number;
  rot90: boolean;
  rotate: number;
  zoom: number;
  /** alpha and sigma. */
  elastic?: readonly number[];
  elasticProb: number;
  aa?: string;
  /** One factor for brightness, contrast and saturation, or one each, and one for hue. */
  colorJitter?: readonly number[];
  colorJitterProb: number;
  intensity: number;
  reprob: number;
  remode: ErasingPlan["mode"];
  recount: number;
  augInterpolation: FilterChoice;
  augFill: "mean" | "black";
}

/** What augmentation needs to know of the network's input. */
export interface InputDescription {
  inputHeight: number;
  inputWidth: number;
  /** Per channel, on pixels scaled to [0, 1]. */
  mean: readonly number[];
  std: readonly number[];
}

/**
 * The plan of some options; undefined where they ask for nothing beyond crop and mirror.
 *
 * @throws MsmaeError Config when an option is not understood or does not fit the input.
 */
export function augmentationPlan(options: AugmentationOptions, input: InputDescription): AugmentationPlan | undefined {
  const problem = augmentationProblem(options, input);
  if (problem) throw problem;
  const auto = options.aa === undefined ? undefined : parseAutoAugment(options.aa);
  const colorJitter = usesColorJitter(options) ? jitterOf(options) : undefined;
  const elastic = elasticOf(options);
  const { probability, mode, count } = { probability: options.reprob, mode: options.remode, count: options.recount };
  const bytes = (values: readonly number[]) => values.map((value) => value * 255);
  const plan: AugmentationPlan = {
    flipX: options.hflip,
    flipY: options.vflip,
    turns: options.rot90,
    rotate: options.rotate,
    zoom: options.zoom,
    ...(elastic ? { elastic } : {}),
    ...(auto ? { auto } : {}),
    ...(colorJitter ? { colorJitter } : {}),
    intensity: options.intensity,
    ...(probability > 0 ? { erasing: { probability, mode, count } } : {}),
    filter: options.augInterpolation,
    fill: input.mean.map((value) =>
      options.augFill === "black" ? 0 : Math.min(255, Math.max(0, Math.round(value * 255))),
    ),
    statistics: { mean: bytes(input.mean), std: bytes(input.std) },
  };
  return asksForNothing(plan) ? undefined : plan;
}

/** Whether training images stay whole and as they are: no crop, no mirror, nothing beyond. */
export function keepsImages(options: AugmentationOptions & { cropMinScale: number }, input: InputDescription): boolean {
  const plan = augmentationPlan(options, input);
  if (options.cropMinScale < 1 || plan?.flipX !== 0) return false;
  return asksForNothing({ ...plan, flipX: MIRROR_PROBABILITY });
}

/** Whether colour jitter happens: as in timm, not beside automatic augmentation, but for its 3-Augment. */
export function usesColorJitter({ aa, colorJitter }: Pick<AugmentationOptions, "aa" | "colorJitter">): boolean {
  return colorJitter !== undefined && (aa === undefined || aa.includes("3a"));
}

function asksForNothing(plan: AugmentationPlan): boolean {
  const { flipX, flipY, turns, rotate, zoom, elastic, auto, colorJitter, intensity, erasing } = plan;
  if (flipX !== MIRROR_PROBABILITY || turns || elastic || auto || colorJitter || erasing) return false;
  return flipY + rotate + zoom + intensity === 0;
}

function jitterOf({ colorJitter = [], colorJitterProb }: AugmentationOptions): ColorJitterPlan {
  const [brightness = 0, contrast = brightness, saturation = brightness, hue = 0] = colorJitter;
  return { brightness, contrast, saturation, hue, probability: colorJitterProb };
}

function elasticOf({ elastic, elasticProb }: AugmentationOptions): ElasticPlan | undefined {
  if (!elastic || elasticProb === 0) return undefined;
  const [alpha, sigma] = elastic as [number, number];
  return { alpha, sigma, probability: elasticProb };
}

/** What is wrong with some options, as far as they are known. */
export function augmentationProblem(
  options: Partial<AugmentationOptions>,
  input: Partial<Pick<InputDescription, "inputHeight" | "inputWidth">>,
): MsmaeError | undefined {
  const fault = (where: string, expected: string, got: string, todo: string) =>
    new MsmaeError("Config", { where, expected, got, todo });
  const { rot90, colorJitter, elastic, aa } = options;
  if (rot90 && input.inputHeight !== input.inputWidth) {
    const got = `${input.inputHeight}x${input.inputWidth}`;
    return fault("rot90", "a square input size", got, "use --vflip 0.5 beside the mirror, which gives the half turns");
  }
  if (colorJitter && colorJitter.length !== 1 && colorJitter.length !== 3 && colorJitter.length !== 4) {
    const expected = "1 value, or 3 (brightness, contrast, saturation), or 4 (and hue)";
    return fault("colorJitter", expected, JSON.stringify(colorJitter), "correct --color-jitter");
  }
  if (colorJitter?.[3] !== undefined && colorJitter[3] > 0.5) {
    return fault("colorJitter", "a hue of at most 0.5, half of the circle", String(colorJitter[3]), "lower it");
  }
  if (elastic && !(elastic.length === 2 && (elastic[1] as number) >= 1)) {
    const expected = "2 values: alpha, and sigma of at least 1, both in pixels";
    return fault("elastic", expected, JSON.stringify(elastic), "write for example --elastic 300,15");
  }
  try {
    if (aa !== undefined) parseAutoAugment(aa);
  } catch (error) {
    if (error instanceof MsmaeError) return error;
    throw error;
  }
  return undefined;
}
