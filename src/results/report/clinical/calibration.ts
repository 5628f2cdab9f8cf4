import { decimal, type Html, html, table } from "../html.ts";
import { withInterval } from "./estimate.ts";
import type { ClinicalFigures } from "./types.ts";

/** Whether probabilities mean what they say. */
export function calibrationPart({ calibrationLines }: ClinicalFigures): Html[] {
  return [html`<h3>Calibration</h3>`, calibrationTable(calibrationLines)];
}

function calibrationTable(lines: ClinicalFigures["calibrationLines"]): Html {
  const rows = lines.map(({ class: name, inTheLarge, intercept, slope }) => [
    name,
    withInterval(inTheLarge, decimal),
    withInterval(intercept, decimal),
    withInterval(slope, decimal),
  ]);
  const columns = ["In the large (0 is best)", "Intercept (0 is best)", "Slope (1 is best)"];
  const caption = "Slopes below 1: probabilities are too extreme";
  return table(caption, [{ title: "Class" }, ...columns.map((title) => ({ title, numeric: true }))], rows);
}
