import type { Precision } from "../src/method/models/precision.ts";
import type { FlopConvention } from "../src/results/efficiency.ts";
import type { Job, PeerMode, Skipped } from "./contestant.ts";
import type { Ratios } from "./in-turn.ts";
import type { Timing } from "./step.ts";

/** A peer's times, or why there are none. */
export type PeerTiming = Timing | Skipped;

/** What is timed beside each other: ours in fp32 and in both forms of int8, and the peer in its modes. */
export type Contender = "ours" | "int8" | "int8-all" | PeerMode;

/** One phase of one model: steps of all contenders that it was run with, taken in turn. */
export interface ComparisonRow extends Omit<Job, "precision"> {
  timings: Partial<Record<Contender, PeerTiming>>;
  /** What is timed over what it is compared with, medians of the ratios of neighbouring steps. */
  ratios: Partial<Record<ComparedPair, MedianRatio>>;
}

/** Which of a row's contestants are compared: the first's figures over the second's. */
export const comparedPairs = [
  ...(["ours/eager", "ours/best", "ours/bf16"] as const),
  ...(["int8/ours", "int8/eager", "int8/best", "int8/bf16"] as const),
  ...(["int8-all/ours", "int8-all/eager", "int8-all/best", "int8-all/bf16"] as const),
];
export type ComparedPair = (typeof comparedPairs)[number];

/** Wall time, processor time of all threads, and peak memory. */
export interface MedianRatio {
  wall: number;
  processor: number;
  memory: number;
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

/** One phase in one precision: its steps were taken in turn with those of the others. */
export interface PrecisionRow extends Job {
  precision: Precision;
  timing: Timing;
  /** Over fp32. */
  ratios: Ratios;
}

/** Whether blocks are kept or computed anew, and by whom; what the others are compared with comes last. */
export const recomputeWays = {
  kept: { recompute: false, ours: true },
  anew: { recompute: true, ours: true },
  "anew, PyTorch eager": { recompute: true, ours: false },
  "kept, PyTorch eager": { recompute: false, ours: false },
} as const;
export type RecomputeWay = keyof typeof recomputeWays;

/** One phase with blocks kept and computed anew, ours and the peer's; the steps were taken in turn. */
export interface RecomputeRow extends Omit<Job, "recompute"> {
  timings: Partial<Record<RecomputeWay, PeerTiming>>;
}

/** Times on a graphics card; the memory is what the card has less of since the first step, null where nothing tells. */
export interface DeviceTiming extends Timing {
  cardBytes: number | null;
}

/** One phase on a graphics card, by contender; the steps were taken in turn. */
export interface DeviceRow extends Job {
  card: string;
  timings: Record<string, DeviceTiming | Skipped>;
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

/** A ratio as it was when it was last accepted: processor time and peak memory of the first over the second. */
export interface Bar {
  name: string;
  processor: number;
  memory: number;
}

/** A bar and what was measured now; null where the peer is not there. */
export interface GuardRow {
  name: string;
  bar: Bar | undefined;
  now: Bar | null;
  lost: ("processor" | "memory")[];
}

/** Seconds of the clock, and of the processor: all threads. */
export type Spent = [wall: number, processor: number];

/** What the stages of each epoch took, and making the maps, once. */
export interface Stages {
  maps: Spent;
  training: Spent[];
  evaluation: Spent[];
  saving: Spent[];
}

/** An epoch from files to figures: what is timed, and what its stages took by each way to run it. */
export interface EpochRow {
  data: string;
  model: string;
  batch: number;
  /** To train on, and to evaluate. */
  images: number;
  evaluated: number;
  threads: number;
  workers: number;
  runs: Record<string, Stages | Skipped>;
}
