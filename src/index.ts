/**
 * msmae: supervised masked autoencoders for medical images.
 *
 * The verbs of the command line as functions, with the same options in camelCase. Each takes hooks: `onEvent` for
 * progress, `signal` to stop.
 */

export { checkData } from "./check/check-data.ts";
export type { CheckOptions } from "./check/options.ts";
export type { CheckResult } from "./check/result.ts";
export type {
  EvalInput,
  FinetuneInput,
  FlopsInput,
  MapsInput,
  PredictInput,
  PretrainInput,
  ReconstructInput,
} from "./config/index.ts";
export { type AnonymiseInput, type AnonymiseResult, anonymiseDicom } from "./data/anonymise/index.ts";
export { type PrepareOptions, type PrepareResult, prepareData } from "./data/prepare/index.ts";
export { type ShowOptions, type ShowResult, showImageFile } from "./data/show.ts";
export { type SplitDataOptions, type SplitResult, splitData } from "./data/split-data.ts";
export { dataStats, type StatsOptions, type StatsResult } from "./data/stats.ts";
export { type ErrorCode, type ErrorParts, MsmaeError } from "./errors.ts";
export type { RunEvent, RunHooks } from "./events.ts";
export { attentionMaps } from "./inference/attention-maps.ts";
export { Classifier, loadClassifier, type Prediction } from "./inference/classifier.ts";
export { evaluate } from "./inference/evaluate.ts";
export { flops } from "./inference/flops.ts";
export { predict } from "./inference/predict.ts";
export type { FileFailure } from "./inference/read-files.ts";
export { reconstruct } from "./inference/reconstruct.ts";
export { inspect } from "./interop/inspect.ts";
export { type FinetuneResult, finetune } from "./training/finetune.ts";
export { type PretrainResult, pretrain } from "./training/pretrain.ts";
export { packageVersion } from "./version.ts";
