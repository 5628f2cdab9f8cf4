import type { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { dataError, type Listing, type OddFile } from "./layouts/listing.ts";
import type { ListedSample } from "./pictures/samples-of.ts";
import { relativeName } from "./splits/split-table.ts";
import type { ValueColumns } from "./tables/value-columns.ts";

/** What a data set has to say to its user. */
interface Noticed {
  root: string;
  notices: readonly string[];
  leftOut: readonly OddFile[];
}

/** Says what is left out, and what else a user should hear of a data set. */
export function tellNotices({ notices, leftOut, root }: Noticed, onEvent: RunHooks["onEvent"]): void {
  for (const message of notices) onEvent?.({ type: "note", message });
  if (leftOut.length > 0) onEvent?.({ type: "warning", message: oddFilesText(root, leftOut) });
}

/** Files that are left out, by their paths from the data set's folder. */
export function leftOutFrom({ leftOut, root }: Omit<Noticed, "notices">): OddFile[] {
  return leftOut.map(({ path, reason }) => ({ path: relativeName(root, path), reason }));
}

/** At most this many classes, and files that are left out, are named. */
const NAMED = 20;

/** How many classes there are, and how many images of each. */
export function classesNotice({ classNames }: Listing, samples: readonly ListedSample[]): string {
  const counts = new Array<number>(classNames.length).fill(0);
  for (const { sample } of samples) counts[sample.label] = (counts[sample.label] as number) + 1;
  const named = classNames.slice(0, NAMED).map((name, label) => `${name} ${counts[label]}`);
  if (classNames.length > NAMED) named.push("…");
  const classes = classNames.length === 1 ? "class" : "classes";
  return `${classNames.length} ${classes} in ${samples.length} images: ${named.join(", ")}`;
}

/** What became of images whose class nobody knows. */
export function unlabelledNotice(kept: number, leftOut: number): string[] {
  if (leftOut === 0) return kept === 0 ? [] : [`unlabelled images beside them: ${kept}`];
  const why = kept === 0 ? "" : ", since they are or belong with validation or test images";
  return [`unlabelled images beside them: ${kept + leftOut}, of them left out: ${leftOut}${why}`];
}

/** How many findings or numbers there are, and of how many images. */
export function valuesNotice({ kind, names }: ValueColumns, samples: readonly ListedSample[]): string {
  const told = names.slice(0, NAMED).map((name, k) => {
    const known = samples.map(({ sample }) => sample.values?.[k] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    if (kind === "findings") return `${name} ${known.filter((value) => value === 1).length} of ${known.length}`;
    const [least, most] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
    return `${name} ${least} to ${most} in ${known.length}`;
  });
  if (names.length > NAMED) told.push("…");
  const what = kind === "findings" ? `${names.length} ${names.length === 1 ? "finding" : "findings"}` : kind;
  return `${what} in ${samples.length} images: ${told.join(", ")}`;
}

function oddFilesText(root: string, odd: readonly OddFile[]): string {
  const shown = leftOutFrom({ root, leftOut: odd.slice(0, NAMED) });
  const named = shown.map(({ path, reason }) => `${path} (${reason})`);
  if (odd.length > NAMED) named.push("…");
  return `${odd.length} ${odd.length === 1 ? "file is" : "files are"} left out: ${named.join(", ")}`;
}

/** The error for what has to be left out, where nothing may. */
export function oddFiles(root: string, odd: readonly OddFile[]): MsmaeError {
  const got = oddFilesText(root, odd);
  return dataError(root, "every file to be in order (strict)", got, "correct these files, or leave out --strict");
}
