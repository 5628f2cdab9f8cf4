import type { Dataset } from "./dataset.ts";

/** How many labels of training images are used. */
export interface LabelUse {
  used: number;
  /** Training images, those among them whose labels are not used. */
  images: number;
}

/** How many labels of a data set's training images are used; undefined where all are. */
export function labelUseOf({ splits: { train } }: Pick<Dataset, "splits">): LabelUse | undefined {
  const used = train.filter(({ unlabelled }) => !unlabelled).length;
  return used === train.length ? undefined : { used, images: train.length };
}

/** That, in words. */
export function labelUseText({ used, images }: LabelUse): string {
  return `labels of ${used.toLocaleString("en")} of ${images.toLocaleString("en")} training images`;
}

/** A data set without the training images whose labels are not used. */
export function labelledOnly(dataset: Dataset): Dataset {
  const { splits } = dataset;
  return { ...dataset, splits: { ...splits, train: splits.train.filter(({ unlabelled }) => !unlabelled) } };
}
