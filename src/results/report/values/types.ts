import type {
  FindingsIntervals,
  FindingsMetrics,
  NumberIntervals,
  NumberMetrics,
  Resampling,
} from "../../metrics/index.ts";

/** What a report tells of several findings beside their figures. */
export interface FindingsWithIntervals {
  intervals: FindingsIntervals["figures"];
  intervalsPerFinding: FindingsIntervals["perFinding"];
  /** What the intervals are drawn from. */
  resampling: Resampling;
}

/** What a report tells of a number beside its figures. */
export interface NumberWithIntervals {
  intervals: NumberIntervals["figures"];
  /** What the intervals are drawn from. */
  resampling: Resampling;
}

/** Several findings on one split, with their intervals. */
export interface FindingsSection {
  /** What is measured, such as "How well it tells 2 findings: 200 test images". */
  title: string;
  metrics: FindingsMetrics & FindingsWithIntervals;
}

/** A number told of images, against the truth. */
export interface AgreementSection {
  /** What the number is, such as "age". */
  name: string;
  /** [n] NaN where nobody knows. */
  truth: ArrayLike<number>;
  /** [n] */
  predicted: ArrayLike<number>;
  metrics: NumberMetrics & Partial<NumberWithIntervals>;
}
