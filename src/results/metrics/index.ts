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
  type ClassEstimates,
  type ClassificationIntervals,
  classificationIntervals,
  type IntervalsInput,
  type Resampling,
  type ResamplingOptions,
} from "./classification-intervals.ts";
export { CLASS_FIGURES, type ClassFigure, OVERALL_FIGURES, type OverallFigure } from "./classification-statistics.ts";
export {
  type ClassifierComparison,
  type ClassifierPair,
  type ComparedModel,
  type ComparisonInput,
  compareClassifiers,
} from "./comparison.ts";
export {
  type BinaryCounts,
  type BinaryFigure,
  binaryFigures,
  type ClassCounts,
  type ConfusionMatrix,
  cohenKappa,
  confusionMatrix,
  countsPerClass,
  matthewsCorrelation,
} from "./confusion.ts";
export { type ClassCurves, type CurveBand, type CurveBands, type CurveBandsInput, curveBands } from "./curve-bands.ts";
export { type ClassDecisionCurve, type DecisionCurve, decisionCurve, decisionCurves } from "./decision-curve.ts";
export { type AucCovariance, aucCovariance, type DelongTest, delongTest } from "./delong.ts";
export { classifierDifferences, type DifferenceTest, type ModelDifference, pairedRows } from "./difference-rows.ts";
export { type Equivalence, equivalence } from "./equivalence.ts";
export {
  bestThresholds,
  type FindingFigures,
  type FindingsInput,
  type FindingsMetrics,
  findingsMetrics,
} from "./findings.ts";
export { compareFindings, type FindingsComparisonInput } from "./findings-comparison.ts";
export {
  FINDING_FIGURES,
  FINDINGS_FIGURES,
  type FindingEstimates,
  type FindingFigure,
  type FindingsFigure,
  type FindingsIntervals,
  findingsIntervals,
  findingsStatistic,
} from "./findings-intervals.ts";
export {
  type Aggregation,
  type AggregationCandidate,
  aggregateGroups,
  aggregationCandidates,
  bestAggregation,
  type GroupedCases,
  type GroupedCasesInput,
  groupCases,
  isAggregation,
} from "./group-aggregation.ts";
export { type Corrected, holmAdjusted } from "./holm.ts";
export { type McnemarTest, mcnemarTest } from "./mcnemar.ts";
export { type NumberInput, type NumberMetrics, numberMetrics } from "./number.ts";
export {
  NUMBER_FIGURES,
  type NumberFigure,
  type NumberIntervals,
  numberIntervals,
  numberStatistic,
} from "./number-intervals.ts";
export {
  type AppliedThreshold,
  type ClassifiedCases,
  type OperatingPoint,
  type OperatingPoints,
  type OperatingPointsInput,
  operatingPoints,
} from "./operating-points.ts";
export { parseOperatingRule } from "./operating-rule-text.ts";
export { type ChosenThreshold, chooseThreshold, type OperatingRule } from "./operating-rules.ts";
export {
  type Difference,
  type PairedDifference,
  type PairedDifferences,
  type PairedInput,
  pairedDifferences,
} from "./paired-differences.ts";
export { argmaxRows, brierScore, type CheckedProbabilities, checkProbabilities, logLoss } from "./probabilities.ts";
export { type CalibrationLine, type CalibrationLines, calibrationLines } from "./recalibration.ts";
export { type ReliabilityBin, reliabilityBins } from "./reliability.ts";
export type { Drawing, ResampledStatistic } from "./resample.ts";
export { areaUnderRoc, averagePrecision, type RocCurve, type RocOptions, rocCurve } from "./roc.ts";
export {
  type ClassAnswersFigure,
  classAnswers,
  joinedAnswers,
  type SeedAnswers,
  valuedAnswers,
} from "./seed-answers.ts";
export {
  type ArmDifference,
  type SeededArm,
  type SeededArms,
  type SeededArmsInput,
  type SeededDifference,
  type SeededEstimate,
  seededArms,
} from "./seeded-arms.ts";
export * from "./segmentation/index.ts";
export { parseSubgroups, type SubgroupColumn } from "./subgroup-text.ts";
export { type Subgroup, type Subgroups, type SubgroupsInput, subgroupIntervals } from "./subgroups.ts";
export {
  applyTemperature,
  type FittedTemperature,
  fitTemperature,
  type TemperatureEffect,
  temperatureEffect,
} from "./temperature.ts";
export { quartilesOf, type ValueRanges, valueRanges } from "./value-ranges.ts";
export { wilsonInterval } from "./wilson.ts";
