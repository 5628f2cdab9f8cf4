import { type AffineMatrix, checkTurn, pixelCentres, undoWarp, type Warp } from "../../geometry/warps.ts";
import type { Canvas } from "./canvas.ts";
import { affineNearest } from "./nearest.ts";

export type WarpFilter = "nearest" | "bilinear" | "bicubic";

/** How a warp samples, and what it shows beyond the image's edges: one value per channel. */
export interface WarpStyle {
  filter: WarpFilter;
  fill: readonly number[];
}

/** Moves the pixels of a canvas as a warp says. `filter` serves affine warps; elastic ones are bilinear. */
export function applyWarp(canvas: Canvas, warp: Warp, { filter, fill }: WarpStyle): void {
  switch (warp.kind) {
    case "flip-y":
      movePixels(canvas, (x, y) => (canvas.height - 1 - y) * canvas.width + x);
      return;
    case "turn":
      turn(canvas, warp.quarters);
      return;
    case "affine":
      if (filter === "nearest") affineNearest(canvas, warp.matrix, fill);
      else canvas.affine(warp.matrix, filter, fill);
      return;
    case "elastic":
      pixelCentres(canvas.places);
      undoWarp(warp, canvas.places);
      canvas.remap(fill);
  }
}

function turn(canvas: Canvas, quarters: 1 | 2 | 3): void {
  const { height, width } = canvas;
  checkTurn(quarters, height, width);
  if (quarters === 2) movePixels(canvas, (x, y) => (height - 1 - y) * width + width - 1 - x);
  else if (quarters === 1) movePixels(canvas, (x, y) => x * width + width - 1 - y);
  else movePixels(canvas, (x, y) => (height - 1 - x) * width + y);
}

function movePixels(canvas: Canvas, sourceOf: (x: number, y: number) => number): void {
  const { height, width, channels, pixels, other } = canvas;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const from = sourceOf(x, y) * channels;
      other[to] = pixels[from] as number;
      if (channels === 3) {
        other[to + 1] = pixels[from + 1] as number;
        other[to + 2] = pixels[from + 2] as number;
      }
    }
  }
  canvas.swap();
}

/**
 * A rotation about the centre, degrees counter-clockwise; none where nothing turns.
 * Source: Pillow `Image.rotate`, which turns right angles without sampling and rounds the matrix to 15 decimals.
 */
export function rotation(degrees: number, height: number, width: number): Warp | undefined {
  const angle = ((degrees % 360) + 360) % 360;
  if (angle === 0) return undefined;
  if (angle === 180) return { kind: "turn", quarters: 2 };
  if ((angle === 90 || angle === 270) && height === width) return { kind: "turn", quarters: angle === 90 ? 1 : 3 };
  return { kind: "affine", matrix: aboutCentre(angle, 1, height, width) };
}

/** A rotation and enlargement about the centre: degrees counter-clockwise, sides times `zoom`. */
export function rotationAndZoom(degrees: number, zoom: number, height: number, width: number): Warp {
  return { kind: "affine", matrix: aboutCentre(degrees, zoom, height, width) };
}

function aboutCentre(degrees: number, zoom: number, height: number, width: number): AffineMatrix {
  const angle = -degrees * (Math.PI / 180);
  const round = (value: number) => Number((value / zoom).toFixed(15));
  const a = round(Math.cos(angle));
  const b = round(Math.sin(angle));
  const d = round(-Math.sin(angle));
  const [cx, cy] = [width / 2, height / 2];
  const c = a * -cx + b * -cy + 0 + cx;
  const f = d * -cx + a * -cy + 0 + cy;
  return [a, b, c, d, a, f];
}

export const shearX = (factor: number): Warp => ({ kind: "affine", matrix: [1, factor, 0, 0, 1, 0] });
export const shearY = (factor: number): Warp => ({ kind: "affine", matrix: [1, 0, 0, factor, 1, 0] });
export const translateX = (pixels: number): Warp => ({ kind: "affine", matrix: [1, 0, pixels, 0, 1, 0] });
export const translateY = (pixels: number): Warp => ({ kind: "affine", matrix: [1, 0, 0, 0, 1, pixels] });
