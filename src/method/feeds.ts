import type { Feeds } from "../engine/runtime/program.ts";
import type { Normalizer } from "../images/transforms/normalize.ts";
import type { Feeder } from "./kinds/kind.ts";
import { argsort, type Selection } from "./masking/selection.ts";
import {
  gatherPatches,
  gatherPositions,
  type ImageShape,
  normalizePatches,
  type PatchOrder,
} from "./masking/tokens.ts";
import { type PatchedImages, patchCount, patchValues } from "./models/config.ts";

/**
 * Turns decoded images into what the graphs are fed: normalised pixels of the patches that run, in token-major rows.
 * Images are uint8 [batch, H, W, C] of the model's input size.
 */
export class FeedBuilder implements Feeder {
  readonly #config: PatchedImages;
  readonly #shape: ImageShape;
  readonly #normalizer: Normalizer;
  readonly #allPatches: Uint32Array;
  /** One normalised image [C, H, W] at a time. */
  readonly #planes: Float32Array<ArrayBuffer>;

  constructor(config: PatchedImages, normalizer: Normalizer) {
    const { inputHeight, inputWidth, inChans, patchSize } = config;
    this.#config = config;
    this.#shape = { height: inputHeight, width: inputWidth, channels: inChans, patchSize };
    this.#normalizer = normalizer;
    this.#allPatches = Uint32Array.from({ length: patchCount(config) }, (_, patch) => patch);
    this.#planes = new Float32Array(inputHeight * inputWidth * inChans);
  }

  /** `patches` of whole images in order, for `batch` images; what is missing to a full batch is zero. */
  whole(images: Uint8Array, batch: number): { patches: Float32Array } {
    const patches = this.#rows(this.#allPatches.length, batch);
    this.#forEachImage(images, (b) =>
      gatherPatches(this.#planes, this.#shape, this.#allPatches, "channel-row-column", patches, { batch, b }),
    );
    return { patches };
  }

  /** `patches` and `positions` of the kept patches of each image. */
  kept(images: Uint8Array, selections: readonly Selection[]): Record<string, Float32Array | BigInt64Array> {
    return this.#selected(images, selections, []);
  }

  /**
   * As {@link FeedBuilder.kept}, with `maskPositions` and `targets` of the masked patches.
   *
   * @param coverages [B] uint8 [H, W] to 255, how much of each pixel was measured: under `normPixLoss`, pixels that were
   * not measured whole have no part in their patch's statistics, and their target is its mean.
   */
  reconstruction(
    images: Uint8Array,
    selections: readonly Selection[],
    normPixLoss: boolean,
    coverages: readonly (Uint8Array | undefined)[] = [],
  ): Feeds {
    const masked = selections[0]?.masked.length ?? 0;
    const targets = this.#rows(masked, selections.length);
    const feeds = this.#selected(images, selections, [targets]);
    if (normPixLoss) normalizePatches(targets, patchValues(this.#config), this.measured(selections, coverages));
    const maskPositions = positionsOf(selections.map((selection) => selection.masked));
    return { ...feeds, maskPositions, targets };
  }

  /** Which values of `targets` count: 1 where one was measured whole, else 0; undefined where all were. */
  measured(selections: readonly Selection[], coverages: readonly (Uint8Array | undefined)[]): Float32Array | undefined {
    if (coverages.every((coverage) => coverage === undefined)) return undefined;
    const batch = selections.length;
    const rows = this.#rows(selections[0]?.masked.length ?? 0, batch).fill(1);
    for (const [b, coverage] of coverages.entries()) {
      if (!coverage) continue;
      const { channels } = this.#shape;
      for (let c = 0; c < channels; c++) {
        for (let at = 0; at < coverage.length; at++) {
          this.#planes[c * coverage.length + at] = coverage[at] === 255 ? 1 : 0;
        }
      }
      gatherPatches(this.#planes, this.#shape, (selections[b] as Selection).masked, "row-column-channel", rows, {
        batch,
        b,
      });
    }
    return rows;
  }

  #selected(images: Uint8Array, selections: readonly Selection[], targets: Float32Array<ArrayBuffer>[]) {
    const batch = selections.length;
    const patches = this.#rows(selections[0]?.kept.length ?? 0, batch);
    const copy = (indices: Uint32Array, order: PatchOrder, into: Float32Array<ArrayBuffer>, b: number) =>
      gatherPatches(this.#planes, this.#shape, indices, order, into, { batch, b });
    this.#forEachImage(images, (b) => {
      const { kept, masked } = selections[b] as Selection;
      copy(kept, "channel-row-column", patches, b);
      for (const into of targets) copy(masked, "row-column-channel", into, b);
    });
    return { patches, positions: positionsOf(selections.map((selection) => selection.kept)) };
  }

  #rows(patches: number, batch: number): Float32Array<ArrayBuffer> {
    return new Float32Array(patches * batch * patchValues(this.#config));
  }

  #forEachImage(images: Uint8Array, visit: (b: number) => void): void {
    const size = this.#planes.length;
    for (let b = 0; b * size < images.length; b++) {
      this.#normalizer.normalize(images.subarray(b * size, (b + 1) * size), this.#planes);
      visit(b);
    }
  }
}

