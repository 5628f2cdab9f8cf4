import type { verbs } from "../../../config/index.ts";
import type { Command } from "../verb.ts";
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

/** What the command line offers, in the order in which help lists it: a command for each verb. */
export const commands = {
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
} satisfies Record<keyof typeof verbs, Command>;

/** What help says of verbs whose names begin alike. */
export const groups: Readonly<Record<string, string>> = {
  data: "Look at image files; prepare, check, split, measure and anonymise data sets.",
};
