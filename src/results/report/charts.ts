import type { CalibrationBin, ClassificationMetrics, ReliabilityBin, RocCurve } from "../metrics/index.ts";
import type { TopLevelSpec } from "./generated/vega.js";
import { escapeHtml, Html, html } from "./html.ts";
import type { CurveChart, CurveSeries } from "./types.ts";

const WIDTH = 300;
const HEIGHT = 210;
/** Colours --series-1 … --series-8 of the style sheet; it knows the light and the dark ones. */
export const SERIES_COLOURS = Array.from({ length: 8 }, (_, i) => `var(--series-${i + 1})`);
/** Beyond eight series the colours repeat with another dash. */
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
];

const CONFIG: TopLevelSpec["config"] = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--ink-soft)",
    titleColor: "var(--ink-soft)",
    titleFontWeight: "normal",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
    gridColor: "var(--line)",
    gridOpacity: 0.7,
    labelFontSize: 11,
    titleFontSize: 12,
  },
  legend: {
    orient: "bottom",
    labelColor: "var(--ink)",
    labelFontSize: 12,
    title: null,
    symbolStrokeWidth: 2,
    symbolType: "stroke",
    symbolOpacity: 1,
  },
};

/** Values over epochs, one line per series, the runs that it is the mean of as thin lines behind it. */
export async function curveChart({ title, xTitle = "epoch", yTitle, yFormat, series }: CurveChart): Promise<Html> {
  const values = series.flatMap(({ name, points }) =>
    finitePoints(points).map((point) => ({ ...point, series: name })),
  );
  const single = series.every(({ points }) => points.length < 2);
  const encoding = {
    x: { field: "epoch", type: "quantitative" as const, title: xTitle, axis: { tickMinStep: 1, grid: false } },
    y: {
      field: "value",
      type: "quantitative" as const,
      title: yTitle,
      axis: { ...(yFormat !== undefined && { format: yFormat }), tickCount: 5 },
      scale: { zero: false },
    },
    ...seriesEncoding(series.map(({ name }) => name)),
  };
  const mark = { type: "line" as const, strokeWidth: 2, interpolate: "linear" as const, point: single };
  const ofRuns = series.flatMap(({ name, runs = [] }) =>
    runs.flatMap((points, run) => finitePoints(points).map((point) => ({ ...point, series: name, run }))),
  );
  const thin = { type: "line" as const, strokeWidth: 1, opacity: 0.35, interpolate: "linear" as const };
  const drawn =
    ofRuns.length === 0
      ? { data: { values }, mark, encoding }
      : {
          layer: [
            { data: { values: ofRuns }, mark: thin, encoding: { ...encoding, detail: { field: "run" } } },
            { data: { values }, mark, encoding },
          ],
        };
  const chart = await svg(
    `${title}: ${series.map(({ name }) => name).join(", ")} over ${xTitle === "epoch" ? "epochs" : xTitle}`,
    { width: WIDTH, height: HEIGHT, ...drawn },
  );
  return figure(title, chart);
}

function finitePoints(points: CurveSeries["points"]): { epoch: number; value: number }[] {
  return points.filter(([, value]) => Number.isFinite(value)).map(([epoch, value]) => ({ epoch, value }));
}

/** One ROC curve per class against the rest; undefined where no class has one. */
export async function rocChart({ roc, perClass }: ClassificationMetrics): Promise<Html | undefined> {
  const curves = roc.map(({ curve }, k) => ({ curve, auc: perClass[k]?.auc ?? null, name: perClass[k]?.class ?? "" }));
  return rocCurvesChart("ROC, each class against the rest (area under the curve)", curves);
}

/** ROC curves under a title, each with its area; undefined where none is defined. */
export async function rocCurvesChart(
  title: string,
  curves: readonly { name: string; auc: number | null; curve: RocCurve | null }[],
): Promise<Html | undefined> {
  const drawn = curves.flatMap(({ name, auc, curve }) => {
    return curve === null ? [] : [{ curve, series: `${name} (${auc?.toFixed(3)})` }];
  });
  if (drawn.length === 0) return undefined;
  const values = drawn.flatMap(({ curve, series }) =>
    curve.fpr.map((fpr, order) => ({ fpr, tpr: curve.tpr[order] as number, order, series })),
  );
  const chart = await svg(`ROC curves: ${drawn.map(({ series }) => series).join(", ")}`, {
    width: WIDTH,
    height: WIDTH,
    layer: [
      diagonal(),
      {
        data: { values },
        mark: { type: "line", strokeWidth: 2, interpolate: "linear" },
        encoding: {
          x: { field: "fpr", type: "quantitative", title: "1 − specificity", ...UNIT_AXIS },
          y: { field: "tpr", type: "quantitative", title: "sensitivity", ...UNIT_AXIS },
          order: { field: "order", type: "quantitative" },
          ...seriesEncoding(drawn.map(({ series }) => series)),
        },
      },
    ],
  });
  return figure(title, chart);
}

