import { type ColourMapName, colourTable } from "./colour-map.ts";
import { enlargeMap } from "./enlarge-map.ts";
import { checkGrid, checkImage, copyImage, type Grid, type Rgb, type RgbImage } from "./image.ts";

/** Options of {@link overlayMap}. */
export interface OverlayOptions {
  /** Share of the colour in the result, 0..1. Default 0.55. */
  opacity?: number;
  colourMap?: ColourMapName;
  /** The values shown as the darkest and brightest colour. Default: the enlarged map's own minimum and maximum. */
  range?: readonly [low: number, high: number];
}

/**
 * An attention map [gh, gw] blended over an image as a heat map, enlarged smoothly to the image's size.
 *
 * @throws MsmaeError "Shape" or "Data" when image or map do not fit their sizes or the map holds non-finite values.
 */
export function overlayMap(image: RgbImage, map: Grid, options: OverlayOptions = {}): RgbImage {
  checkImage("overlaying a map", image);
  const { opacity = 0.55, colourMap = "inferno" } = options;
  const values = enlargeMap(map, image.height, image.width);
  const [low, high] = options.range ?? extent(values);
  const table = colourTable(colourMap);
  const result = copyImage(image);
  for (let pixel = 0; pixel < values.length; pixel++) {
    const level = high > low ? ((values[pixel] as number) - low) / (high - low) : 0;
    const entry = Math.round(255 * Math.min(1, Math.max(0, level))) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const position = pixel * 3 + channel;
      const from = image.data[position] as number;
      const colour = table[entry + channel] as number;
      result.data[position] = Math.round(from + (colour - from) * opacity);
    }
  }
  return result;
}

function extent(values: ArrayLike<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] as number);
    high = Math.max(high, values[i] as number);
  }
  return [low, high];
}

/** Options of {@link outlineMask}. */
export interface OutlineOptions {
  colour?: Rgb;
  /** Pixels. Default 1. */
  thickness?: number;
}

const CYAN: Rgb = [0, 229, 255];

/**
 * The outline of a mask [height, width] drawn into a copy of an image of the same size: the mask's pixels that lie
 * within `thickness` of a pixel outside it.
 *
 * @throws MsmaeError "Shape" when the sizes differ.
 */
export function outlineMask(image: RgbImage, mask: Grid, options: OutlineOptions = {}): RgbImage {
  checkImage("outlining a mask", image);
  checkGrid("outlining a mask", { ...mask, height: image.height, width: image.width });
  const { colour = CYAN, thickness = 1 } = options;
  const { width, height } = image;
  const inside = (y: number, x: number): boolean =>
    y >= 0 && x >= 0 && y < height && x < width && mask.data[y * width + x] !== 0;
  const nearOutside = (y: number, x: number): boolean => {
    for (let dy = -thickness; dy <= thickness; dy++) {
      for (let dx = -thickness; dx <= thickness; dx++) {
        if (Math.abs(dy) + Math.abs(dx) <= thickness && !inside(y + dy, x + dx)) return true;
      }
    }
    return false;
  };
  const result = copyImage(image);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (inside(y, x) && nearOutside(y, x)) result.data.set(colour, (y * width + x) * 3);
    }
  }
  return result;
}
