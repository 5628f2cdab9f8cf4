import { z } from "zod";
import { loadingFields, runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type Check, type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

const DATASETS = [
  "phantom",
  "btmd",
  "btmd-published",
  "ham10000",
  "busi",
  "chestxray2017",
  "messidor2",
  "deeplesion",
  "kvasir-seg",
] as const;
const SCALES = ["smoke", "small", "paper"] as const;

const checkPlanned: Check<{ dataset?: string; plan?: string }> = ({ dataset, plan }) => {
  if ((dataset === undefined) !== (plan === undefined)) return [];
  const got = dataset === undefined ? "neither" : "both";
  const todo = dataset === undefined ? "name a data set, or a file with a plan of your own" : "leave one of them out";
  return [{ where: "dataset, plan", expected: "one of the two", got, todo }];
};

/** Options of `reproduce`: a plan of runs, from the archive to a table. */
export const reproduce = verbOptions({
  name: "reproduce",
  schema: z.strictObject({
    dataset: field(
      z.enum(DATASETS).optional(),
      "Data set of the paper's comparison; phantom draws images whose lesions are known; btmd is without its copies, btmd-published with them, as published.",
      { defaultText: "none: --plan" },
    ),
    scale: field(
      z.enum(SCALES).default("small"),
      "Of the paper's comparison: smoke tries that everything runs, small is for an ordinary machine, paper is the published schedule.",
    ),
    plan: field(z.string().min(1).optional(), "YAML file with a plan of runs of your own.", {
      placeholder: "file",
      defaultText: "none: --dataset",
    }),
    archives: field(
      z.array(z.string().min(1)).default([]),
      "Official downloads of the data set, as data prepare takes them.",
      { placeholder: "file,file", defaultText: "none" },
    ),
    methods: field(z.array(z.string().min(1)).min(1).optional(), "Arms of the plan to run.", {
      placeholder: "a,b,c",
      defaultText: "all of them",
    }),
    seeds: field(z.int().min(1).max(1000).optional(), "How many seeds.", { defaultText: "as the plan says" }),
    budget: field(z.number().gt(0).optional(), "Hours after which to stop, to go on another time.", {
      placeholder: "hours",
      defaultText: "no limit",
    }),
    outputDir: field(
      z.string().min(1),
      "Folder of the experiment; given again, it goes on with what is not done yet. Several processes may share it.",
      { placeholder: "dir" },
    ),
    workers: loadingFields.workers,
    ...runtimeFields,
  }),
  checks: [checkPlanned],
});

export type ReproduceInput = InputOf<typeof reproduce>;
export type ReproduceOptions = OptionsOf<typeof reproduce>;
