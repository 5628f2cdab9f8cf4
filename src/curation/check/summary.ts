import type { CheckResult, FindingLevel } from "./result.ts";

const MARKS: Record<FindingLevel, string> = { leak: "LEAK   ", warning: "WARNING", note: "note   " };

/** A check's result for a terminal, a line each. */
export function checkSummary(result: CheckResult): string[] {
  const { images, findings, leakage, splitClassCounts, seconds, reportPath, fix } = result;
  const splits = Object.entries(splitClassCounts)
    .map(([split, counts]) => [split, Object.values(counts).reduce((sum, n) => sum + n, 0)] as const)
    .filter(([, n]) => n > 0)
    .map(([split, n]) => `${n} ${split}`);
  const lines = [`${images} images (${splits.join(", ")}), looked at in ${seconds.toFixed(1)} s`];
  for (const { level, title } of findings) lines.push(`${MARKS[level]}  ${title}`);
  if (findings.length === 0) lines.push("Nothing to remark on.");
  lines.push(leakage ? "The splits leak: figures measured on them are too good." : "No leak between splits was found.");
  if (fix) lines.push(`Cleaned split of ${fix.images} images: ${fix.path}`);
  if (reportPath) lines.push(`Report: ${reportPath}`);
  return lines;
}
