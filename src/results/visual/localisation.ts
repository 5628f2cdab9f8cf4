import { MsmaeError } from "../../support/errors.ts";
import { bootstrapEstimates, type Estimate } from "../metrics/index.ts";
import type { Grid } from "./image.ts";
import { resizeGrid } from "./overlay.ts";
import { pointingGame } from "./pointing-game.ts";

/** What {@link localisation} takes. */
export interface LocalisationInput {
  /** One map [gh, gw] per image, none of its values below 0. */
  maps: readonly Grid[];
  /** One lesion mask [height, width] per image, non-zero inside the lesion. */
  masks: readonly Grid[];
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
 * only what is above it is knowledge of the image. Maps are upsampled bilinearly to their masks. A random encoder's maps
 * given to the same function are the other baseline.
 *
 * Intervals are 95 % percentile intervals of the bootstrap over images, patients drawn anew where known.
 *
 * @throws MsmaeError "Shape" when counts differ or a grid does not fit its size; "Data" for values below 0 or not finite.
 * Source: of the baseline: Judd et al. 2012, "A benchmark of computational models of saliency"; of the AUC: Bylinskii et al.
 * 2019, "What do different evaluation metrics tell us about saliency models?".
 */
export function localisation({ maps, masks, groups, seed, resamples }: LocalisationInput): Localisation {
  const game = pointingGame(maps, masks);
  const centres = masks.map(({ height, width }) => centreMap(height, width));
  const own = maps.map((map, at) => measure(map, masks[at] as Grid));
  const centre = centres.map((map, at) => measure(map, masks[at] as Grid));
  const columns = {
    insideShare: { maps: own.map(({ share }) => share), centre: centre.map(({ share }) => share) },
    auc: { maps: own.map(({ auc }) => auc), centre: centre.map(({ auc }) => auc) },
    pointing: { maps: game.scores, centre: pointingGame(centres, masks).scores },
  };
  const counted = masks.map((_, at) => at).filter((at) => game.scores[at] !== null);
  const { figures, ...drawn } = bootstrapEstimates({
    cases: counted.length,
    groups: groups && counted.map((at) => groups[at]),
    seed,
    resamples,
    statistic: (times) => {
      const means = Object.entries(columns).flatMap(([name, { maps: values, centre: base }]) => {
        const [mean, baseline] = [meanOf(values, counted, times), meanOf(base, counted, times)];
        const over = mean === null || baseline === null ? null : mean - baseline;
        return Object.entries({ maps: mean, centre: baseline, over }).map(([part, value]) => [
          `${name} ${part}`,
          value,
        ]);
      });
      return Object.fromEntries(means) as Record<string, number | null>;
    },
  });
  const figureOf = (name: keyof typeof columns, chance: number | null): LocalisationFigure => ({
    maps: figures[`${name} maps`] as Estimate,
    centre: figures[`${name} centre`] as Estimate,
    overCentre: figures[`${name} over`] as Estimate,
    chance,
    perImage: columns[name].maps,
  });
  const auc = figureOf("auc", null);
  return {
    n: game.n,
    withoutLesion: game.withoutLesion,
    // A mean share of pixels that hit without tolerance is a mean share of pixels inside.
    insideShare: figureOf("insideShare", game.chance),
    auc: { ...auc, chance: auc.maps.value === null ? null : 0.5 },
    pointing: figureOf("pointing", game.chance),
    centreSpread: CENTRE_SPREAD,
    groups: drawn.groups,
    resamples: drawn.resamples,
  };
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
  const values = resizeGrid(map, mask.height, mask.width);
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
