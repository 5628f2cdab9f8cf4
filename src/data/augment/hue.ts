import type { RasterImage } from "../raster.ts";

/**
 * Turns the hue of an RGB image by `shift` of the circle (−0.5…0.5); nothing happens to one channel.
 * Source: torchvision `adjust_hue` on PIL images, with Pillow's 8-bit HSV in float32 and float64 steps.
 */
export function turnHue({ pixels, channels }: RasterImage, shift: number): void {
  if (channels === 1) return;
  const add = Math.trunc(shift * 255) & 255;
  for (let at = 0; at < pixels.length; at += 3) {
    const red = pixels[at] as number;
    const green = pixels[at + 1] as number;
    const blue = pixels[at + 2] as number;
    const high = Math.max(red, green, blue);
    const low = Math.min(red, green, blue);
    const saturation = high === low ? 0 : Math.trunc(fround((high - low) / high) * 255);
    if (saturation === 0) {
      pixels.fill(high, at, at + 3);
      continue;
    }
    const hue = (hueOf(red, green, blue, high, high - low) + add) & 255;
    toRgb(hue, saturation, high, pixels, at);
  }
}

const { fround } = Math;

/** 0…255. */
function hueOf(red: number, green: number, blue: number, high: number, range: number): number {
  const r = fround((high - red) / range);
  const g = fround((high - green) / range);
  const b = fround((high - blue) / range);
  const sixths = red === high ? b - g : green === high ? 2 + r - b : 4 + g - r;
  return Math.trunc(fround((fround(sixths) / 6 + 1) % 1) * 255);
}

function toRgb(hue: number, saturation: number, value: number, pixels: Uint8Array, at: number): void {
  const position = (hue * 6) / 255;
  const sector = Math.floor(position);
  const part = fround(position - sector);
  const share = fround(saturation / 255);
  const p = Math.round(value * (1 - share));
  const q = Math.round(value * (1 - fround(share * part)));
  const t = Math.round(value * (1 - share * (1 - part)));
  const sixth = sector % 6;
  pixels[at] = sixth === 0 || sixth === 5 ? value : sixth === 1 ? q : sixth === 4 ? t : p;
  pixels[at + 1] = sixth === 1 || sixth === 2 ? value : sixth === 0 ? t : sixth === 3 ? q : p;
  pixels[at + 2] = sixth === 3 || sixth === 4 ? value : sixth === 2 ? t : sixth === 5 ? q : p;
}
