import type { RandomStream } from "../../support/random.ts";
import {
  randomOrder,
  type Selection,
  type SelectionCounts,
  selectAttended,
  selectFromAttentionOrder,
} from "./selection.ts";

/** What may become of the patches attended most. `alternate` is either of the others, drawn for each image. */
export const ATTENDED_ROLES = ["hide", "keep", "alternate"] as const;
export type AttendedRole = (typeof ATTENDED_ROLES)[number];

/** How maps decide what is masked, thrown away and kept; the paper's is `hide` with no image drawn at random. */
export interface MaskingPolicy {
  attended: AttendedRole;
  /** Of the images, those whose patches are drawn uniformly. */
  randomShare: number;
}

/** What an image's patches are drawn by. */
export type Draw = "hide" | "keep" | "uniform";

/** Decides for one image. The paper's policy draws nothing from the stream. */
export function drawnRole({ attended, randomShare }: MaskingPolicy, stream: () => RandomStream): Draw {
  if (randomShare === 0 && attended !== "alternate") return attended;
  const coins = stream();
  if (coins.uniform() < randomShare) return "uniform";
  if (attended !== "alternate") return attended;
  return coins.uniform() < 0.5 ? "hide" : "keep";
}

/**
 * Draws what becomes of the patches of one image.
 *
 * @param patches how many the image has.
 * @param roles the stream of the image's role, and of its patches where no map says them.
 * @param byMap draws an order in which the patches attended most come first; `uniform` where the map could not say.
 * @returns the selection, and whether patches were drawn uniformly for want of a map.
 */
export function drawSelection(
  policy: MaskingPolicy,
  patches: number,
  counts: SelectionCounts,
  roles: () => RandomStream,
  byMap: () => { order: Uint32Array; uniform: boolean },
): { selection: Selection; uniform: boolean } {
  // Opened once: an order drawn from its beginning would follow from the coin that chose it.
  let opened: RandomStream | undefined;
  const stream = (): RandomStream => {
    opened ??= roles();
    return opened;
  };
  const role = drawnRole(policy, stream);
  const { order, uniform } = role === "uniform" ? { order: randomOrder(patches, stream()), uniform: false } : byMap();
  return { selection: selectByRole(role, order, counts), uniform };
}

/** Reads an order, the patches attended most first, by what becomes of them. */
export function selectByRole(draw: Draw, order: Uint32Array, counts: SelectionCounts): Selection {
  return draw === "keep" ? selectAttended(order, counts) : selectFromAttentionOrder(order, counts);
}
