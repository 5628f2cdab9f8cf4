import type { RandomStream } from "../../support/random.ts";
import type { Canvas } from "./canvas.ts";
import { brightness, contrast } from "./point-operations.ts";

/** Colour jitter: each factor is uniform in [max(0, 1 − x), 1 + x], the hue's turn in [−x, x] of the circle. */
export interface ColorJitterPlan {
  brightness: number;
  contrast: number;
  saturation: number;
  /** At most 0.5. */
  hue: number;
  /** Of an image. */
  probability: number;
}

/**
 * Changes brightness, contrast, saturation and hue in random order. Saturation and hue leave one channel as it is.
 * Source: torchvision `ColorJitter` on PIL images.
 */
export function jitterColors(canvas: Canvas, plan: ColorJitterPlan, stream: RandomStream): void {
  if (stream.uniform() >= plan.probability) return;
  const order = stream.permutation(4);
  const between = (low: number, high: number) => low + (high - low) * stream.uniform();
  const factor = (span: number) => between(Math.max(0, 1 - span), 1 + span);
  for (const step of order) {
    if (step === 0 && plan.brightness > 0) brightness(canvas, factor(plan.brightness));
    if (step === 1 && plan.contrast > 0) contrast(canvas, factor(plan.contrast));
    if (step === 2 && plan.saturation > 0) canvas.saturate(factor(plan.saturation));
    if (step === 3 && plan.hue > 0) canvas.turnHue(between(-plan.hue, plan.hue));
  }
}
