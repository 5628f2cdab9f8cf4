import type { FindingsFigures } from "../../inference/outcomes/findings.ts";
import { figuresLine } from "./classification-lines.ts";
import { formatRecord } from "./output.ts";

/** The figures of several findings for people: those of all images, and a line per finding. */
export function findingsLines({ perFinding, findings: _names, ...figures }: FindingsFigures): string[] {
  return [...formatRecord(figures), "", "per finding:", ...perFinding.map(figuresLine)];
}
