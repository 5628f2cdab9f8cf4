import type { z } from "zod";
import type * as data from "./data.ts";
import {
  dataAnonymiseSchema,
  dataCheckSchema,
  dataPrepareSchema,
  dataShowSchema,
  dataSplitSchema,
  dataStatsSchema,
} from "./data.ts";
import type { FinetuneInput, FinetuneOptions, FinetuneRequest } from "./finetune.ts";
import { finetuneSchema } from "./finetune.ts";
import type * as inference from "./inference.ts";
import { evalSchema, mapsSchema, predictSchema, reconstructSchema } from "./inference.ts";
import type { PretrainInput, PretrainOptions, PretrainRequest } from "./pretrain.ts";
import { pretrainSchema } from "./pretrain.ts";
import type * as tools from "./tools.ts";
import { demoSchema, flopsSchema, inspectSchema } from "./tools.ts";

/** What each verb is given, and what it works with once every default is filled in. */
export interface VerbTypes {
  demo: { input: tools.DemoInput; options: tools.DemoOptions };
  pretrain: { input: PretrainInput; options: PretrainRequest };
  finetune: { input: FinetuneInput; options: FinetuneRequest };
  eval: { input: inference.EvalInput; options: inference.EvalOptions };
  predict: { input: inference.PredictInput; options: inference.PredictOptions };
  maps: { input: inference.MapsInput; options: inference.MapsOptions };
  reconstruct: { input: inference.ReconstructInput; options: inference.ReconstructOptions };
  flops: { input: tools.FlopsInput; options: tools.FlopsOptions };
  inspect: { input: tools.InspectInput; options: tools.InspectOptions };
  "data show": { input: data.DataShowInput; options: data.DataShowOptions };
  "data check": { input: data.DataCheckInput; options: data.DataCheckOptions };
  "data anonymise": { input: data.DataAnonymiseInput; options: data.DataAnonymiseOptions };
  "data stats": { input: data.DataStatsInput; options: data.DataStatsOptions };
  "data split": { input: data.DataSplitInput; options: data.DataSplitOptions };
  "data prepare": { input: data.DataPrepareInput; options: data.DataPrepareOptions };
}

export type VerbName = keyof VerbTypes;
export type OptionsOf<V extends VerbName> = VerbTypes[V]["options"];
/** The options of a training run with nothing left open. */
export type RunOptionsOf<V extends "pretrain" | "finetune"> = {
  pretrain: PretrainOptions;
  finetune: FinetuneOptions;
}[V];
export type InputOf<V extends VerbName> = VerbTypes[V]["input"];

/** The schema of every verb's options: flags, help, defaults and configuration files are all made from it. */
export const schemas = {
  demo: demoSchema,
  pretrain: pretrainSchema,
  finetune: finetuneSchema,
  eval: evalSchema,
  predict: predictSchema,
  maps: mapsSchema,
  reconstruct: reconstructSchema,
  flops: flopsSchema,
  inspect: inspectSchema,
  "data show": dataShowSchema,
  "data check": dataCheckSchema,
  "data anonymise": dataAnonymiseSchema,
  "data stats": dataStatsSchema,
  "data split": dataSplitSchema,
  "data prepare": dataPrepareSchema,
} as const satisfies Record<VerbName, z.ZodObject>;

export const verbNames = Object.keys(schemas) as VerbName[];
