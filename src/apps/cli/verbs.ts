import type {
  DataAnonymiseOptions,
  DataCheckOptions,
  DataPrepareOptions,
  DataShowOptions,
  DataSplitOptions,
  DataStatsOptions,
  DemoOptions,
  EvalOptions,
  FinetuneRequest,
  FlopsOptions,
  InspectOptions,
  MapsOptions,
  PredictOptions,
  PretrainRequest,
  ReconstructOptions,
} from "../../config/index.ts";
import type { RunHooks } from "../../support/events.ts";

export interface PretrainResult {
  epochs: number;
  /** Mean training loss of the last epoch. */
  trainLoss: number;
  checkpoint: string;
  seconds: number;
}

export interface FinetuneResult {
  epochs: number;
  accuracy: number;
  f1Macro: number;
  /** Mean one-vs-rest AUC; null where it is undefined. */
  auc: number | null;
  checkpoint: string;
  seconds: number;
}

export interface EvalResult {
  n: number;
  accuracy: number;
  balancedAccuracy: number;
  f1Macro: number;
  aucMacro: number | null;
  kappaQuadratic: number | null;
  ece: number;
  logLoss: number;
  perClass: readonly object[];
  /** Counts [true class][predicted class]. */
  confusion: readonly (readonly number[])[];
}

/** A file that could not be worked on; the others go on. */
export interface FileFailure {
  path: string;
  /** Frame, page or slice of a file that holds several. */
  slice?: number;
  error: { code: string; message: string };
}

export type PredictLine =
  | { path: string; slice?: number; class: string; probabilities: Record<string, number> }
  | FileFailure;
export type MapsLine = { path: string; slice?: number; overlay: string; weights: string } | FileFailure;
export type ReconstructLine = { path: string; slice?: number; image: string; loss: number } | FileFailure;

/** Multiply-adds under one counting convention. */
export interface OperationCounts {
  full: number;
  masked: number;
  /** masked / full: the share of the operations that is left. */
  ratio: number;
}

export interface FlopsResult {
  thop: OperationCounts;
  fvcore: OperationCounts;
  /** Median seconds per batch; absent where nothing was timed. */
  seconds?: { full: number; masked: number };
}

export interface InspectResult {
  kind: string;
  model: string;
  numClasses: number;
  classNames: readonly string[];
  inputSize: unknown;
  mean: readonly number[];
  std: readonly number[];
  keys: readonly unknown[];
}

export interface DemoResult {
  accuracy: number;
  chance: number;
  pointingGame: { random: number; supervised: number; chance: number };
  reportPath: string;
  seconds: number;
}

export interface DataShowResult {
  format: string;
  shape: readonly number[];
  dtype: string;
  transferSyntax?: unknown;
  photometric?: unknown;
  window?: unknown;
  /** Millimetres. */
  spacing?: unknown;
}

export interface DataStatsResult {
  images: number;
  /** Per channel, on pixels scaled to [0, 1]. */
  mean: readonly number[];
  std: readonly number[];
}

export interface DataSplitResult {
  path: string;
  /** Images by split. */
  splits: Readonly<Record<string, number>>;
}

export interface DataCheckResult {
  images: number;
  unreadable: readonly unknown[];
  /** Images of later splits that stand in an earlier one. */
  identicalAcrossSplits: number;
  nearIdenticalAcrossSplits: number;
  groupsAcrossSplits: number;
  labelConflicts: number;
  classCounts: Readonly<Record<string, number>>;
  /** Whether anything stands in two splits. */
  leakage: boolean;
}

export interface DataAnonymiseResult {
  written: number;
  failed: readonly { path: string; reason: string }[];
  review: readonly { path: string; reason: string }[];
}

export interface DataPrepareResult {
  preset: string;
  outputDir: string;
  manifest: string;
  images: number;
  splits: Readonly<Record<string, number>>;
  oddFiles: readonly object[];
}

/** The library's functions behind the command line; tests put others in their place. */
export interface Verbs {
  demo(options: DemoOptions, hooks: RunHooks): Promise<DemoResult>;
  pretrain(options: PretrainRequest, hooks: RunHooks): Promise<PretrainResult>;
  finetune(options: FinetuneRequest, hooks: RunHooks): Promise<FinetuneResult>;
  evaluate(options: EvalOptions, hooks: RunHooks): Promise<EvalResult>;
  predict(options: PredictOptions, hooks: RunHooks): AsyncIterable<PredictLine>;
  attentionMaps(options: MapsOptions, hooks: RunHooks): AsyncIterable<MapsLine>;
  reconstruct(options: ReconstructOptions, hooks: RunHooks): AsyncIterable<ReconstructLine>;
  flops(options: FlopsOptions, hooks: RunHooks): Promise<FlopsResult>;
  inspect(path: InspectOptions["checkpoint"]): Promise<InspectResult>;
  /** The result, and the same as lines for people. */
  dataShow(options: DataShowOptions): Promise<{ result: DataShowResult; lines: string[] }>;
  /** The result, and the same as lines for people. */
  dataCheck(options: DataCheckOptions, hooks: RunHooks): Promise<{ result: DataCheckResult; lines: string[] }>;
  dataAnonymise(options: DataAnonymiseOptions, hooks: RunHooks): Promise<DataAnonymiseResult>;
  dataStats(options: DataStatsOptions, hooks: RunHooks): Promise<DataStatsResult>;
  dataSplit(options: DataSplitOptions, hooks: RunHooks): Promise<DataSplitResult>;
  dataPrepare(options: DataPrepareOptions, hooks: RunHooks): Promise<DataPrepareResult>;
}
