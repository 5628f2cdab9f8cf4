import type { Warp } from "../../geometry/warps.ts";
import type { RandomStream } from "../../support/random.ts";
import { autoAugment, drawFilter } from "./auto-augment.ts";
import type { Canvas } from "./canvas.ts";
import { jitterColors } from "./color-jitter.ts";
import { eraseRectangles } from "./erasing.ts";
import { applyWarp, rotationAndZoom } from "./geometric.ts";
import { changeIntensity } from "./intensity.ts";
import type { AugmentationPlan } from "./plan.ts";

const LARGEST_KEY = 0x7fffffff;

/**
 * Augments the image on a canvas in place: flip along y, quarter turns, rotation and zoom, elastic deformation,
 * automatic augmentation, colour jitter, intensity, erasing. The mirror along x has happened while resizing.
 *
 * The stream alone decides; what is drawn does not depend on the image.
 *
 * @returns the warps in their order, for maps to follow.
 * Source: the order is timm's, `transforms_imagenet_train`; deformations come with the flips, before colours.
 */
export function augmentImage(canvas: Canvas, plan: AugmentationPlan, stream: RandomStream): Warp[] {
  const { fill, statistics } = plan;
  const warps: Warp[] = [];
  for (const warp of drawWarps(canvas, plan, stream)) {
    applyWarp(canvas, warp, { filter: drawFilter(plan.filter, stream), fill });
    warps.push(warp);
  }
  if (plan.auto) warps.push(...autoAugment(canvas, plan.auto, stream, plan.filter, fill));
  if (plan.colorJitter) jitterColors(canvas, plan.colorJitter, stream);
  if (plan.intensity > 0) changeIntensity(canvas, plan.intensity, statistics, stream);
  if (plan.erasing) eraseRectangles(canvas, plan.erasing, statistics, stream);
  return warps;
}

function drawWarps({ height, width }: Canvas, plan: AugmentationPlan, stream: RandomStream): Warp[] {
  const warps: Warp[] = [];
  const signed = () => 2 * stream.uniform() - 1;
  if (plan.flipY > 0 && stream.uniform() < plan.flipY) warps.push({ kind: "flip-y" });
  if (plan.turns) {
    const quarters = stream.integer(0, 3);
    if (quarters !== 0) warps.push({ kind: "turn", quarters: quarters as 1 | 2 | 3 });
  }
  if (plan.rotate > 0 || plan.zoom > 0) {
    const zoom = (1 + plan.zoom) ** signed();
    warps.push(rotationAndZoom(plan.rotate * signed(), zoom, height, width));
  }
  if (plan.elastic && stream.uniform() < plan.elastic.probability) {
    const { alpha, sigma } = plan.elastic;
    warps.push({ kind: "elastic", key: stream.integer(0, LARGEST_KEY), alpha, sigma });
  }
  return warps;
}
