import type { ModelDifference } from "../../metrics/index.ts";
import { figure, svg } from "../charts.ts";
import type { Html } from "../html.ts";
import { figureName } from "./figure-names.ts";

const WIDTH = 420;
const STEP = 24;

/**
 * Differences of a pair with their intervals, one below the other, on one axis; an interval that does not reach 0 is drawn in
 * full. Undefined where none is defined.
 */
export async function differencesChart(
  title: string,
  rows: readonly (ModelDifference & { label: string })[],
): Promise<Html | undefined> {
  const known = rows.flatMap(({ label, delta, low, high }) =>
    delta === null || low === null || high === null
      ? []
      : [{ label, delta, low, high, certain: low > 0 || high < 0 ? "yes" : "no" }],
  );
  if (known.length === 0) return undefined;
  const y = {
    field: "label",
    type: "nominal" as const,
    sort: known.map(({ label }) => label),
    title: null,
    axis: { labelLimit: 260, domain: false, ticks: false, labelFontSize: 12 },
  };
  const scale = { zero: true, nice: true };
  const x = (field: string) => ({
    field,
    type: "quantitative" as const,
    title: "difference",
    scale,
    axis: { tickCount: 5 },
  });
  const opacity = {
    field: "certain",
    type: "ordinal" as const,
    scale: { domain: ["yes", "no"], range: [1, 0.5] },
    legend: null,
  };
  const chart = await svg(title, {
    width: WIDTH,
    height: { step: STEP },
    data: { values: known },
    layer: [
      {
        mark: { type: "rule", color: "var(--ink)", strokeDash: [4, 4] },
        encoding: { x: { datum: 0, type: "quantitative" } },
      },
      {
        mark: { type: "rule", color: "var(--series-1)", strokeWidth: 2 },
        encoding: { y, x: x("low"), x2: { field: "high" }, opacity },
      },
      {
        mark: { type: "point", filled: true, size: 60, color: "var(--series-1)", opacity: 1 },
        encoding: { y, x: x("delta") },
      },
    ],
  });
  return figure(title, chart);
}

/** Those differences of which more is better, on an axis of shares, labelled for a chart. */
export function drawable(rows: readonly ModelDifference[]): (ModelDifference & { label: string })[] {
  return rows
    .filter(({ metric }) => figureName(metric).isShare)
    .map((row) => ({ ...row, label: figureName(row.metric).title.replace(", %", "") }));
}
