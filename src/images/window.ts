import type { RasterImage } from "../formats/raster.ts";
import type { FileWindow, NumericArray, SourceImage } from "../formats/source-image.ts";
import { finiteRange, percentileOf, sortedSample } from "../formats/statistics.ts";
import { MsmaeError } from "../support/errors.ts";
import { DEFAULT_PERCENTILES, type WindowRule } from "./window-rule.ts";

export { parseWindow, type WindowRule } from "./window-rule.ts";

/** What a rule comes to for one picture. */
export interface ResolvedWindow {
  /** Where it comes from, in words, for example `the file's window 1 of 2 (LUNG)`. */
  from: string;
  window: FileWindow | { kind: "range"; low: number; high: number };
}

/** From this many pixels on, 16-bit values go through a table of all their levels. */
const TABLE_PIXELS = 2 ** 14;

/**
 * Brings a picture to 8 bits: round(255 · level), with the level in [0, 1] that the rule gives each value.
 *
 * What is no measurement (padding, values that are no finite number) has no part in any window and becomes black, also
 * where small values are white (MONOCHROME1). A picture of one single value becomes black, unless a window or range of known ends gives it a level. Colours have no
 * window: they are scaled from the range of their type (by percentiles where it has none), whatever the rule. 8-bit pictures that need no change are
 * returned without a copy.
 *
 * @param where named in errors: the file.
 * @throws MsmaeError Data when the file lacks the window asked for, or percentiles are asked of no finite value.
 */
export function applyWindow(source: SourceImage, rule: WindowRule, where = "picture"): RasterImage {
  const { width, height, channels, values, inverted, spacing } = source;
  const known = { width, height, channels, ...(spacing && { spacing }) };
  const { window } = resolveWindow(source, rule, where);
  const asStored =
    values instanceof Uint8Array && !inverted && window.kind === "range" && window.low === 0 && window.high === 255;
  if (asStored && !source.unmeasured) return { ...known, pixels: values };
  const { bytes, allFinite } = toBytes(values, levelFunction(window), inverted);
  const unmeasured = allFinite ? source.unmeasured : unmeasuredPixels(source);
  if (!unmeasured) return { ...known, pixels: bytes };
  for (let at = 0; at < bytes.length; at++) if (unmeasured[Math.floor(at / channels)] === 1) bytes[at] = 0;
  return { ...known, pixels: bytes, unmeasured };
}

/** [height, width], 1 where a pixel is marked as no measurement or has a value that is no finite number; else undefined. */
function unmeasuredPixels({ values, channels, unmeasured }: SourceImage): Uint8Array | undefined {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return unmeasured;
  let marks = unmeasured;
  for (let at = 0; at < values.length; at++) {
    if (Number.isFinite(values[at])) continue;
    if (marks === unmeasured) marks = unmeasured?.slice() ?? new Uint8Array(values.length / channels);
    (marks as Uint8Array)[Math.floor(at / channels)] = 1;
  }
  return marks;
}

/**
 * The window that a rule comes to for one picture.
 *
 * @throws MsmaeError Data as {@link applyWindow}.
 */
export function resolveWindow(source: SourceImage, rule: WindowRule, where = "picture"): ResolvedWindow {
  const windows = source.channels === 1 ? source.windows : [];
  const asked: WindowRule = source.channels === 3 && rule.kind !== "full" ? { kind: "auto" } : rule;
  switch (asked.kind) {
    case "auto": {
      if (windows[0]) return fileWindow(windows, 0);
      if (source.levels) return fullRange(source.levels);
      return percentiles(source, DEFAULT_PERCENTILES.low, DEFAULT_PERCENTILES.high, where);
    }
    case "full": {
      if (source.levels) return fullRange(source.levels);
      const [low, high] = valueRange(source, where);
      return {
        from: `the smallest to the largest value of the ${scope(source)}`,
        window: { kind: "range", low, high },
      };
    }
    case "first":
      if (windows[0]) return fileWindow(windows, 0);
      throw noWindow(where, "a window in the file", windows);
    case "name": {
      const wanted = asked.name.toLowerCase();
      const at = windows.findIndex(({ name }) => name.trim().toLowerCase() === wanted);
      if (at >= 0) return fileWindow(windows, at);
      throw noWindow(where, `a window named ${asked.name}`, windows);
    }
    case "window": {
      const { center, width } = asked;
      return { from: "centre and width asked for", window: askedWindow(source, center, width) };
    }
    case "percentile":
      return percentiles(source, asked.low, asked.high, where);
    case "range":
      return { from: "range asked for", window: asked };
  }
}

function fileWindow(windows: readonly FileWindow[], at: number): ResolvedWindow {
  const window = windows[at] as FileWindow;
  const name = window.name === "" ? "" : ` (${window.name})`;
  return { from: `the file's window ${at + 1} of ${windows.length}${name}`, window };
}

function fullRange([low, high]: readonly [number, number]): ResolvedWindow {
  return { from: "the range of the samples' type", window: { kind: "range", low, high } };
}

