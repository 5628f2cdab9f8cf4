import { z } from "zod";

/**
 * What the outputs of a model are trained to tell, as its checkpoint says it; without it they are logits of classes.
 *
 * `findings`: a logit for each of several findings, which the class names name; `thresholds`, where a validation split
 * chose them, say from which probability on each counts as there.
 */
export const targetSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("findings"), thresholds: z.array(z.number().min(0).max(1)).optional() }),
]);
export type ModelTarget = z.infer<typeof targetSchema>;
