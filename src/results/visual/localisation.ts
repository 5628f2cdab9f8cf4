import { MsmaeError } from "../../support/errors.ts";
import { bootstrapEstimates, type Estimate } from "../metrics/index.ts";
import { meanDefined } from "../metrics/mean.ts";
import { enlargeMap } from "./enlarge-map.ts";
import type { Grid } from "./image.ts";
import { pointingGame } from "./pointing-game.ts";

/** What {@link localisation} takes. */
export interface LocalisationInput {
  /** One map [gh, gw] per image, none of its values below 0. */
  maps: readonly Grid[];
  /** One lesion mask [height, width] per image, non-zero inside the lesion. */
  masks: readonly Grid[];
  /** One map per image of an encoder of random weights, to compare with. */
  random?: readonly Grid[] | undefined;
  /** Of which patient each image is: those of one are drawn together. */
  groups?: readonly (string | undefined)[] | undefined;
  seed: number;
  /** Default 2000. */
  resamples?: number | undefined;
}

/** One measure of where maps look, as means over the images that have it. */
export interface LocalisationFigure {
  maps: Estimate;
  /** Of a map that is brightest at the centre of every image, whatever it shows. */
  centre: Estimate;
  /** maps less centre, on the same images. */
  overCentre: Estimate;
  /** Of the maps of random weights, and maps less those; present where such maps were given. */
  random?: Estimate;
  overRandom?: Estimate;
  /** What a map that is everywhere the same would reach; null when no image has the measure. */
  chance: number | null;
  /** [images] of the maps; null where undefined. */
  perImage: (number | null)[];
}

/** Whether maps look at lesions; plain data that survives JSON unchanged. */
export interface Localisation {
  /** Images with a lesion: the ones that count. */
  n: number;
  withoutLesion: number;
  /** The share of a map's sum that lies in the lesion. */
  insideShare: LocalisationFigure;
  /** The chance that a pixel of the lesion is brighter than one outside of it; undefined where all pixels are of the lesion. */
  auc: LocalisationFigure;
  /** The pointing game without tolerance. */
  pointing: LocalisationFigure;
  /** The standard deviation of the centre map, as a share of height and width. */
  centreSpread: number;
  /** Images, or patients, that were drawn anew. */
  groups: number;
  resamples: number;
}

const CENTRE_SPREAD = 0.25;

/**
 * How much maps look at lesions, beside a map that always looks at the centre: lesions are where the camera points, so that
 * only what is above it is knowledge of the image. Maps are enlarged to their masks by {@link enlargeMap}. A random encoder's maps
 * given to the same function are the other baseline.
 *
 * Intervals are 95 % percentile intervals of the bootstrap over images, patients drawn anew where known.
 *
 * @throws MsmaeError "Shape" when counts differ or a grid does not fit its size; "Data" for values below 0 or not finite.
 * Source: of the baseline: Judd et al. 2012, "A benchmark of computational models of saliency"; of the AUC: Bylinskii et al.
 * 2019, "What do different evaluation metrics tell us about saliency models?".
 */
export function localisation({ maps, masks, random, groups, seed, resamples }: LocalisationInput): Localisation {
  const own = scoresOf(maps, masks);
  const baselines = { centre: scoresOf(centresOf(masks), masks), ...(random && { random: scoresOf(random, masks) }) };
  const counted = masks.map((_, at) => at).filter((at) => own.pointing[at] !== null);
  const { figures, ...drawn } = bootstrapEstimates({
    cases: counted.length,
    groups: groups && counted.map((at) => groups[at]),
    seed,
    resamples,
    statistic: (times) => {
      const means: Record<string, number | null> = {};
      for (const measure of MEASURES) {
        const mean = meanOf(own[measure], counted, times);
        means[`${measure} maps`] = mean;
        for (const [name, scores] of Object.entries(baselines)) {
          const baseline = meanOf(scores[measure], counted, times);
          means[`${measure} ${name}`] = baseline;
          means[`${measure} over ${name}`] = mean === null || baseline === null ? null : mean - baseline;
        }
      }
      return means;
    },
  });
  const figureOf = (measure: Measure, chance: number | null): LocalisationFigure => {
    const estimate = (part: string): Estimate => figures[`${measure} ${part}`] as Estimate;
    return {
      maps: estimate("maps"),
      centre: estimate("centre"),
      overCentre: estimate("over centre"),
      ...(random && { random: estimate("random"), overRandom: estimate("over random") }),
      chance,
      perImage: own[measure],
    };
  };
  // A point drawn from an image is in the lesion as often as the lesion's share of the image.
  const once = new Uint32Array(counted.length).fill(1);
  const inside = meanOf(masks.map(shareInside), counted, once);
  const auc = figureOf("auc", null);
  return {
    n: counted.length,
    withoutLesion: masks.length - counted.length,
    insideShare: figureOf("insideShare", inside),
    auc: { ...auc, chance: auc.maps.value === null ? null : 0.5 },
    pointing: figureOf("pointing", inside),
    centreSpread: CENTRE_SPREAD,
    groups: drawn.groups,
    resamples: drawn.resamples,
  };
}

