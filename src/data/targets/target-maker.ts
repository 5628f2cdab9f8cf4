import type { Sample } from "../sample.ts";

/** Makes the targets of a kind for the batches of one loader. */
export interface TargetMaker<T> {
  /** @param samples those of a batch, in its order. */
  of(samples: readonly Sample[]): T;
}
