import type { Comparison, Row } from "./harness.ts";

/** A table of the largest error per backend and group of quantities, and every row that is not ok. */
export function formatCase({ name, rows, notCovered }: Comparison): string {
  const lines = groupRows(rows).map(({ label, members }) => {
    const worst = members.reduce((a, b) => (severity(b) > severity(a) ? b : a));
    const count = members.length > 1 ? ` (${members.length})` : "";
    const verdict = members.every(({ ok }) => ok) ? "ok" : "FAILED";
    const figures = `${scientific(worst.maxAbsError)}  ${scientific(worst.tolerance)}`;
    return `  ${verdict.padEnd(7)}${worst.backend.padEnd(9)}${figures}  ${label}${count}`;
  });
  const failed = rows.filter(({ ok }) => !ok).map((row) => `  FAILED ${row.backend} ${row.quantity}: ${reason(row)}`);
  const missing = notCovered.map((quantity) => `  not covered yet: ${quantity === "*" ? "the whole case" : quantity}`);
  const header = rows.length > 0 ? ["         backend  max error  tolerance  quantity"] : [];
  return [name, ...header, ...lines, ...failed, ...missing].join("\n");
}

/** One line over all cases. */
export function formatSummary(comparisons: readonly Comparison[]): string {
  const rows = comparisons.flatMap((comparison) => comparison.rows);
  const failed = rows.filter(({ ok }) => !ok).length;
  const open = comparisons.filter(({ rows: own }) => own.length === 0).map(({ name }) => name);
  const notCovered = open.length > 0 ? `; not covered yet: ${open.join(", ")}` : "";
  return `${rows.length} quantities in ${comparisons.length - open.length} cases, ${failed} failed${notCovered}`;
}

/** Rows by backend and by quantity without the name of the tensor or the number of the step. */
function groupRows(rows: readonly Row[]): { label: string; members: Row[] }[] {
  const groups = new Map<string, { label: string; members: Row[] }>();
  for (const row of rows) {
    const label = row.quantity
      .replace(/(grad|adamw\/after\d+)\/[^ ]+/, "$1/*")
      .replace(/(adamw\/(?:loss|gradNorm))\/\d+$/, "$1/*")
      .replace(/^(pretrain|finetune|.*roc)\/.+/, "$1/*");
    const key = `${row.backend} ${label}`;
    const group = groups.get(key) ?? { label, members: [] };
    group.members.push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** How near a row is to its tolerance, or beyond it. */
function severity({ maxAbsError, tolerance }: Row): number {
  if (maxAbsError === null) return Infinity;
  return maxAbsError === 0 ? 0 : maxAbsError / tolerance;
}

function reason({ maxAbsError, tolerance, note }: Row): string {
  return note ?? `${scientific(maxAbsError)} > ${scientific(tolerance)}`;
}

function scientific(value: number | null): string {
  return (value === null ? "none" : value.toExponential(1)).padEnd(9);
}
