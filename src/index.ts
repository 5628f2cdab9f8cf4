/**
 * msmae: supervised masked autoencoders for medical images.
 *
 * The verbs of the command line as functions, with the same options in camelCase, `PretrainInput` for `pretrain`. What
 * an option leaves open is filled in as on the command line, and everything that is wrong with them comes as one error
 * `Config`. Those that take long take hooks as well: `onEvent` for progress, `signal` to stop.
 */

export { type DemoResult, demo } from "./apps/demo/demo.ts";
export type {
  CompareInput,
  ConvertInput,
  DataAnonymiseInput,
  DataCheckInput,
  DataPrepareInput,
  DataShowInput,
  DataSplitInput,
  DataStatsInput,
  DemoInput,
  EmbedInput,
  EvalInput,
  ExportInput,
  FinetuneInput,
  FlopsInput,
  InspectInput,
  KnnInput,
  LinprobeInput,
  MapsInput,
  PredictInput,
  PretrainInput,
  ReconstructInput,
  ReproduceInput,
  SegmentInput,
} from "./config/index.ts";
export { type AnonymiseResult as DataAnonymiseResult, anonymiseDicom } from "./curation/anonymise/index.ts";
export { checkData } from "./curation/check/check-data.ts";
export type { CheckResult as DataCheckResult } from "./curation/check/result.ts";
export { type PrepareResult as DataPrepareResult, prepareData } from "./curation/prepare/index.ts";
export { type ShowResult as DataShowResult, showImageFile } from "./curation/show/show.ts";
export { type SplitResult as DataSplitResult, splitData } from "./curation/split-data.ts";
export { dataStats, type StatsResult as DataStatsResult } from "./curation/stats.ts";
export { type ReproduceResult, reproduce } from "./experiments/reproduce.ts";
export { attentionMaps, type MapFiles as MapsResult } from "./inference/attention-maps.ts";
export { type Comparison as CompareResult, compare } from "./inference/comparison/compare.ts";
export { type EmbedResult, embed } from "./inference/embed.ts";
export { type Evaluation as EvalResult, evaluate } from "./inference/evaluate.ts";
export { type ExportResult, exportModel } from "./inference/export-model.ts";
export { type FlopsFigures as FlopsResult, flops } from "./inference/flops.ts";
export { type KnnResult, knn } from "./inference/knn.ts";
export type { MaskLine } from "./inference/mask-files.ts";
export type { ClassificationFigures, ClassPrediction } from "./inference/outcomes/classes.ts";
export type { MaskMetrics, MaskPrediction } from "./inference/outcomes/masks.ts";
export { predict } from "./inference/predict.ts";
export {
  type Classifier,
  loadClassifier,
  loadPredictor,
  loadSegmenter,
  type Prediction,
  type Prediction as PredictResult,
  type Predictor,
  type Segmenter,
} from "./inference/predictor.ts";
export type { FileFailure } from "./inference/read-files.ts";
export { type FileReconstruction as ReconstructResult, reconstruct } from "./inference/reconstruct.ts";
export { type Conversion as ConvertResult, convert } from "./interop/convert.ts";
export { type Inspection as InspectResult, inspect } from "./interop/inspect.ts";
export { type ErrorCode, type ErrorParts, MsmaeError } from "./support/errors.ts";
export type { RunEvent, RunHooks } from "./support/events.ts";
export { packageVersion } from "./support/version.ts";
export { type FinetuneResult, finetune } from "./training/tasks/finetune.ts";
export { type LinprobeResult, linprobe } from "./training/tasks/linprobe.ts";
export { type PretrainResult, pretrain } from "./training/tasks/pretrain.ts";
export { type SegmentResult, segment } from "./training/tasks/segment.ts";
