import { visible } from "./tables/spelling.ts";

export const SPLITS = ["train", "val", "test"] as const;
export type Split = (typeof SPLITS)[number];

/** Names that published data sets give the splits, in lower case. */
const SPLIT_NAMES: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
  testing: "test",
};

/** The split that a name stands for, in any case, with spaces or invisible characters around it. */
export function splitNamed(name: string): Split | undefined {
  const key = visible(name).toLowerCase();
  return Object.hasOwn(SPLIT_NAMES, key) ? SPLIT_NAMES[key] : undefined;
}
