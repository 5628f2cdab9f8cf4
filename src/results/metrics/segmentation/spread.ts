import { quantileOf } from "../quantile.ts";

/** How a figure is spread over images. */
export interface Spread {
  /** Images that have the figure. */
  n: number;
  mean: number;
  /** First quartile, by linear interpolation as the two that follow. */
  q1: number;
  median: number;
  q3: number;
  min: number;
  max: number;
}

/** The spread of those figures that are defined; null where none is. */
export function spreadOf(figures: readonly (number | null)[]): Spread | null {
  const values = Float64Array.from(figures.filter((value) => value !== null)).sort();
  const n = values.length;
  if (n === 0) return null;
  const at = (share: number): number => quantileOf(values, share);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  return { n, mean, q1: at(0.25), median: at(0.5), q3: at(0.75), min: at(0), max: at(1) };
}