// Centre and width mean what the file's own windows mean; without any, DICOM's LINEAR for whole numbers, whose
// half-step shift would be wrong for fractions.
function askedWindow(source: SourceImage, center: number, width: number): FileWindow {
  const own = source.windows.find((window) => window.kind === "window");
  const whole = !(source.values instanceof Float32Array || source.values instanceof Float64Array);
  const shape = own?.shape ?? (whole ? "LINEAR" : "LINEAR_EXACT");
  return { kind: "window", name: "", center, width, shape: shape === "LINEAR" && width < 1 ? "LINEAR_EXACT" : shape };
}

function percentiles(source: SourceImage, low: number, high: number, where: string): ResolvedWindow {
  const sorted = source.volumeSample ?? sortedSample(source.values, undefined, source.unmeasured);
  if (sorted.length === 0) throw noValue(where);
  const from = `percentiles ${low} and ${high} of the ${scope(source)}`;
  const ends: [number, number] = [percentileOf(sorted, low), percentileOf(sorted, high)];
  if (ends[0] < ends[1]) return { from, window: { kind: "range", low: ends[0], high: ends[1] } };
  // Nearly all values are one (a sparse mask): what differs from it is what there is to see.
  const [smallest, largest] = valueRange(source, where);
  return {
    from: `${from}, which are equal: the smallest to the largest value`,
    window: { kind: "range", low: smallest, high: largest },
  };
}

function scope(source: SourceImage): string {
  return source.volumeSample ? "volume" : "picture";
}

function valueRange(source: SourceImage, where: string): [number, number] {
  const sample = source.volumeSample;
  const range: [number, number] | undefined = sample?.length
    ? [sample[0] as number, sample[sample.length - 1] as number]
    : finiteRange(source.values, source.unmeasured);
  if (!range) throw noValue(where);
  return range;
}

function noValue(where: string): MsmaeError {
  return new MsmaeError("Data", {
    where,
    expected: "values to look for contrast in",
    got: "no measured value in the whole picture",
    todo: "remove the picture, or give a window (--window CENTER,WIDTH)",
  });
}

function noWindow(where: string, expected: string, windows: readonly FileWindow[]): MsmaeError {
  const names = windows.map(({ name }) => name || "without a name");
  return new MsmaeError("Data", {
    where,
    expected,
    got: names.length === 0 ? "none" : `windows ${names.join(", ")}`,
    todo: "name one that every file has, or give --window CENTER,WIDTH",
  });
}

/**
 * The level, in [0, 1] and before inversion, of a finite value.
 *
 * Source: DICOM PS3.3 C.11.2.1.2 (LINEAR, C.11.2.1.2.1; SIGMOID and LINEAR_EXACT, C.11.2.1.3) and C.11.1.1 (tables).
 */
export function levelFunction(window: ResolvedWindow["window"]): (value: number) => number {
  if (window.kind === "lut") {
    const { first, levels } = window;
    const last = levels.length - 1;
    return (value) => levels[Math.min(last, Math.max(0, Math.round(value - first)))] as number;
  }
  if (window.kind === "range") {
    const { low, high } = window;
    if (!(low < high)) return () => 0;
    return ramp(low, high - low);
  }
  const { center, width, shape } = window;
  if (shape === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (shape === "LINEAR_EXACT") return ramp(center - width / 2, width);
  if (width <= 1) return (value) => (value <= center - 0.5 ? 0 : 1);
  return ramp(center - 0.5 - (width - 1) / 2, width - 1);
}

function ramp(low: number, span: number): (value: number) => number {
  return (value) => {
    const level = (value - low) / span;
    return level <= 0 ? 0 : level >= 1 ? 1 : level;
  };
}

function toBytes(
  values: NumericArray,
  level: (value: number) => number,
  inverted: boolean,
): { bytes: Uint8Array; allFinite: boolean } {
  let allFinite = true;
  const byteOf = (value: number): number => {
    if (!Number.isFinite(value)) {
      allFinite = false;
      return 0;
    }
    const bright = level(value);
    return Math.round(255 * (inverted ? 1 - bright : bright));
  };
  const bytes = new Uint8Array(values.length);
  const lowest = lowestOfSmallType(values);
  if (lowest === undefined || values.length < TABLE_PIXELS) {
    for (let at = 0; at < values.length; at++) bytes[at] = byteOf(values[at] as number);
    return { bytes, allFinite };
  }
  const table = new Uint8Array(2 ** (8 * values.BYTES_PER_ELEMENT));
  for (let i = 0; i < table.length; i++) table[i] = byteOf(i + lowest);
  for (let at = 0; at < values.length; at++) bytes[at] = table[(values[at] as number) - lowest] as number;
  return { bytes, allFinite };
}

/** The smallest value of an integer type of 8 or 16 bits. */
function lowestOfSmallType(values: NumericArray): number | undefined {
  if (values instanceof Uint8Array || values instanceof Uint16Array) return 0;
  if (values instanceof Int8Array) return -128;
  return values instanceof Int16Array ? -(2 ** 15) : undefined;
}
