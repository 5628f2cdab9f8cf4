import { figure, SERIES_COLOURS, svg } from "./charts.ts";
import type { Html } from "./html.ts";

const SIDE = 420;
/** Values that are drawn in colours of their own; what is rarer shares the last one. */
const MOST_GROUPS = 16;
/** Numbers of more values than this are a scale. */
const MOST_NUMBERS = 8;
const OTHERS = "others";
const SHAPES = ["circle", "triangle-up"] as const;

/** Images as points [n] of the plane, coloured by a value of each; without values all alike. */
export async function embeddingChart(
  places: readonly (readonly [number, number])[],
  name: string,
  values: readonly string[],
): Promise<Html> {
  const axis = { axis: null, scale: { zero: false } };
  const plane = {
    x: { field: "x", type: "quantitative" as const, ...axis },
    y: { field: "y", type: "quantitative" as const, ...axis },
  };
  const scale = isScale(values);
  const groups = scale ? [] : groupsOf(values);
  const points = places.map(([x, y], i) => {
    const value = values[i] ?? "";
    if (scale) return { x, y, value: Number(value) };
    const group = value === "" ? NOTHING : value;
    return { x, y, value: groups.includes(group) ? group : OTHERS };
  });
  const chart = await svg(`${places.length} images as points, coloured by ${name}`, {
    width: SIDE,
    height: SIDE,
    data: { values: points },
    mark: { type: "point", filled: true, size: pointSize(places.length), opacity: 0.7, strokeWidth: 0 },
    encoding: { ...plane, ...(scale ? scaleEncoding(name) : groupEncoding(groups)) },
  });
  return figure(`Coloured by ${name}`, chart);
}

/** What stands for an image of which the value is not known. */
const NOTHING = "not known";

function pointSize(count: number): number {
  return Math.max(8, Math.min(60, 20_000 / Math.max(1, count)));
}

/** Whether values are numbers of which there are too many for colours of their own. */
function isScale(values: readonly string[]): boolean {
  const known = values.filter((value) => value !== "");
  if (known.length < values.length || !known.every((value) => Number.isFinite(Number(value)))) return false;
  return new Set(known).size > MOST_NUMBERS;
}

/** The values in their order, where there are too many the most frequent ones, with {@link OTHERS} at the end. */
function groupsOf(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) {
    const group = value === "" ? NOTHING : value;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const byName = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });
  const all = [...counts.keys()].sort(byName);
  if (all.length <= MOST_GROUPS) return all;
  const frequent = all.toSorted((a, b) => (counts.get(b) as number) - (counts.get(a) as number));
  return [...frequent.slice(0, MOST_GROUPS - 1).sort(byName), OTHERS];
}

function scaleEncoding(name: string) {
  const legend = { title: name, gradientLength: SIDE / 2, direction: "horizontal" as const };
  return { color: { field: "value", type: "quantitative" as const, scale: { scheme: "viridis" as const }, legend } };
}

/** A colour for each group; beyond those that there are, the same with another shape. */
function groupEncoding(groups: readonly string[]) {
  const range = groups.map((_, i) => SERIES_COLOURS[i % SERIES_COLOURS.length] as string);
  const shapes = groups.map((_, i) => SHAPES[Math.floor(i / SERIES_COLOURS.length) % SHAPES.length] as string);
  const shared = groups.length > 1 ? { columns: 3, labelLimit: 130, symbolType: "circle" as const } : null;
  const field = { field: "value", type: "nominal" as const, legend: shared };
  return {
    color: { ...field, scale: { domain: [...groups], range } },
    shape: { ...field, scale: { domain: [...groups], range: shapes } },
  };
}
