export type {
  DataAnonymiseInput,
  DataAnonymiseOptions,
  DataCheckInput,
  DataCheckOptions,
  DataPrepareInput,
  DataPrepareOptions,
  DataShowInput,
  DataShowOptions,
  DataSplitInput,
  DataSplitOptions,
  DataStatsInput,
  DataStatsOptions,
} from "./data.ts";
export type { FieldInfo, FieldKind, Shape } from "./fields.ts";
export type { FinetuneInput, FinetuneOptions, FinetuneRequest } from "./finetune.ts";
export type {
  EvalInput,
  EvalOptions,
  MapsInput,
  MapsOptions,
  PredictInput,
  PredictOptions,
  ReconstructInput,
  ReconstructOptions,
} from "./inference.ts";
export type { PretrainInput, PretrainOptions, PretrainRequest } from "./pretrain.ts";
export { ConfigError } from "./problems.ts";
export { type ConfigSource, configNotes, resolveConfig, resolveOptions, resolveRun } from "./resolve.ts";
export { firstRefreshEpoch, scaledEpochs } from "./schedule.ts";
export { formatSize, type Size } from "./size.ts";
export type {
  DemoInput,
  DemoOptions,
  FlopsInput,
  FlopsOptions,
  InspectInput,
  InspectOptions,
} from "./tools.ts";
export { type InputOf, type OptionsOf, schemas, type VerbName, verbNames } from "./verb.ts";
export { toYaml } from "./yaml.ts";
