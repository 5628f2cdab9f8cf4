import type { Tells } from "../outcomes/outcome.ts";
import { classes } from "./classes.ts";
import type { Comparer } from "./comparer.ts";
import { findings } from "./findings.ts";
import { masks } from "./masks.ts";
import { number } from "./number.ts";

const comparers: Record<Tells, Comparer> = { classes, findings, number, masks };

/** How models that tell one kind of thing are compared. */
export function comparerOf(tells: Tells): Comparer {
  return comparers[tells];
}
