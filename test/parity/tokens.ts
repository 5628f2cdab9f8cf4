import {
  argsort,
  attentionCounts,
  randomCounts,
  type Selection,
  type SelectionCounts,
  selectFromAttentionOrder,
  selectFromRandomOrder,
} from "../../src/method/masking/selection.ts";
import {
  gatherPatches,
  gatherPositions,
  type ImageShape,
  normalizePatches,
  type PatchOrder,
} from "../../src/method/masking/tokens.ts";
import { type PatchedImages, patchCount, patchValues } from "../../src/method/models/config.ts";
import type { Engine, Feeds, Floats } from "./engines.ts";

/** Patches of a batch that share their numbers of kept, masked and thrown patches. */
export interface BatchSelection {
  counts: SelectionCounts;
  orders: Uint32Array[];
  images: Selection[];
}

/** Selections of the attention-driven phase from orders [L] per image. */
export function attentionSelection(
  orders: readonly ArrayLike<number>[],
  ratios: { maskRatio: number; throwRatio: number },
): BatchSelection {
  const whole = orders.map((order) => Uint32Array.from(order));
  const counts = attentionCounts(whole[0]?.length ?? 0, ratios);
  return { counts, orders: whole, images: whole.map((order) => selectFromAttentionOrder(order, counts)) };
}

/** Selections of the random phase from noise [L] per image. */
export function randomSelection(noise: readonly ArrayLike<number>[], maskRatio: number): BatchSelection {
  const orders = noise.map(argsort);
  const counts = randomCounts(orders[0]?.length ?? 0, maskRatio);
  return { counts, orders, images: orders.map((order) => selectFromRandomOrder(order, counts)) };
}

/** Mask values [batch, L]: 0 kept, 1 masked, -1 thrown. */
export function maskOf({ images, orders }: BatchSelection): Float64Array {
  const patches = orders[0]?.length ?? 0;
  const mask = new Float64Array(images.length * patches);
  images.forEach(({ masked, thrown }, b) => {
    for (const patch of masked) mask[b * patches + patch] = 1;
    for (const patch of thrown) mask[b * patches + patch] = -1;
  });
  return mask;
}

export function imageShapeOf({ inputHeight, inputWidth, inChans, patchSize }: PatchedImages): ImageShape {
  return { height: inputHeight, width: inputWidth, channels: inChans, patchSize };
}

/** Rows of patches in token-major order; `patches` per image all have one length. */
export function patchRows(
  images: readonly Floats[],
  config: PatchedImages,
  patches: readonly ArrayLike<number>[],
  order: PatchOrder,
  into: Floats,
): Floats {
  images.forEach((image, b) => {
    const at = { batch: images.length, b };
    gatherPatches(image, imageShapeOf(config), patches[b] ?? [], order, into, at);
  });
  return into;
}

/** Feeds of whole images: all patches in order. */
export function wholeFeeds(engine: Engine, config: PatchedImages, images: readonly ArrayLike<number>[]): Feeds {
  const all = images.map(() => Uint32Array.from({ length: patchCount(config) }, (_, patch) => patch));
  return { patches: gathered(engine, config, images, all, "channel-row-column") };
}

/** Feeds of the kept patches. */
export function keptFeeds(
  engine: Engine,
  config: PatchedImages,
  images: readonly ArrayLike<number>[],
  { images: selections }: BatchSelection,
): Feeds {
  const kept = selections.map((selection) => selection.kept);
  return { patches: gathered(engine, config, images, kept, "channel-row-column"), positions: positionsOf(kept) };
}

/** Feeds of the masked patches: where they are painted, and the pixels to paint. */
export function maskedFeeds(
  engine: Engine,
  config: PatchedImages,
  images: readonly ArrayLike<number>[],
  { images: selections }: BatchSelection,
  normPix: boolean,
): Feeds {
  const masked = selections.map((selection) => selection.masked);
  const targets = gathered(engine, config, images, masked, "row-column-channel");
  if (normPix) normalizePatches(targets, patchValues(config));
  return { maskPositions: positionsOf(masked), targets };
}

function gathered(
  engine: Engine,
  config: PatchedImages,
  images: readonly ArrayLike<number>[],
  patches: readonly Uint32Array[],
  order: PatchOrder,
): Floats {
  const rows = (patches[0]?.length ?? 0) * images.length;
  return patchRows(
    images.map(engine.floats),
    config,
    patches,
    order,
    engine.floats(new Float64Array(rows * patchValues(config))),
  );
}

function positionsOf(patches: readonly Uint32Array[]): BigInt64Array {
  const batch = patches.length;
  const positions = new BigInt64Array((patches[0]?.length ?? 0) * batch);
  patches.forEach((indices, b) => {
    gatherPositions(indices, positions, { batch, b });
  });
  return positions;
}
