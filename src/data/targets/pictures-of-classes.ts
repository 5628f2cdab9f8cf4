import type { SliceAxis } from "../../formats/source-image.ts";
import { MsmaeError } from "../../support/errors.ts";
import { inParallel } from "../../support/in-parallel.ts";
import type { FileIndex } from "../index/index-cache.ts";
import type { LabelAreas } from "../index/label-areas.ts";
import { isLabelled, isLight, maskKind } from "../index/mask-values.ts";
import type { Sample, SampleMask } from "../sample.ts";

export interface CountingOptions {
  /** What is known of masks; what is learnt is kept in it and written to its file. */
  index: FileIndex;
  /** How volumes are cut. */
  sliceAxis: SliceAxis;
}

/**
 * In how many pictures each class is outlined, and, in the place of the background, in how many nothing is. Pixels that
 * nobody has judged count as nothing; of masks that overlap each counts, also one that others hide.
 *
 * Pictures that a loader of masks would refuse are not counted. The first time every mask is read; from then on the index
 * knows.
 *
 * @param numClasses the data set's classes of masks, the background included.
 * @returns [numClasses]
 */
export async function picturesOfMaskClasses(
  samples: readonly Sample[],
  numClasses: number,
  { index, sliceAxis }: CountingOptions,
): Promise<number[]> {
  const counts = new Array<number>(numClasses).fill(0);
  const areas = new Map<string, Promise<LabelAreas>>();
  const areasOf = (mask: SampleMask, image: string) => {
    // The pictures of a volume share one mask.
    const key = `${image}\0${mask.path}`;
    const known = areas.get(key) ?? index.labelAreas({ path: mask.path, kind: maskKind(mask) }, sliceAxis, image);
    areas.set(key, known);
    return known;
  };
  await inParallel(samples, async (sample) => {
    if (sample.masks === undefined) return;
    const outlined = new Set<number>();
    for (const mask of sample.masks) {
      const classes = classesIn(mask, await areaOf(sample, mask, areasOf(mask, sample.path)));
      if (classes === undefined) return;
      for (const label of classes) if (label > 0 && label < numClasses) outlined.add(label);
    }
    for (const label of outlined.size > 0 ? outlined : [0]) counts[label] = (counts[label] as number) + 1;
  });
  await index.save();
  return counts;
}

type Area = LabelAreas[number];

/** What a mask outlines in a sample's picture; undefined where it cannot be read. */
async function areaOf(sample: Sample, mask: SampleMask, areas: Promise<LabelAreas>): Promise<Area | undefined> {
  try {
    const slices = await areas;
    const item = mask.item ?? sample.item ?? (slices.length === 1 ? 0 : -1);
    return slices[item];
  } catch (error) {
    if (error instanceof MsmaeError && error.code === "Data") return undefined;
    throw error;
  }
}

/** The classes of an area; undefined where it holds a value that is none. */
function classesIn(mask: SampleMask, area: Area | undefined): number[] | undefined {
  if (area === undefined) return undefined;
  const found = [...area.keys()];
  if (!("values" in mask)) {
    const light = mask.light ?? found.some(isLight);
    return found.some((value) => isLabelled(value, light)) ? [mask.class] : [];
  }
  const classes = found.map((value) => mask.values.get(value));
  return classes.every((label) => label !== undefined) ? classes : undefined;
}
