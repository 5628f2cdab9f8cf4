import type { NumberFigures } from "../../inference/outcomes/number.ts";
import { toldWith } from "./classification-lines.ts";
import { formatRecord } from "./output.ts";

/** The figures of a number for people, with intervals where there are some. */
export function numberLines({ intervals, resampling: _resampling, ...figures }: NumberFigures): string[] {
  return formatRecord(intervals ? toldWith(figures, intervals) : figures);
}
