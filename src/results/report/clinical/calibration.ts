import { decimal, type Html, html, table } from "../html.ts";
import { withInterval } from "./estimate.ts";
import type { ClinicalFigures, TemperatureTold } from "./types.ts";

/** Whether probabilities mean what they say. */
export function calibrationPart({ calibrationLines, temperature }: ClinicalFigures): Html[] {
  const lines = [html`<h3>Calibration</h3>`, calibrationTable(calibrationLines)];
  return temperature ? [...lines, ...temperatureNote(temperature)] : lines;
}

function temperatureNote(told: TemperatureTold): Html[] {
  const { applied, reason, fittedOn = 0, before, after } = told;
  const temperature = Number(told.temperature.toPrecision(3));
  if (reason !== undefined) {
    return [
      html`<p class="note">The checkpoint has no temperature, and the ${fittedOn} validation images give none: ${reason}.</p>`,
    ];
  }
  const note = applied
    ? `The checkpoint divides logits by ${temperature}, as its validation images ask; all figures here are so calibrated.`
    : `The checkpoint has no temperature, and the figures here are without one. The ${fittedOn} validation images ask for ${temperature}.`;
  const rows = [
    ["Log-loss", decimal(before.logLoss), decimal(after.logLoss)],
    ["Calibration error (ECE)", decimal(before.ece), decimal(after.ece)],
  ];
  const columns = ["Without", `At temperature ${temperature}`].map((title) => ({ title, numeric: true }));
  const caption = "What the temperature does on these images";
  return [html`<p class="note">${note}</p>`, table(caption, [{ title: "Figure" }, ...columns], rows)];
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
