// The public face of `msmae/metrics`: pure functions, without node:* in their import graph.
export {
  type BootstrapEstimates,
  type BootstrapInput,
  type BootstrapResult,
  bootstrapEstimates,
  bootstrapIntervals,
  type Estimate,
  type Interval,
} from "./bootstrap.ts";
export { type CalibrationBin, calibrationBins, expectedCalibrationError } from "./calibration.ts";
export {
  type ClassificationInput,
  type ClassificationMetrics,
  classificationMetrics,
  type PerClassMetrics,
  type UndefinedMetric,
} from "./classification.ts";
export {
  type ClassCounts,
  type ConfusionMatrix,
  cohenKappa,
  confusionMatrix,
  countsPerClass,
  matthewsCorrelation,
} from "./confusion.ts";
export { argmaxRows, brierScore, type CheckedProbabilities, checkProbabilities, logLoss } from "./probabilities.ts";
export type { Drawing, ResampledStatistic } from "./resample.ts";
export { areaUnderRoc, averagePrecision, type RocCurve, type RocOptions, rocCurve } from "./roc.ts";
export { wilsonInterval } from "./wilson.ts";
export * from "./segmentation/index.ts";
