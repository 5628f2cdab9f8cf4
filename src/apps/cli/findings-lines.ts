import type { FindingsFigures } from "../../inference/outcomes/findings.ts";
import type { Estimate } from "../../results/metrics/index.ts";
import { figuresLine, toldWith } from "./classification-lines.ts";
import { withInterval } from "./clinical-lines.ts";
import { formatRecord } from "./output.ts";

/** The figures of several findings for people: those of all images, and a line per finding; with intervals where there are some. */
export function findingsLines({
  perFinding,
  findings: _names,
  intervals,
  intervalsPerFinding,
  resampling: _resampling,
  ...figures
}: FindingsFigures): string[] {
  const rows = perFinding.map((row, k) => {
    const own: Readonly<Record<string, Estimate>> = intervalsPerFinding?.[k]?.figures ?? {};
    const told = Object.entries(row).map(([name, value]) => {
      const estimate = own[name];
      return [name, estimate ? `${name} ${withInterval(estimate)}` : value];
    });
    return Object.fromEntries(told) as object;
  });
  return [
    ...formatRecord(intervals ? toldWith(figures, intervals) : figures),
    "",
    "per finding:",
    ...rows.map(figuresLine),
  ];
}
