import { MsmaeError } from "../../support/errors.ts";
import { calibrationBins, expectedCalibrationError } from "./calibration.ts";
import { argmaxRows, checkProbabilities, correctness, logLoss, topProbabilities } from "./probabilities.ts";

/** What a temperature does on cases; plain data that survives JSON. */
export interface TemperatureEffect {
  /** Above 1 where the model was too sure. */
  temperature: number;
  /** Without it. */
  before: { logLoss: number; ece: number };
  after: { logLoss: number; ece: number };
}

/** A temperature that was fitted, 1 where none could be, and what it did on the cases on which it was. */
export interface FittedTemperature extends TemperatureEffect {
  n: number;
  /** Why none was fitted. */
  reason?: string;
}

/**
 * The softmax of logits divided by a temperature. It changes no row's order, so that no prediction changes.
 *
 * @param logits [n, classes], row-major.
 * @returns [n, classes], each row a probability distribution.
 * @throws MsmaeError Config when the temperature is not above 0; Shape when logits are not whole rows.
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.
 */
export function applyTemperature(logits: ArrayLike<number>, classes: number, temperature: number): Float64Array {
  if (!(temperature > 0)) {
    throw new MsmaeError("Config", {
      where: "temperature",
      expected: "a number above 0",
      got: String(temperature),
      todo: "fit it on validation logits, or use 1",
    });
  }
  if (logits.length % classes !== 0) {
    throw new MsmaeError("Shape", {
      where: "temperature, logits",
      expected: `rows of ${classes} values`,
      got: `${logits.length} values`,
      todo: "pass the logits of every class for each case",
    });
  }
  const probabilities = new Float64Array(logits.length);
  for (let from = 0; from < logits.length; from += classes) {
    softmaxRow(logits, from, classes, 1 / temperature, probabilities, from);
  }
  return probabilities;
}

/**
 * The temperature of least mean log-loss, for calibration on other cases. Fit it on validation cases, never on those that
 * are reported. None is fitted, and 1 given, where every case is right, since the sharper then the better; and where the
 * true classes' logits are on average not above the mean of their rows, since nothing is then to be sharpened or softened.
 *
 * @param logits [n, classes], row-major; logarithms of probabilities will do.
 * @param labels [n] true class indices.
 * @throws MsmaeError Data or Shape for logits that are not finite or do not fit the labels.
 * Source: Guo et al. 2017, section 4.2.
 */
export function fitTemperature(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): FittedTemperature {
  checkLogits(logits);
  const before = qualityOf(applyTemperature(logits, classes, 1), labels, classes);
  const given = (reason: string): FittedTemperature => ({
    temperature: 1,
    n: labels.length,
    before,
    after: before,
    reason,
  });
  if (allHighest(logits, labels, classes)) return given("every case is right: the sharper the better");
  const slope = lossSlope(logits, labels, classes);
  if (slope(0).slope >= 0) return given("the logits know nothing of the truth");
  let high = 1;
  // The slope turns: sharp enough, what is wrong costs more than what is right can gain.
  while (slope(high).slope < 0) high *= 2;
  const temperature = 1 / rootOf(slope, high);
  const after = qualityOf(applyTemperature(logits, classes, temperature), labels, classes);
  return { temperature, n: labels.length, before, after };
}

/**
 * What a temperature does to the calibration of cases, such as those on which it was not fitted.
 *
 * @param logits [n, classes], row-major.
 * @param labels [n] true class indices.
 * @throws MsmaeError as `applyTemperature`; Data or Shape for logits that are not finite or do not fit the labels.
 */
export function temperatureEffect(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  temperature: number,
): TemperatureEffect {
  checkLogits(logits);
  const quality = (at: number) => qualityOf(applyTemperature(logits, classes, at), labels, classes);
  return { temperature, before: quality(1), after: quality(temperature) };
}

/** Whether no class has a higher logit than the true one, in any row. */
function allHighest(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): boolean {
  for (let at = 0; at < labels.length; at++) {
    const truth = logits[at * classes + (labels[at] as number)] as number;
    for (let k = 0; k < classes; k++) if ((logits[at * classes + k] as number) > truth) return false;
  }
  return true;
}

interface Slope {
  slope: number;
  curvature: number;
}

/** The derivatives of the mean log-loss by what the logits are multiplied by: it is convex, so that the slope has one root. */
function lossSlope(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): (sharpness: number) => Slope {
  const row = new Float64Array(classes);
  return (sharpness) => {
    let [slope, curvature] = [0, 0];
    for (let at = 0; at < labels.length; at++) {
      const from = at * classes;
      softmaxRow(logits, from, classes, sharpness, row, 0);
      let [mean, square] = [0, 0];
      // Relative to the true class, so that nothing is lost where logits are large.
      const truth = logits[from + (labels[at] as number)] as number;
      for (let k = 0; k < classes; k++) {
        const above = (logits[from + k] as number) - truth;
        mean += (row[k] as number) * above;
        square += (row[k] as number) * above * above;
      }
      slope += mean;
      curvature += square - mean * mean;
    }
    return { slope: slope / labels.length, curvature: curvature / labels.length };
  };
}

/** The root in [0, high], by Newton's method, or by halves where that would leave what is known to hold the root. */
function rootOf(slope: (at: number) => Slope, high: number): number {
  let [from, to, at] = [0, high, high];
  for (let step = 0; step < 200; step++) {
    const found = slope(at);
    if (found.slope < 0) from = at;
    else to = at;
    const newton = at - found.slope / found.curvature;
    const next = newton > from && newton < to ? newton : (from + to) / 2;
    if (Math.abs(next - at) <= 1e-14 * next) return next;
    at = next;
  }
  return at;
}

function softmaxRow(
  logits: ArrayLike<number>,
  from: number,
  classes: number,
  sharpness: number,
  out: Float64Array,
  to: number,
): void {
  let highest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < classes; k++) highest = Math.max(highest, logits[from + k] as number);
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const value = Math.exp(sharpness * ((logits[from + k] as number) - highest));
    out[to + k] = value;
    sum += value;
  }
  for (let k = 0; k < classes; k++) out[to + k] = (out[to + k] as number) / sum;
}

function qualityOf(probabilities: Float64Array, labels: ArrayLike<number>, classes: number) {
  const checked = checkProbabilities(probabilities, labels, classes);
  const predictions = argmaxRows(checked);
  const bins = calibrationBins(topProbabilities(checked, predictions), correctness(checked, predictions));
  return { logLoss: logLoss(checked), ece: expectedCalibrationError(bins) };
}

function checkLogits(logits: ArrayLike<number>): void {
  for (let at = 0; at < logits.length; at++) {
    if (Number.isFinite(logits[at])) continue;
    throw new MsmaeError("Data", {
      where: `temperature, logit ${at}`,
      expected: "a finite number",
      got: String(logits[at]),
      todo: "look for non-finite weights; of probabilities give logarithms clipped away from 0",
    });
  }
}
