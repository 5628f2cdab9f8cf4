import type { ClassificationFigures } from "../../inference/outcomes/classes.ts";
import type { Estimate } from "../../results/metrics/index.ts";
import { clinicalLines, withInterval } from "./clinical-lines.ts";
import { formatNumber, formatRecord } from "./output.ts";

/** A classifier's figures for people: those of all images, a line per class, and the confusion matrix. */
export function classificationLines({
  perClass,
  confusion,
  intervals,
  intervalsPerClass,
  resampling: _resampling,
  operatingPoint,
  calibration,
  patients,
  subgroups,
  localisation,
  budgetCurve,
  ...figures
}: ClassificationFigures): string[] {
  const classes = perClass.map(figuresLine);
  const width = Math.max(1, ...confusion.flat().map((count) => String(count).length));
  const matrix = confusion.map((row) => row.map((count) => String(count).padStart(width)).join(" "));
  return [
    ...formatRecord(intervals ? toldWith(figures, intervals) : figures),
    "",
    "per class:",
    ...classes,
    "",
    "confusion (rows: true class, columns: predicted):",
    ...matrix,
    ...clinicalLines({
      intervalsPerClass,
      operatingPoint,
      calibration,
      patients,
      subgroups,
      localisation,
      budgetCurve,
    }),
  ];
}

/** Figures with their intervals, where they have some. */
export function toldWith(figures: object, intervals: Readonly<Record<string, Estimate>>): object {
  const told = Object.entries(figures).map(([name, value]) => {
    const interval = intervals[name];
    return [name, interval ? withInterval(interval) : value];
  });
  return Object.fromEntries(told);
}

/** What a class or finding is called, and its figures. */
export function figuresLine(row: object): string {
  return Object.entries(row)
    .map(([name, value]) => (typeof value === "number" ? `${name} ${formatNumber(value)}` : String(value)))
    .join("  ");
}
