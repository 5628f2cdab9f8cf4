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

/** One labelled picture. */
export interface Sample {
  /** As given to the file system. */
  path: string;
  /** Index into the data set's class names. */
  label: number;
  /** Numbers that belong to it, in the order of all samples; NaN for one that is not known. */
  values?: readonly number[];
  /** Frame, page or slice of a file that holds several, from 0; absent where the file holds one picture. */
  item?: number;
  /** Patient or lesion: what may not stand in two splits. Pictures of one file belong together even without it. */
  group?: string;
  /** A file that outlines what the label is about. */
  mask?: string;
}
