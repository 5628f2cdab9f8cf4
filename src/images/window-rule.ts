import { MsmaeError } from "../support/errors.ts";

/** How values of any unit become the 256 levels of a picture. */
export type WindowRule =
  /** The file's first window; else the full range of a picture's samples; else percentiles 0.5 and 99.5. */
  | { kind: "auto" }
  /** The full range of a picture's samples; else from the smallest to the largest value. */
  | { kind: "full" }
  /** The file's first window. */
  | { kind: "first" }
  /** The file's window of this name, in any case. */
  | { kind: "name"; name: string }
  | { kind: "window"; center: number; width: number }
  /** From 0 to 100, of the volume where there is one, else of the picture. */
  | { kind: "percentile"; low: number; high: number }
  /** Black and white. */
  | { kind: "range"; low: number; high: number };

/** Percentiles that `auto` and a bare `percentile` use: a few extreme voxels do not take the contrast. */
export const DEFAULT_PERCENTILES = { low: 0.5, high: 99.5 } as const;

const FORMS =
  "auto, full, first, name:NAME, CENTER,WIDTH (a width above 0), percentile, percentile:LOW,HIGH (of 0 to 100) or range:LOW,HIGH";

/**
 * Reads a window rule: `auto`, `full`, `first`, `name:LUNG` or just the name, `40,400` (centre and width),
 * `percentile`, `percentile:1,99`, `range:-1000,400`.
 *
 * @throws MsmaeError Config for anything else.
 */
export function parseWindow(text: string): WindowRule {
  const trimmed = text.trim();
  const [, key = "", rest] = /^([a-z]+)(?::(.*))?$/is.exec(trimmed) ?? [];
  const keyword = key.toLowerCase();
  if (rest === undefined) {
    if (keyword === "auto" || keyword === "full" || keyword === "first") return { kind: keyword };
    if (keyword === "percentile") return { kind: "percentile", ...DEFAULT_PERCENTILES };
    const numbers = twoNumbers(trimmed);
    if (numbers && numbers[1] > 0) return { kind: "window", center: numbers[0], width: numbers[1] };
    // A bare name starts with a letter, so that mistyped numbers are not taken for one.
    if (/^\p{L}[^,:]*$/u.test(trimmed) && keyword !== "range") return { kind: "name", name: trimmed };
  } else if (keyword === "name") {
    if (rest.trim() !== "") return { kind: "name", name: rest.trim() };
  } else {
    const [low, high] = twoNumbers(rest) ?? [Number.NaN, Number.NaN];
    if (keyword === "range" && low < high) return { kind: "range", low, high };
    if (keyword === "percentile" && low >= 0 && low < high && high <= 100) return { kind: "percentile", low, high };
  }
  throw new MsmaeError("Config", {
    where: "window",
    expected: FORMS,
    got: JSON.stringify(text),
    todo: "write the window in one of these forms",
  });
}

function twoNumbers(text: string): [number, number] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  const [first, second] = parts.map(Number);
  if (parts.length !== 2 || parts.includes("") || !Number.isFinite(first) || !Number.isFinite(second)) return undefined;
  return [first as number, second as number];
}
