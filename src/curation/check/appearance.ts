import type { Pictures } from "./pictures.ts";

/** Shorter sides, in pixels, leave too little to see. */
const TINY_SIDE = 32;
/** Sides this many times those of the usual picture, or this fraction of them, are odd. */
const ODD_SIDE = 2;
/** More pictures than this share are no odd ones but another kind. */
const ODD_SHARE = 0.05;
/** Grey levels from the 1st to the 99th percentile that a picture must span. */
const LEAST_RANGE = 16;

/** Pictures that stand out by what can be measured without knowing what they show. */
export interface Appearance {
  /** How many pictures there are of each file format and of each mode (`grey uint8`), the most frequent first. */
  formats: Record<string, number>;
  modes: Record<string, number>;
  /** Pixels. */
  size: { smallest: Size; median: Size; largest: Size } | null;
  /** Positions of pictures with a side below 32 pixels. */
  tiny: number[];
  /** Positions of pictures whose size is far from the usual one. */
  oddSizes: number[];
  /** Positions of pictures whose shape is far from the usual one. */
  oddShapes: number[];
  /** Positions of pictures in a mode that few others have. */
  oddModes: number[];
  /** Positions of pictures that span few grey levels after the window. */
  lowRange: number[];
}

interface Size {
  width: number;
  height: number;
}

export function appearanceOf(pictures: Pictures): Appearance {
  const readable: number[] = [];
  for (let at = 0; at < pictures.count; at++) if (pictures.readable[at]) readable.push(at);
  const width = (at: number) => pictures.widths[at] as number;
  const height = (at: number) => pictures.heights[at] as number;
  const area = (at: number) => width(at) * height(at);
  const shape = (at: number) => width(at) / height(at);
  const byArea = [...readable].sort((a, b) => area(a) - area(b));
  const shapes = readable.map(shape).sort((a, b) => a - b);
  const usualShape = shapes[shapes.length >> 1] ?? 1;
  const middle = byArea[byArea.length >> 1] ?? 0;
  const usualArea = area(middle);
  const few = (found: number[]) => (found.length <= Math.max(1, ODD_SHARE * readable.length) ? found : []);
  const modes = counted(readable.map((at) => pictures.modes[at] as string));
  const rare = new Set(
    Object.keys(modes).filter((mode, rank) => rank > 0 && (modes[mode] as number) <= ODD_SHARE * readable.length),
  );
  const sizeOf = (at: number | undefined): Size =>
    at === undefined ? { width: 0, height: 0 } : { width: width(at), height: height(at) };
  return {
    formats: counted(readable.map((at) => pictures.formats[at] as string)),
    modes,
    size:
      readable.length === 0
        ? null
        : { smallest: sizeOf(byArea[0]), median: sizeOf(middle), largest: sizeOf(byArea.at(-1)) },
    tiny: readable.filter((at) => Math.min(width(at), height(at)) < TINY_SIDE),
    oddSizes: few(readable.filter((at) => isFar(Math.sqrt(area(at) / usualArea)))),
    oddShapes: few(readable.filter((at) => isFar(shape(at) / usualShape))),
    oddModes: readable.filter((at) => rare.has(pictures.modes[at] as string)),
    lowRange: readable.filter((at) => (pictures.ranges[at] as number) < LEAST_RANGE),
  };
}

function isFar(ratio: number): boolean {
  return ratio > ODD_SIDE || ratio < 1 / ODD_SIDE;
}

function counted(values: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}
