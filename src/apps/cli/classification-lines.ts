import type { ClassificationFigures } from "../../inference/outcomes/classes.ts";
import { formatNumber, formatRecord } from "./output.ts";

/** A classifier's figures for people: those of all images, a line per class, and the confusion matrix. */
export function classificationLines({ perClass, confusion, ...figures }: ClassificationFigures): string[] {
  const classes = perClass.map(figuresLine);
  const width = Math.max(1, ...confusion.flat().map((count) => String(count).length));
  const matrix = confusion.map((row) => row.map((count) => String(count).padStart(width)).join(" "));
  return [
    ...formatRecord(figures),
    "",
    "per class:",
    ...classes,
    "",
    "confusion (rows: true class, columns: predicted):",
    ...matrix,
  ];
}

/** What a class or finding is called, and its figures. */
export function figuresLine(row: object): string {
  return Object.entries(row)
    .map(([name, value]) => (typeof value === "number" ? `${name} ${formatNumber(value)}` : String(value)))
    .join("  ");
}
