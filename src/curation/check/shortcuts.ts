import { SPLITS } from "../../data/dataset.ts";
import { type Association, associate, jensenShannon } from "./association.ts";
import { BORDER_FEATURES } from "./fingerprint.ts";
import { type Prediction, planTrial, type Trial } from "./folds.ts";
import type { Pictures } from "./pictures.ts";
import { probe } from "./probe.ts";
import { THUMB_SIDE } from "./symmetry.ts";

/** Pictures of each class that the probes look at. */
const PROBED = 2000;
/** Pictures of each class or split whose properties are compared. */
const COMPARED = 20_000;

/** Properties of the file and of the grey levels that should not tell a class or a split. */
const PROPERTIES = {
  "file format": (pictures: Pictures, at: number) => pictures.formats[at] as string,
  "grey or colour, bit depth": (pictures: Pictures, at: number) => pictures.modes[at] as string,
  width: (pictures: Pictures, at: number) => pictures.widths[at] as number,
  height: (pictures: Pictures, at: number) => pictures.heights[at] as number,
  shape: (pictures: Pictures, at: number) => (pictures.widths[at] as number) / (pictures.heights[at] as number),
  compression: (pictures: Pictures, at: number) =>
    (pictures.bytes[at] as number) / ((pictures.widths[at] as number) * (pictures.heights[at] as number)),
  brightness: (pictures: Pictures, at: number) => pictures.means[at] as number,
  contrast: (pictures: Pictures, at: number) => pictures.deviations[at] as number,
} as const satisfies Record<string, (pictures: Pictures, at: number) => number | string>;

export type Property = keyof typeof PROPERTIES;
/**
 * What the pictures show decides these too, compression because detail takes bytes; the others are matters of the file
 * alone.
 */
export const OF_THE_CONTENT: ReadonlySet<Property> = new Set(["brightness", "contrast", "compression"]);

export interface PropertyAssociation extends Association {
  property: Property;
}

/** Two groups of pictures whose grey levels are spread most differently. */
export interface Spread {
  a: string;
  b: string;
  /** Jensen-Shannon distance of the mean histograms, 0..1. */
  distance: number;
}

/** Ways to guess a class, or a split, without looking at what a picture shows. */
export interface Shortcuts {
  /** A linear classifier on the outermost sixteenth of each side; null where too few pictures allow no answer. */
  borderProbe: (Prediction & { classes: string[] }) | null;
  /** The same on the whole picture, 16 × 16, to compare with. */
  pictureProbe: Prediction | null;
  /** Properties against the class, and against the split. */
  byClass: PropertyAssociation[];
  bySplit: PropertyAssociation[];
  /** Class against split, Cramér's V; null where there is but one of either. */
  classBySplit: number | null;
  greyLevels: { classes: Spread | null; splits: Spread | null };
}

export function findShortcuts(
  pictures: Pictures,
  classNames: readonly string[],
  related: Int32Array,
  seed: number,
): Shortcuts {
  const readable = Array.from({ length: pictures.count }, (_, at) => at).filter((at) => pictures.readable[at]);
  const labelOf = (at: number) => pictures.sample(at).label;
  const splitOf = (at: number) => pictures.splits[at] as number;
  const probed = planTrial(readable, labelOf, related, { seed, most: PROBED });
  const byClass = planTrial(readable, labelOf, related, { seed, most: COMPARED });
  const bySplit = planTrial(readable, splitOf, related, { seed, most: COMPARED });
  const border = (at: number) => pictures.borders.subarray(at * BORDER_FEATURES, (at + 1) * BORDER_FEATURES);
  return {
    borderProbe: probed
      ? {
          ...probe(probed, border, BORDER_FEATURES),
          classes: probed.values.map((value) => classNames[value] as string),
        }
      : null,
    pictureProbe: probed
      ? probe(probed, (at) => halved(pictures.thumb(at), pictures.coverages.get(at)), (THUMB_SIDE / 2) ** 2)
      : null,
    byClass: propertiesOf(pictures, byClass),
    bySplit: propertiesOf(pictures, bySplit),
    classBySplit: (bySplit && associate(bySplit, (at) => classNames[labelOf(at)] as string)?.cramersV) ?? null,
    greyLevels: {
      classes: widest(classNames, (k) => pictures.histogram((_, label) => label === k)),
      splits: widest(SPLITS, (k) => pictures.histogram((split) => split === k)),
    },
  };
}

function propertiesOf(pictures: Pictures, trial: Trial | undefined): PropertyAssociation[] {
  if (!trial) return [];
  const found: PropertyAssociation[] = [];
  for (const [property, readProperty] of Object.entries(PROPERTIES) as [Property, (typeof PROPERTIES)[Property]][]) {
    const association = associate(trial, (at) => readProperty(pictures, at));
    if (association) found.push({ property, ...association });
  }
  return found.sort((a, b) => b.cramersV - a.cramersV);
}

/** [16, 16] mean grey levels of what was measured; NaN where most of a cell was not. */
function halved(thumb: Uint8Array, coverage: Uint8Array | undefined): Float64Array {
  const side = THUMB_SIDE / 2;
  return Float64Array.from({ length: side * side }, (_, k) => {
    const at = Math.floor(k / side) * 2 * THUMB_SIDE + (k % side) * 2;
    const sum = (pixels: Uint8Array) =>
      [0, 1, THUMB_SIDE, THUMB_SIDE + 1].reduce((total, offset) => total + (pixels[at + offset] as number), 0);
    if (!coverage) return sum(thumb) / 4;
    const covered = sum(coverage) / (4 * 255);
    // Black stands for what is missing, so that it lowers the sum as much as it lowers the coverage.
    return covered < 0.5 ? Number.NaN : sum(thumb) / 4 / covered;
  });
}

function widest(names: readonly string[], histogramOf: (k: number) => Float64Array | undefined): Spread | null {
  const all = names.flatMap((name, k) => {
    const histogram = histogramOf(k);
    return histogram ? [{ name, histogram }] : [];
  });
  let found: Spread | null = null;
  for (const [k, a] of all.entries()) {
    for (const b of all.slice(k + 1)) {
      const distance = jensenShannon(a.histogram, b.histogram);
      if (!found || distance > found.distance) found = { a: a.name, b: b.name, distance };
    }
  }
  return found;
}
