import { MsmaeError } from "../../support/errors.ts";

/** Which pictures of a file that holds several become samples. */
export type SliceRule =
  | { kind: "all" | "first" | "middle" | "largest-label" }
  | { kind: "every"; step: number }
  /** Both ends are included, counted from 0. */
  | { kind: "range"; from: number; to: number };

const FORMS = "all, first, middle, every:N, range:A-B or largest-label";

/**
 * Reads `all`, `first`, `middle`, `every:N` (slices 0, N, 2N, …), `range:A-B` (slices A to B, both included, from 0) or
 * `largest-label` (the slice with the largest labelled area of the file's mask).
 *
 * @throws MsmaeError Config for anything else.
 */
export function parseSliceRule(text: string): SliceRule {
  const rule = text.trim().toLowerCase();
  if (rule === "all" || rule === "first" || rule === "middle" || rule === "largest-label") return { kind: rule };
  const step = /^every:(\d{1,9})$/.exec(rule)?.[1];
  if (step !== undefined && Number(step) > 0) return { kind: "every", step: Number(step) };
  const [, from, to] = /^range:(\d{1,9})-(\d{1,9})$/.exec(rule) ?? [];
  if (from !== undefined && Number(from) <= Number(to)) return { kind: "range", from: Number(from), to: Number(to) };
  throw new MsmaeError("Config", {
    where: "slices",
    expected: FORMS,
    got: `"${text}"`,
    todo: "for example every:5 or range:40-80",
  });
}

/**
 * The pictures of a file of `count` that a rule takes, in rising order. `middle` is the upper one of two; a range is cut
 * at the file's end and may take none.
 *
 * @param areas labelled pixels of each slice, needed by `largest-label`: the first slice of the largest area, or none
 * where nothing is labelled.
 */
export function applySliceRule(rule: SliceRule, count: number, areas: ArrayLike<number> = []): number[] {
  if (count < 1) return [];
  switch (rule.kind) {
    case "all":
      return Array.from({ length: count }, (_, at) => at);
    case "first":
      return [0];
    case "middle":
      return [count >> 1];
    case "every":
      return Array.from({ length: Math.ceil(count / rule.step) }, (_, at) => at * rule.step);
    case "range":
      return Array.from({ length: Math.max(0, Math.min(rule.to + 1, count) - rule.from) }, (_, at) => rule.from + at);
    case "largest-label":
      return largest(areas, count);
  }
}

function largest(areas: ArrayLike<number>, count: number): number[] {
  let best = -1;
  let most = 0;
  for (let at = 0; at < count; at++) {
    const area = areas[at] ?? 0;
    if (area > most) [best, most] = [at, area];
  }
  return best < 0 ? [] : [best];
}
