import { z } from "zod";

/**
 * What the outputs of a model are trained to tell, as its checkpoint says it; without it they are logits of classes.
 *
 * `findings`: a logit for each of several findings, which the class names name; `thresholds`, where a validation split
 * chose them, say from which probability on each counts as there.
 * `number`: one logit that counts a number, which the one class name names, in deviations from the mean.
 * `grades`: classes in their order, with a logit for each step from one to the next.
 */
export const targetSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("findings"), thresholds: z.array(z.number().min(0).max(1)).optional() }),
  z.object({ kind: z.literal("number"), mean: z.number(), deviation: z.number().positive() }),
  z.object({ kind: z.literal("grades") }),
]);
export type ModelTarget = z.infer<typeof targetSchema>;

/** How many logits tell so many classes. */
export function outputsOf(target: ModelTarget | undefined, classes: number): number {
  return target?.kind === "grades" ? classes - 1 : classes;
}
