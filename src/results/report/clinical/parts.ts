import type { Html } from "../html.ts";
import { budgetPart } from "./budget-curve.ts";
import { calibrationPart } from "./calibration.ts";
import { curvesPart } from "./curves.ts";
import { intervalsPart } from "./intervals.ts";
import { localisationPart } from "./localisation.ts";
import { operatingPart } from "./operating-point.ts";
import { patientsPart } from "./patients.ts";
import { subgroupsPart } from "./subgroups.ts";
import type { ClinicalFigures } from "./types.ts";

/** What a clinical reader asks beside the figures, a file for each part, in the report's order. */
export async function clinicalParts(figures: ClinicalFigures): Promise<Html[]> {
  const parts: Html[] = [];
  for (const part of [
    intervalsPart,
    operatingPart,
    curvesPart,
    calibrationPart,
    patientsPart,
    subgroupsPart,
    localisationPart,
    budgetPart,
  ]) {
    parts.push(...(await part(figures)));
  }
  return parts;
}