function positionsOf(patches: readonly Uint32Array[]): BigInt64Array {
  const batch = patches.length;
  const positions = new BigInt64Array((patches[0]?.length ?? 0) * batch);
  patches.forEach((indices, b) => {
    gatherPositions(indices, positions, { batch, b });
  });
  return positions;
}

/**
 * `places` of a grid whose patches run in part, token-major [patches · batch]: the row of each patch among those that
 * run, [kept · batch], or the number of those for one that does not.
 */
export function placesOf(selections: readonly Selection[], patches: number): BigInt64Array {
  const batch = selections.length;
  const kept = selections[0]?.kept.length ?? 0;
  const places = new BigInt64Array(patches * batch).fill(BigInt(kept * batch));
  selections.forEach((selection, b) => {
    for (const [n, patch] of selection.kept.entries()) places[patch * batch + b] = BigInt(n * batch + b);
  });
  return places;
}

/**
 * The rows of the tokens that go on, token-major: the cls tokens, then each image's patches of most attention, in their own
 * order.
 *
 * @param attention [batch, heads, 1 + patches]
 */
export function rowsGoingOn(
  attention: Float32Array,
  { batch, heads, patches, kept }: { batch: number; heads: number; patches: number; kept: number },
): BigInt64Array {
  const rows = new BigInt64Array((1 + kept) * batch);
  for (let b = 0; b < batch; b++) {
    const negative = new Float64Array(patches);
    for (let head = 0; head < heads; head++) {
      const from = (b * heads + head) * (1 + patches) + 1;
      for (let patch = 0; patch < patches; patch++) {
        negative[patch] = (negative[patch] as number) - (attention[from + patch] as number);
      }
    }
    const chosen = argsort(negative).subarray(0, kept).sort();
    rows[b] = BigInt(b);
    for (const [n, patch] of chosen.entries()) rows[(1 + n) * batch + b] = BigInt((1 + patch) * batch + b);
  }
  return rows;
}

/**
 * Class targets [batch, classes], one-hot with the share `smoothing` spread evenly over all classes; the row of a label
 * below 0 is zero, so that it has no part in the loss.
 */
export function classTargets(labels: ArrayLike<number>, numClasses: number, smoothing = 0): Float32Array {
  const spread = smoothing / numClasses;
  const targets = new Float32Array(labels.length * numClasses).fill(spread);
  for (let b = 0; b < labels.length; b++) {
    const label = labels[b] as number;
    if (label < 0) targets.fill(0, b * numClasses, (b + 1) * numClasses);
    else targets[b * numClasses + label] = 1 - smoothing + spread;
  }
  return targets;
}

/**
 * Class targets [batch, classes] whose cross-entropy, a mean over the batch, is the mean over the images that have a
 * label, those of at least 0; it is 0 where none has.
 */
export function partialClassTargets(labels: ArrayLike<number>, numClasses: number): Float32Array {
  const targets = classTargets(labels, numClasses);
  const known = Array.from(labels).filter((label) => label >= 0).length;
  return known === 0 ? targets : targets.map((target) => (target * labels.length) / known);
}

/**
 * Gives each class a weight in the loss: targets [batch, classes] times weights [classes]. The cross-entropy and the
 * focal loss are sums of `target · f(logits)` over batch and classes, so that scaling a target scales its term and the
 * gradient alike; the mean stays one over images, as in PyTorch's CrossEntropyLoss with weights and soft targets.
 */
export function weighTargets(targets: Float32Array, weights: readonly number[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(targets, (target, at) => target * (weights[at % weights.length] as number));
}
