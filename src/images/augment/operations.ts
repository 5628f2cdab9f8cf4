import type { Warp } from "../../geometry/warps.ts";
import { gaussianBlur } from "./blur.ts";
import type { Canvas } from "./canvas.ts";
import { applyWarp, rotation, shearX, shearY, translateX, translateY, type WarpStyle } from "./geometric.ts";
import {
  autoContrast,
  brightness,
  contrast,
  equalize,
  invert,
  posterize,
  solarize,
  solarizeAdd,
} from "./point-operations.ts";

/** How an operation's argument follows from a level of 0…10 (more where a policy allows it). */
type LevelRule = (level: number, sign: 1 | -1, shortSide: number) => number;

interface Operation {
  /** Absent where the level does not matter. */
  argument?: LevelRule;
  /** Whether the argument's sign is drawn. */
  signed?: boolean;
  apply(canvas: Canvas, argument: number, style: WarpStyle): Warp | undefined;
}

const share = (level: number) => level / 10;
const rotate: LevelRule = (level, sign) => sign * share(level) * 30;
const enhance: LevelRule = (level) => share(level) * 1.8 + 0.1;
const enhanceIncreasing: LevelRule = (level, sign) => Math.max(0.1, 1 + sign * (share(level) * 0.9));
const posterizeBits: LevelRule = (level) => Math.trunc(share(level) * 4);
const solarizeThreshold = (level: number) => Math.min(256, Math.trunc(share(level) * 256));
const shear: LevelRule = (level, sign) => sign * share(level) * 0.3;
// timm's factory: at most 45 % of the image's shorter side.
const translate: LevelRule = (level, sign, shortSide) => sign * share(level) * Math.trunc(shortSide * 0.45);
const translateShare: LevelRule = (level, sign) => sign * share(level) * 0.45;
const between =
  (low: number, high: number): LevelRule =>
  (level) =>
    Math.max(low, Math.min(high, low + (high - low) * share(level)));

const warped =
  (warp: (argument: number, canvas: Canvas) => Warp | undefined): Operation["apply"] =>
  (canvas, argument, style) => {
    const made = warp(argument, canvas);
    if (made) applyWarp(canvas, made, style);
    return made;
  };

const pixels =
  (change: (canvas: Canvas, argument: number) => void): Operation["apply"] =>
  (canvas, argument) => {
    change(canvas, argument);
    return undefined;
  };

const color = pixels((canvas, factor) => canvas.saturate(factor));
const sharpness = pixels((canvas, factor) => canvas.sharpen(factor));
const increasing = { argument: enhanceIncreasing, signed: true };

/**
 * timm's operations by its names, with its magnitudes.
 * Source: timm 1.0 `auto_augment.py`, NAME_TO_OP and LEVEL_TO_ARG.
 */
const operations = {
  AutoContrast: { apply: pixels(autoContrast) },
  Equalize: { apply: pixels(equalize) },
  Invert: { apply: pixels(invert) },
  Rotate: {
    argument: rotate,
    signed: true,
    apply: warped((degrees, { height, width }) => rotation(degrees, height, width)),
  },
  Posterize: { argument: posterizeBits, apply: pixels(posterize) },
  PosterizeIncreasing: { argument: (...level) => 4 - posterizeBits(...level), apply: pixels(posterize) },
  PosterizeOriginal: { argument: (...level) => posterizeBits(...level) + 4, apply: pixels(posterize) },
  Solarize: { argument: solarizeThreshold, apply: pixels(solarize) },
  SolarizeIncreasing: { argument: (level) => 256 - solarizeThreshold(level), apply: pixels(solarize) },
  SolarizeAdd: { argument: (level) => Math.min(128, Math.trunc(share(level) * 110)), apply: pixels(solarizeAdd) },
  Color: { argument: enhance, apply: color },
  ColorIncreasing: { ...increasing, apply: color },
  Contrast: { argument: enhance, apply: pixels(contrast) },
  ContrastIncreasing: { ...increasing, apply: pixels(contrast) },
  Brightness: { argument: enhance, apply: pixels(brightness) },
  BrightnessIncreasing: { ...increasing, apply: pixels(brightness) },
  Sharpness: { argument: enhance, apply: sharpness },
  SharpnessIncreasing: { ...increasing, apply: sharpness },
  ShearX: { argument: shear, signed: true, apply: warped(shearX) },
  ShearY: { argument: shear, signed: true, apply: warped(shearY) },
  TranslateX: { argument: translate, signed: true, apply: warped(translateX) },
  TranslateY: { argument: translate, signed: true, apply: warped(translateY) },
  TranslateXRel: {
    argument: translateShare,
    signed: true,
    apply: warped((part, { width }) => translateX(part * width)),
  },
  TranslateYRel: {
    argument: translateShare,
    signed: true,
    apply: warped((part, { height }) => translateY(part * height)),
  },
  Desaturate: {
    argument: between(0.5, 1),
    apply: pixels((canvas, part) => canvas.saturate(Math.min(1, Math.max(0, 1 - part)))),
  },
  GaussianBlur: { argument: between(0.1, 2), apply: pixels(gaussianBlur) },
  GaussianBlurRand: { argument: between(0, 1), apply: pixels(gaussianBlur) },
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export const operationNames = Object.keys(operations) as OperationName[];

/** Whether an operation goes both ways, each with probability 0.5. */
export function isSigned(name: OperationName): boolean {
  return (operations[name] as Operation).signed ?? false;
}

/**
 * The argument of an operation at a magnitude: degrees, factors, bits, thresholds, pixels or shares of the image.
 *
 * @param shortSide of the image, in pixels.
 */
export function levelArgument(name: OperationName, magnitude: number, sign: 1 | -1, shortSide: number): number {
  return (operations[name] as Operation).argument?.(magnitude, sign, shortSide) ?? 0;
}

/** Applies an operation with its argument; gives the warp where pixels moved. */
export function applyOperation(
  canvas: Canvas,
  name: OperationName,
  argument: number,
  style: WarpStyle,
): Warp | undefined {
  return operations[name].apply(canvas, argument, style);
}
