import type { Html } from "../html.ts";
import { calibrationPart } from "./calibration.ts";
import { intervalsPart } from "./intervals.ts";
import { localisationPart } from "./localisation.ts";
import { operatingPart } from "./operating-point.ts";
import type { ClinicalFigures } from "./types.ts";

/** What a clinical reader asks beside the figures, a file for each part, in the report's order. */
export function clinicalParts(figures: ClinicalFigures): Html[] {
  return [intervalsPart, operatingPart, calibrationPart, localisationPart].flatMap((part) => part(figures));
}
