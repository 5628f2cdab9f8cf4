import type { Listing } from "./layouts/listing.ts";
import type { ListedSample } from "./pictures/samples-of.ts";
import type { Sample } from "./sample.ts";
import type { Split } from "./split-name.ts";
import { groupKey } from "./splits/split.ts";

/** What stands in the place of a class for images whose class nobody knows. */
export const UNLABELLED = "unlabelled";
const SPELLINGS: readonly string[] = [UNLABELLED, "unlabeled"];

/** The label of a sample whose class nobody knows. */
const NO_LABEL = -1;

/**
 * The classes of a listing without the one that is none. What masks outline is a class under any name, and so is the only
 * one that there is.
 */
export function knownClasses({ classNames, maskClasses = [] }: Pick<Listing, "classNames" | "maskClasses">): string[] {
  const known = classNames.filter((name) => maskClasses.includes(name) || !SPELLINGS.includes(name.toLowerCase()));
  return known.length > 0 ? known : [...classNames];
}

/** Parts the samples of a listing into those that have one of its known classes, by their places, and the others. */
export function partUnlabelled(
  { classNames }: Pick<Listing, "classNames">,
  known: readonly string[],
  samples: readonly ListedSample[],
): { labelled: ListedSample[]; unlabelled: ListedSample[] } {
  const labels = classNames.map((name) => known.indexOf(name));
  const numbered = samples.map(({ sample, split }) => {
    const label = labels[sample.label] as number;
    return { sample: { ...sample, label, ...(label === NO_LABEL && { unlabelled: true as const }) }, split };
  });
  const { labelled = [], unlabelled = [] } = Object.groupBy(numbered, ({ sample }) =>
    sample.unlabelled ? "unlabelled" : "labelled",
  );
  return { labelled, unlabelled };
}

/**
 * The unlabelled samples that may be trained on: those that are not for validation or testing, nor belong together with
 * any that were drawn for it.
 *
 * @param drawn samples of the drawn splits.
 */
export function trainableUnlabelled(unlabelled: readonly ListedSample[], drawn: readonly Sample[]): Sample[] {
  const heldOut = new Set(drawn.map(groupKey));
  const isTraining = (split: Split | undefined) => split === undefined || split === "train";
  return unlabelled
    .filter(({ sample, split }) => isTraining(split) && !heldOut.has(groupKey(sample)))
    .map(({ sample }) => sample);
}
