import type { Sample } from "../sample.ts";

/** Makes the targets of a kind for the batches of one loader. */
export interface TargetMaker<T> {
  /**
   * @param samples those of a batch, in its order.
   * @param classes uint8 [B, H, W], the classes of their pixels; empty where no masks were read.
   */
  of(samples: readonly Sample[], classes: Uint8Array): T;
}
