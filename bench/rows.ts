import type { FlopConvention } from "../src/results/efficiency.ts";
import type { Job, Precision } from "./contestant.ts";
import type { Timing } from "./step.ts";

/** Why there are no times. */
export interface Skipped {
  skipped: string;
}

/** A peer's times, or why there are none. */
export type PeerTiming = Timing | Skipped;

/** One phase of one model: ours and the peers' steps taken in turn. */
export interface ComparisonRow extends Job {
  ours: Timing;
  eager: PeerTiming;
  best: PeerTiming;
}

/** One saving: times with and without, and how far the results of the two are apart, relative to their largest element. */
export interface SavingRow extends Job {
  name: string;
  saves: string;
  with: Timing;
  without: Timing;
  /** Over every element that both compute, gradients included, on the small model in float64; absent for settings. */
  float64Error?: number;
  /** Over the outputs and the gradient norm of the first timed-size step, in fp32. */
  fp32Error: number;
  checked: boolean;
}

/** One phase with its products in fp32 and in int8: the steps were taken in turn. */
export interface PrecisionRow extends Omit<Job, "precision"> {
  fp32: Timing;
  int8: Timing;
  /** int8 over fp32, of each pair of neighbouring steps: wall time, and processor time of all threads. */
  ratios: { wall: number[]; processor: number[] };
  /** Medians over steps. */
  processorSeconds: Record<Precision, number>;
}

/** One model at one kind of work by one method; the other method's steps were taken in turn with its. */
export interface EfficiencyRow extends Job {
  /** mae runs on all patches, msmae on those that the paper's ratios leave. */
  method: "mae" | "msmae";
  work: "fine-tuning" | "inference";
  /** Of an image, the cls token included. */
  tokens: number;
  /** Of one image's forward pass through the published program, by convention. */
  multiplyAdds: Record<FlopConvention, number>;
  timing: (Timing & { imagesPerSecond: number }) | Skipped;
}
