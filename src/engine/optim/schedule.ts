/** A warm-up and half-cosine schedule; epochs may be fractional. */
export interface WarmupCosine {
  /** Peak learning rate. */
  lr: number;
  minLr: number;
  warmupEpochs: number;
  epochs: number;
}

/**
 * The learning rate at a fractional epoch: linear from 0 during warm-up, then half a cosine from `lr` to `minLr`.
 *
 * Source: section 4 of the method; Loshchilov and Hutter 2017.
 */
export function lrAt(schedule: WarmupCosine, epoch: number): number {
  const { lr, minLr, warmupEpochs, epochs } = schedule;
  if (epoch < warmupEpochs) return (lr * epoch) / warmupEpochs;
  // A schedule that is all warm-up ends at its peak.
  const angle = epochs > warmupEpochs ? (Math.PI * (epoch - warmupEpochs)) / (epochs - warmupEpochs) : 0;
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(angle));
}

/** The peak learning rate for a base learning rate and the images that go into one update (batch × micro-batches × processes). */
export function lrFromBase(blr: number, effectiveBatch: number): number {
  return (blr * effectiveBatch) / 256;
}
