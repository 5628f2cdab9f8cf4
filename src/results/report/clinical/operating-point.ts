import type { OperatingPoint } from "../../metrics/index.ts";
import { decimal, type Html, html, table } from "../html.ts";
import { percentage, withInterval } from "./estimate.ts";
import type { ClinicalFigures } from "./types.ts";

/** What the classifier does at thresholds that were chosen on other images; nothing where none were. */
export function operatingPart({ operatingPoint }: ClinicalFigures): Html[] {
  if (operatingPoint === undefined) return [];
  return [
    html`<h3>At a threshold chosen on validation images</h3>`,
    operatingTable(operatingPoint.points, operatingPoint.chosenOn),
  ];
}

function operatingTable(points: readonly OperatingPoint[], chosenOn: number): Html {
  const columns = ["Threshold", "Sensitivity, %", "Specificity, %", "PPV, %", "NPV, %"];
  const rows = points.map(({ class: name, chosen, applied, reason }) => [
    name,
    chosen?.threshold === null || chosen === null ? (reason ?? "never") : decimal(chosen.threshold),
    ...(["sensitivity", "specificity", "ppv", "npv"] as const).map((figure) =>
      applied === null ? "–" : withInterval(applied.figures[figure], percentage),
    ),
  ]);
  const [first] = points;
  const caption = `Chosen by ${first?.rule.kind ?? "no rule"} on ${chosenOn} validation images, measured on these`;
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}
