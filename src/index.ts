/**
 * msmae: supervised masked autoencoders for medical images.
 *
 * The verbs of the command line as functions, with the same options in camelCase. Each takes hooks: `onEvent` for
 * progress, `signal` to stop.
 */

export type {
  EvalInput,
  FinetuneInput,
  FlopsInput,
  MapsInput,
  PredictInput,
  PretrainInput,
  ReconstructInput,
} from "./config/index.ts";
export { type AnonymiseInput, type AnonymiseResult, anonymiseDicom } from "./curation/anonymise/index.ts";
export { checkData } from "./curation/check/check-data.ts";
export type { CheckOptions } from "./curation/check/options.ts";
export type { CheckResult } from "./curation/check/result.ts";
export { type PrepareOptions, type PrepareResult, prepareData } from "./curation/prepare/index.ts";
export { type ShowOptions, type ShowResult, showImageFile } from "./curation/show/show.ts";
export { type SplitDataOptions, type SplitResult, splitData } from "./curation/split-data.ts";
export { dataStats, type StatsOptions, type StatsResult } from "./curation/stats.ts";
export { attentionMaps } from "./inference/attention-maps.ts";
export { evaluate } from "./inference/evaluate.ts";
export { flops } from "./inference/flops.ts";
export { predict } from "./inference/predict.ts";
export {
  type Classifier,
  loadClassifier,
  loadPredictor,
  type Prediction,
  type Predictor,
} from "./inference/predictor.ts";
export type { FileFailure } from "./inference/read-files.ts";
export { reconstruct } from "./inference/reconstruct.ts";
export { inspect } from "./interop/inspect.ts";
export { type ErrorCode, type ErrorParts, MsmaeError } from "./support/errors.ts";
export type { RunEvent, RunHooks } from "./support/events.ts";
export { packageVersion } from "./support/version.ts";
export { type FinetuneResult, finetune } from "./training/finetune.ts";
export { type PretrainResult, pretrain } from "./training/pretrain.ts";
