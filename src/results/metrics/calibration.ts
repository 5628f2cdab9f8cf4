/** One bin of a reliability diagram: images whose top probability lies in (from, to]. */
export interface CalibrationBin {
  from: number;
  to: number;
  count: number;
  /** Mean top probability of the bin's images; null in an empty bin. */
  confidence: number | null;
  /** Share of the bin's images that are predicted right; null in an empty bin. */
  accuracy: number | null;
}

/** How many bins `ece` has. */
export const CALIBRATION_BINS = 15;

/** Which of the bins of equal width a confidence in [0, 1] lies in: in (from, to], 0 in the first. */
export function binOfConfidence(confidence: number, bins = CALIBRATION_BINS): number {
  return Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
}

/**
 * Sorts images into bins of equal width by their top probability.
 *
 * @param confidences [n] top probability of each image, in [0, 1].
 * @param correct [n] non-zero where the prediction is right.
 *
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
 */
export function calibrationBins(
  confidences: ArrayLike<number>,
  correct: ArrayLike<number>,
  bins = CALIBRATION_BINS,
): CalibrationBin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, correct: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const confidence = confidences[i] as number;
    const bin = sums[binOfConfidence(confidence, bins)] as (typeof sums)[number];
    bin.count++;
    bin.confidence += confidence;
    bin.correct += Number(correct[i] !== 0);
  }
  return sums.map(({ count, confidence, correct: hits }, index) => ({
    from: index / bins,
    to: (index + 1) / bins,
    count,
    confidence: count === 0 ? null : confidence / count,
    accuracy: count === 0 ? null : hits / count,
  }));
}

/**
 * Expected calibration error: the mean gap between confidence and accuracy over bins, weighted by their counts.
 *
 * Source: Guo et al. 2017, equation 3.
 */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  let gap = 0;
  let total = 0;
  for (const { count, confidence, accuracy } of bins) {
    if (confidence === null || accuracy === null) continue;
    gap += count * Math.abs(confidence - accuracy);
    total += count;
  }
  return gap / total;
}
