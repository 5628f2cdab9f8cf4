import { groupsWith } from "./bootstrap.ts";
import { binOfConfidence, type CalibrationBin, calibrationBins } from "./calibration.ts";
import type { ClassificationInput } from "./classification.ts";
import type { ResamplingOptions } from "./classification-intervals.ts";
import { argmaxRows, checkProbabilities, correctness, topProbabilities } from "./probabilities.ts";
import { wilsonInterval } from "./wilson.ts";

/** A bin of a reliability diagram with the 95 % interval of its share predicted right; null in an empty bin. */
export interface ReliabilityBin extends CalibrationBin {
  low: number | null;
  high: number | null;
}

/**
 * The bins of `ece` with Wilson intervals, of as many independent cases as groups have a case in the bin.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities`.
 */
export function reliabilityBins({
  probabilities,
  labels,
  classNames,
  groups,
}: Omit<ClassificationInput, "allRocPoints"> & Pick<ResamplingOptions, "groups">): ReliabilityBin[] {
  const checked = checkProbabilities(probabilities, labels, classNames.length);
  const predictions = argmaxRows(checked);
  const confidences = topProbabilities(checked, predictions);
  return calibrationBins(confidences, correctness(checked, predictions)).map((bin, index) => {
    if (bin.accuracy === null) return { ...bin, low: null, high: null };
    const among = groupsWith(checked.n, groups, (at) => binOfConfidence(confidences[at] as number) === index);
    const [low, high] = wilsonInterval(bin.accuracy, among);
    return { ...bin, low, high };
  });
}
