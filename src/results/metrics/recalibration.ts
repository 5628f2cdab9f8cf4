import { bootstrapEstimates, type Estimate } from "./bootstrap.ts";
import { drawingOf, type IntervalsInput, type Resampling, resamplingOf } from "./classification-intervals.ts";
import { checkProbabilities, classScores, isClass } from "./probabilities.ts";
import type { ResampledStatistic } from "./resample.ts";

const LINE_FIGURES = ["inTheLarge", "intercept", "slope"] as const;

/** How the probabilities of one class differ from how often it is true. */
export interface CalibrationLine {
  class: string;
  /** Log-odds to add to all probabilities so that their mean is the prevalence; below 0 where they are too high. */
  inTheLarge: Estimate;
  /** Of the line intercept + slope · logit(probability) that fits the truth best; 0 is best. */
  intercept: Estimate;
  /** 1 is best; below 1 where probabilities are too extreme, above 1 where they are not extreme enough. */
  slope: Estimate;
}

/** Calibration lines of all classes; plain data that survives JSON unchanged. */
export interface CalibrationLines {
  perClass: CalibrationLine[];
  resampling: Resampling;
}

/**
 * Calibration intercept and slope of each class against the others by logistic regression of the truth on the logit of its
 * probability, clipped to [2^-24, 1 - 2^-24], with 95 % intervals as `classificationIntervals` has them. A line is undefined where cases are all of one
 * class, where a threshold separates the classes wholly, and where all probabilities are the same.
 *
 * @throws MsmaeError "Data" or "Shape" as `checkProbabilities` and `bootstrapIntervals`.
 * Source: Cox 1958, "Two further applications of a model for binary regression"; Van Calster et al. 2019, "Calibration: the
 * Achilles heel of predictive analytics".
 */
export function calibrationLines(input: IntervalsInput): CalibrationLines {
  const checked = checkProbabilities(input.probabilities, input.labels, input.classNames.length);
  const lines = input.classNames.map((_, k) => lineStatistic(classScores(checked, k), isClass(checked, k)));
  const statistic: ResampledStatistic<string> = (times) => {
    const named = lines.flatMap((line, k) =>
      Object.entries(line(times)).map(([name, value]) => [`${k} ${name}`, value]),
    );
    return Object.fromEntries(named);
  };
  const { figures, ...drawn } = bootstrapEstimates({ ...drawingOf(input, checked), statistic });
  const lineOf = (k: number) =>
    Object.fromEntries(LINE_FIGURES.map((name) => [name, figures[`${k} ${name}`]])) as Record<LineFigure, Estimate>;
  return {
    perClass: input.classNames.map((name, k) => ({ class: name, ...lineOf(k) })),
    resampling: resamplingOf(drawn),
  };
}

/** Probabilities nearer to 0 or 1 count as this near: float32 cannot tell how near to 1 they are. */
const LEAST = 2 ** -24;

type LineFigure = (typeof LINE_FIGURES)[number];

function lineStatistic(scores: Float64Array, positive: Uint8Array): ResampledStatistic<LineFigure> {
  const logits = scores.map((score) => {
    const clipped = Math.min(1 - LEAST, Math.max(LEAST, score));
    return Math.log(clipped / (1 - clipped));
  });
  const probabilitiesOf = ({ intercept, slope }: Line) => logits.map((x) => sigmoid(intercept + slope * x));
  // Resamples start where the cases themselves ended, with the probabilities of there, and end where little is left to gain.
  let starts: { line: Start; shift: Start } | undefined;
  return (times) => {
    const reach = (start: Start, slopeIsGiven: boolean): Line | undefined =>
      fitLine({ logits, positive, times, start, slopeIsGiven, smallStep: starts ? ROUGH_STEP : SMALL_STEP });
    const line = reach(starts?.line ?? { intercept: 0, slope: 0 }, false);
    const shift = reach(starts?.shift ?? { intercept: 0, slope: 1 }, true);
    if (starts === undefined) {
      const startAt = (found: Line): Start => ({ ...found, probabilities: probabilitiesOf(found) });
      starts = {
        line: startAt(line ?? { intercept: 0, slope: 0 }),
        shift: startAt(shift ?? { intercept: 0, slope: 1 }),
      };
    }
    return {
      inTheLarge: shift?.intercept ?? null,
      intercept: line?.intercept ?? null,
      slope: line?.slope ?? null,
    };
  };
}

interface Line {
  intercept: number;
  slope: number;
}

interface Start extends Line {
  /** [n] of the line; computed where missing. */
  probabilities?: Float64Array;
}

interface Fit {
  /** [n] */
  logits: Float64Array;
  /** [n] of 0 and 1. */
  positive: Uint8Array;
  /** [n] how often each case counts. */
  times: Uint32Array;
  start: Start;
  /** Whether the slope stays where it starts. */
  slopeIsGiven: boolean;
  /** The size of a step after which it ends. */
  smallStep: number;
}

const MOST_STEPS = 50;
/** Newton's method squares the error at each step: after one as small as this nothing is left of it. */
const SMALL_STEP = 1e-7;
/** After this one the error is about a ten-thousandth, where intervals are about a tenth wide. */
const ROUGH_STEP = 1e-2;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * The line that maximises the likelihood, by Newton's method, which goes back half the way wherever a step went too far;
 * undefined where it finds none.
 */
function fitLine({ logits, positive, times, start, slopeIsGiven, smallStep }: Fit): Line | undefined {
  let { intercept, slope, probabilities: known } = start;
  let [up, turn, rise] = [0, 0, Number.POSITIVE_INFINITY];
  for (let step = 0; step < MOST_STEPS; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
    for (let at = 0; at < logits.length; at++) {
      const count = times[at] as number;
      if (count === 0) continue;
      const x = logits[at] as number;
      const p = known === undefined ? sigmoid(intercept + slope * x) : (known[at] as number);
      const gap = count * ((positive[at] as number) - p);
      const weight = count * p * (1 - p);
      g0 += gap;
      g1 += gap * x;
      h00 += weight;
      h01 += weight * x;
      h11 += weight * x * x;
    }
    known = undefined;
    // The likelihood is concave: where it falls more steeply at the end of a step than it rose at its start, it is lower.
    if (Math.abs(g0 * up + g1 * turn) > rise) {
      up /= 2;
      turn /= 2;
      rise /= 2;
      intercept -= up;
      slope -= turn;
      continue;
    }
    const determinant = slopeIsGiven ? h00 : h00 * h11 - h01 * h01;
    // Relative to its first part: what is left of a difference of equals is rounding.
    if (!(determinant > 1e-12 * (slopeIsGiven ? 1 : h00 * h11))) return undefined;
    up = slopeIsGiven ? g0 / h00 : (g0 * h11 - g1 * h01) / determinant;
    turn = slopeIsGiven ? 0 : (g1 * h00 - g0 * h01) / determinant;
    rise = g0 * up + g1 * turn;
    intercept += up;
    slope += turn;
    if (Math.abs(up) + Math.abs(turn) < smallStep) return { intercept, slope };
  }
  return undefined;
}
