import { z } from "zod";
import { field } from "./fields.ts";

const RECOMPUTED = ["none", "blocks"] as const;

export type Recompute = (typeof RECOMPUTED)[number];

export const recomputeField = field(
  z.enum(RECOMPUTED).default("none"),
  "What training computes a second time in place of keeping it: none, or blocks, the inside of every transformer block but the last. Less memory, a longer step, the same weights.",
);

/** Whether a graph's derivative is to compute blocks anew. */
export function recomputes({ recompute }: { recompute: Recompute }): boolean {
  return recompute === "blocks";
}
