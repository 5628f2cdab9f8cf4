import type { RandomStream } from "../../support/random.ts";
import { type Selection, type SelectionCounts, selectAttended, selectFromAttentionOrder } from "./selection.ts";

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

/** Reads an order, the patches attended most first, by what becomes of them. */
export function selectByRole(draw: Draw, order: Uint32Array, counts: SelectionCounts): Selection {
  return draw === "keep" ? selectAttended(order, counts) : selectFromAttentionOrder(order, counts);
}
