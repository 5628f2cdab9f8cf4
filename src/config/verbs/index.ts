import { compare } from "./compare.ts";
import { convert } from "./convert.ts";
import { dataAnonymise } from "./data-anonymise.ts";
import { dataCheck } from "./data-check.ts";
import { dataPrepare } from "./data-prepare.ts";
import { dataShow } from "./data-show.ts";
import { dataSplit } from "./data-split.ts";
import { dataStats } from "./data-stats.ts";
import { demo } from "./demo.ts";
import { embed } from "./embed.ts";
import { evaluate } from "./eval.ts";
import { exportModel } from "./export-model.ts";
import { finetune } from "./finetune.ts";
import { flops } from "./flops.ts";
import { inspect } from "./inspect.ts";
import { knn } from "./knn.ts";
import { linprobe } from "./linprobe.ts";
import { maps } from "./maps.ts";
import { predict } from "./predict.ts";
import { pretrain } from "./pretrain.ts";
import { reconstruct } from "./reconstruct.ts";
import { reproduce } from "./reproduce.ts";
import { segment } from "./segment.ts";

/** The options of every verb, in the order in which help lists them. */
export const verbs = {
  demo,
  pretrain,
  finetune,
  segment,
  linprobe,
  knn,
  embed,
  evaluate,
  compare,
  predict,
  maps,
  reconstruct,
  flops,
  inspect,
  convert,
  exportModel,
  reproduce,
  dataShow,
  dataPrepare,
  dataSplit,
  dataStats,
  dataCheck,
  dataAnonymise,
};