/** Where maps look, in single figures; null where no image has the measure. */
export interface LookingFigures {
  /** Images with a lesion: the ones that count. */
  n: number;
  pointing: number | null;
  auc: number | null;
}

/**
 * The pointing game and the AUC of {@link localisation} alone, without intervals and baselines.
 *
 * @throws MsmaeError as {@link localisation} does.
 */
export function lookingFigures({ maps, masks }: Pick<LocalisationInput, "maps" | "masks">): LookingFigures {
  const { pointing, auc } = scoresOf(maps, masks);
  const n = pointing.filter((score) => score !== null).length;
  return { n, pointing: meanDefined(pointing), auc: meanDefined(auc) };
}

const MEASURES = ["insideShare", "auc", "pointing"] as const;
type Measure = (typeof MEASURES)[number];

/** Each measure of each map, [images]; null where undefined. */
function scoresOf(maps: readonly Grid[], masks: readonly Grid[]): Record<Measure, (number | null)[]> {
  // It also refuses maps and masks that are not as many.
  const { scores: pointing } = pointingGame(maps, masks);
  const measured = maps.map((map, at) => measure(map, masks[at] as Grid));
  return { insideShare: measured.map(({ share }) => share), auc: measured.map((found) => found.auc), pointing };
}

/** The map of the centre for each mask; those of one size share theirs. */
function centresOf(masks: readonly Grid[]): Grid[] {
  const ofSize = new Map<string, Grid>();
  return masks.map(({ height, width }) => {
    const size = `${height} ${width}`;
    const centre = ofSize.get(size) ?? centreMap(height, width);
    ofSize.set(size, centre);
    return centre;
  });
}

function shareInside({ data }: Grid): number {
  let count = 0;
  for (let pixel = 0; pixel < data.length; pixel++) if (data[pixel] !== 0) count++;
  return count / data.length;
}

/** A Gaussian at the centre of an image, [height, width], whose standard deviation is a quarter of either side; 1 at its peak. */
export function centreMap(height: number, width: number): Grid {
  // From whole numbers, so that pixels as far from the centre on either side are equal.
  const fall = (at: number, size: number): number => ((2 * at + 1 - size) / (2 * size * CENTRE_SPREAD)) ** 2 / 2;
  const data = Float64Array.from({ length: height * width }, (_, pixel) =>
    Math.exp(-fall(Math.floor(pixel / width), height) - fall(pixel % width, width)),
  );
  return { height, width, data };
}

function measure(map: Grid, mask: Grid): { share: number | null; auc: number | null } {
  const values = enlargeMap(map, mask.height, mask.width);
  const inside = Uint8Array.from({ length: values.length }, (_, pixel) => Number(mask.data[pixel] !== 0));
  const area = inside.reduce((sum, one) => sum + one, 0);
  if (area === 0) return { share: null, auc: null };
  let [within, total] = [0, 0];
  for (let pixel = 0; pixel < values.length; pixel++) {
    const value = values[pixel] as number;
    if (value < 0) refuseNegative(value);
    total += value;
    if (inside[pixel] === 1) within += value;
  }
  // A map of zeros is the same everywhere, as any other constant.
  const share = total === 0 ? area / values.length : within / total;
  return { share, auc: shareAbove(values, inside, area) };
}

/**
 * The AUC, by numbers in order: `rocCurve` on every pixel of an image takes ten times as long. null where all pixels are
 * inside.
 */
function shareAbove(values: Float64Array, inside: Uint8Array, area: number): number | null {
  if (area === values.length) return null;
  const within = values.filter((_, pixel) => inside[pixel] === 1).sort();
  const outside = values.filter((_, pixel) => inside[pixel] === 0).sort();
  let [below, upTo, twice] = [0, 0, 0];
  for (const value of within) {
    while (below < outside.length && (outside[below] as number) < value) below++;
    while (upTo < outside.length && (outside[upTo] as number) <= value) upTo++;
    twice += below + upTo;
  }
  return twice / (2 * within.length * outside.length);
}

function meanOf(values: readonly (number | null)[], counted: readonly number[], times: Uint32Array): number | null {
  let [sum, count] = [0, 0];
  counted.forEach((at, place) => {
    const value = values[at] ?? null;
    if (value === null) return;
    sum += (times[place] as number) * value;
    count += times[place] as number;
  });
  return count === 0 ? null : sum / count;
}

function refuseNegative(value: number): never {
  throw new MsmaeError("Data", {
    where: "localisation, map",
    expected: "values of at least 0, shares of which can be told",
    got: String(value),
    todo: "give attention maps, not logits or differences",
  });
}
