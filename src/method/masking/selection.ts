import { MsmaeError } from "../../support/errors.ts";
import type { RandomStream } from "../../support/random.ts";

/** How the patches of one image are used, as patch indices: kept by the encoder, masked and painted, thrown away. */
export interface Selection {
  kept: Uint32Array;
  masked: Uint32Array;
  thrown: Uint32Array;
}

/** Shares of all patches; what is neither masked nor thrown is kept. */
export interface MaskRatios {
  maskRatio: number;
  throwRatio: number;
}

/** Numbers of patches per image that belong to some ratios. */
export interface SelectionCounts {
  kept: number;
  masked: number;
  thrown: number;
}

/**
 * Numbers of patches in the attention-driven phase: floor(L · maskRatio) masked, and up to
 * floor(L · (maskRatio + throwRatio)) thrown. @throws MsmaeError Config when nothing is kept.
 */
export function attentionCounts(patches: number, { maskRatio, throwRatio }: MaskRatios): SelectionCounts {
  const masked = Math.floor(patches * maskRatio);
  const out = Math.floor(patches * (maskRatio + throwRatio));
  return checked(
    patches,
    { kept: patches - out, masked, thrown: out - masked },
    `mask ratio ${maskRatio}, throw ratio ${throwRatio}`,
  );
}

/**
 * Numbers of patches where another share of them is kept, above 0 and at most 1; the others are masked and thrown in the
 * proportion of the ratios. Ours: the paper keeps one share throughout.
 */
export function countsOfShare(patches: number, share: number, { maskRatio, throwRatio }: MaskRatios): SelectionCounts {
  // Rounded up as attentionCounts rounds, save what binary numbers add to a product that is whole.
  const kept = Math.max(1, Math.ceil(patches * share - 1e-9));
  const hidden = patches - kept;
  const masked = hidden === 0 ? 0 : Math.floor((hidden * maskRatio) / (maskRatio + throwRatio) + 1e-9);
  return { kept, masked, thrown: hidden - masked };
}

/**
 * Numbers of patches in the random phase: floor(L · (1 - maskRatio)) kept, all others masked.
 * PARITY: the published program masks floor(L · maskRatio), which does not add up where L is not divisible by 4.
 */
export function randomCounts(patches: number, maskRatio: number): SelectionCounts {
  const kept = Math.floor(patches * (1 - maskRatio));
  return checked(patches, { kept, masked: patches - kept, thrown: 0 }, `mask ratio ${maskRatio}`);
}

function checked(patches: number, counts: SelectionCounts, ratios: string): SelectionCounts {
  if (counts.kept < 1 || counts.masked < 0 || counts.thrown < 0) {
    throw new MsmaeError("Config", {
      where: "masking ratios",
      expected: `at least one of ${patches} patches kept`,
      got: `${ratios}: ${counts.kept} kept, ${counts.masked} masked, ${counts.thrown} thrown`,
      todo: "lower --mask-ratio or --throw-ratio, or use more patches",
    });
  }
  return counts;
}

/** Reads an order as masked first, then thrown, then kept. Source: method.md section 3. */
export function selectFromAttentionOrder(order: Uint32Array, { masked, thrown }: SelectionCounts): Selection {
  return {
    masked: order.slice(0, masked),
    thrown: order.slice(masked, masked + thrown),
    kept: order.slice(masked + thrown),
  };
}

/**
 * Reads an order as kept first, then masked, then thrown: the patches attended most run, and what is attended least is
 * not painted either. Ours; who is to see the lesion must be given it.
 */
export function selectAttended(order: Uint32Array, { kept, masked }: SelectionCounts): Selection {
  return { kept: order.slice(0, kept), masked: order.slice(kept, kept + masked), thrown: order.slice(kept + masked) };
}

/** Reads an order as kept first, then masked. Source: MAE (He et al. 2022), random masking. */
export function selectFromRandomOrder(order: Uint32Array, { kept }: SelectionCounts): Selection {
  return { kept: order.slice(0, kept), masked: order.slice(kept), thrown: new Uint32Array(0) };
}

/** All indices in ascending order of their keys; equal keys keep their order. */
export function argsort(keys: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from({ length: keys.length }, (_, i) => i);
  return order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
}

/**
 * An order of all patches drawn without replacement with probability proportional to weight: each patch gets the
 * arrival time of an exponential clock of that rate, and the earliest comes first. Patches of weight zero come last,
 * in uniform order; with all weights zero that makes the whole order uniform, which `uniform` then tells.
 *
 * Source: Efraimidis & Spirakis 2006; the same distribution as torch.multinomial without replacement.
 * @throws MsmaeError Data for a negative or non-finite weight.
 */
export function attentionOrder(
  weights: ArrayLike<number>,
  stream: RandomStream,
): { order: Uint32Array; uniform: boolean } {
  const clocks = new Float64Array(weights.length);
  const never = new Float64Array(weights.length);
  let positive = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new MsmaeError("Data", {
        where: `attention map, patch ${i}`,
        expected: "a finite weight of at least 0",
        got: String(weight),
        todo: "recompute the maps; if they stay so, the weights of the model are damaged",
      });
    }
    // 1 - uniform lies in (0, 1], so that the logarithm is finite.
    const arrival = -Math.log(1 - stream.uniform());
    clocks[i] = weight > 0 ? arrival / weight : Infinity;
    never[i] = arrival;
    if (weight > 0) positive++;
  }
  const order = Uint32Array.from({ length: weights.length }, (_, i) => i).sort((a, b) => {
    const [x, y] = [clocks[a] as number, clocks[b] as number];
    return x === y ? (never[a] as number) - (never[b] as number) : x - y;
  });
  return { order, uniform: positive === 0 };
}

/** An order of all patches, uniformly random. */
export function randomOrder(patches: number, stream: RandomStream): Uint32Array {
  return stream.permutation(patches);
}