/** Share predicted right per bin of confidence, with intervals where the bins have them, and how many images each bin holds. */
export async function reliabilityChart(bins: readonly (CalibrationBin | ReliabilityBin)[]): Promise<Html> {
  const values = bins.filter(({ count }) => count > 0);
  const x = (title: string | null) => ({
    field: "from",
    type: "quantitative" as const,
    bin: "binned" as const,
    title,
    ...UNIT_AXIS,
  });
  const chart = await svg("Reliability diagram: share predicted right for each confidence, and number of images", {
    spacing: 8,
    vconcat: [
      {
        width: WIDTH,
        height: HEIGHT,
        layer: [
          {
            data: { values },
            mark: { type: "bar", color: "var(--series-1)", opacity: 0.75, binSpacing: 1 },
            encoding: {
              x: x(null),
              x2: { field: "to" },
              y: { field: "accuracy", type: "quantitative", title: "share predicted right", ...UNIT_AXIS },
            },
          },
          diagonal(),
          ...binIntervals(values),
        ],
      },
      {
        width: WIDTH,
        height: 50,
        data: { values },
        mark: { type: "bar", color: "var(--ink-soft)", opacity: 0.6, binSpacing: 1 },
        encoding: {
          x: x("confidence (top probability)"),
          x2: { field: "to" },
          y: { field: "count", type: "quantitative", title: "images", axis: { tickCount: 2, grid: false } },
        },
      },
    ],
  });
  const whiskers = bins.some((bin) => "low" in bin) ? "; lines across their ends are 95 % intervals (Wilson)" : "";
  return figure(`Reliability: bars on the diagonal mean that stated confidence is deserved${whiskers}`, chart);
}

function binIntervals(bins: readonly (CalibrationBin | ReliabilityBin)[]) {
  const values = bins.flatMap((bin) =>
    "low" in bin ? [{ middle: (bin.from + bin.to) / 2, low: bin.low, high: bin.high }] : [],
  );
  if (values.length === 0) return [];
  return [
    {
      data: { values },
      mark: { type: "rule" as const, color: "var(--ink)", strokeWidth: 1.5 },
      encoding: {
        x: { field: "middle", type: "quantitative" as const },
        y: { field: "low", type: "quantitative" as const },
        y2: { field: "high" },
      },
    },
  ];
}

const DICE_BINS = 20;

/** How many images have which Dice. */
export async function diceChart(dice: readonly number[]): Promise<Html> {
  const values = Array.from({ length: DICE_BINS }, (_, bin) => ({
    from: bin / DICE_BINS,
    to: (bin + 1) / DICE_BINS,
    // The last bin holds its upper end too.
    count: dice.filter((value) => Math.min(DICE_BINS - 1, Math.floor(value * DICE_BINS)) === bin).length,
  }));
  const chart = await svg(`Histogram of Dice over ${dice.length} images`, {
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: "bar", color: "var(--series-1)", opacity: 0.75, binSpacing: 1 },
    encoding: {
      x: { field: "from", type: "quantitative", bin: "binned", title: "Dice", ...UNIT_AXIS },
      x2: { field: "to" },
      y: { field: "count", type: "quantitative", title: "images", axis: { tickMinStep: 1, tickCount: 5 } },
    },
  });
  return figure("Dice of single images with something to outline, in truth or prediction", chart);
}

/** An axis from 0 to 1. */
export const UNIT_AXIS = { scale: { domain: [0, 1] }, axis: { tickCount: 5, format: ".1~f" } };

/** The line of equal values, dashed. */
export function diagonal() {
  return {
    data: { values: [{ at: 0 }, { at: 1 }] },
    mark: { type: "line" as const, color: "var(--ink-soft)", strokeDash: [4, 4], strokeWidth: 1 },
    encoding: {
      x: { field: "at", type: "quantitative" as const, scale: { domain: [0, 1] } },
      y: { field: "at", type: "quantitative" as const, scale: { domain: [0, 1] } },
    },
  };
}

function seriesEncoding(names: readonly string[]) {
  const range = names.map((_, i) => SERIES_COLOURS[i % SERIES_COLOURS.length] as string);
  const dashes = names.map((_, i) => DASHES[Math.floor(i / SERIES_COLOURS.length) % DASHES.length] as number[]);
  // Long names stand one below the other rather than cut short.
  const columns = Math.max(...names.map((name) => name.length)) > 16 ? 1 : 2;
  // In pixels as Vega reckons them without a screen, half as much again as the text takes.
  const legend = { legend: names.length > 1 ? { columns, labelLimit: columns === 1 ? 420 : 170 } : null };
  return {
    color: { field: "series", type: "nominal" as const, scale: { domain: [...names], range }, ...legend },
    strokeDash: { field: "series", type: "nominal" as const, scale: { domain: [...names], range: dashes }, ...legend },
  };
}

/** A chart under its title. */
export function figure(title: string, chart: Html): Html {
  return html`<figure class="chart"><figcaption>${title}</figcaption>${chart}</figure>`;
}

let drawnCharts = 0;

/** Draws a chart. Vega and Vega-Lite are heavy: they load only when a report draws its first one. */
export async function svg(description: string, spec: TopLevelSpec): Promise<Html> {
  const { compile, parse, View } = await import("./generated/vega.js");
  const compiled = compile({ ...spec, config: CONFIG } as TopLevelSpec).spec;
  const view = new View(parse(compiled), { renderer: "none" });
  const markup = await view.toSVG();
  view.finalize();
  return new Html(embedded(markup, description));
}

/** The SVG fit for its place in the page: scales with the column, one image to a screen reader, ids of its own. */
function embedded(markup: string, description: string): string {
  const [, width = "0", height = "0"] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(markup) ?? [];
  const prefix = `chart${drawnCharts++}-`;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" style="max-width:${Math.round(Number(width) * 1.3)}px" role="img" aria-label="${escapeHtml(description)}">`;
  return markup
    .replace(/^<svg[^>]*>/, open)
    .replace(/id="/g, `id="${prefix}`)
    .replace(/url\(#/g, `url(#${prefix}`);
}
