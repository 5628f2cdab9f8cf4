import { add, concat, constant, gather, reshape, split, transpose, zeros } from "../../engine/graph/builders.ts";
import type { Pair, Value } from "../../engine/graph/types.ts";
import type { Grid } from "./pos-embed.ts";

/** How the patches of a grid are looked at in windows. Numbers are of patches. */
export interface Windows {
  grid: Grid;
  /** Height and width of a window: not more than the grid has. */
  size: Pair;
  /** How far the grid is moved, round its edges, before it is cut into windows: up and to the left. */
  shift: Pair;
  /** Windows from top to bottom and from left to right. Where they do not fit, zeros are added below and on the right. */
  count: Pair;
}

/** What is added to scores whose patches were brought into a window from the other edge: enough that softmax forgets them. */
const FARAWAY = -100;

/** Windows of `side` patches, moved by half a side where `shifted`, along the sides of the grid that hold several. */
export function windowsOf(grid: Grid, side: number, shifted: boolean): Windows {
  const extents = [grid.height, grid.width] as const;
  const size = pairOf((axis) => Math.min(side, extents[axis]));
  return {
    grid,
    size,
    shift: pairOf((axis) => (shifted && extents[axis] > side ? Math.floor(side / 2) : 0)),
    count: pairOf((axis) => Math.ceil(extents[axis] / size[axis])),
  };
}

/**
 * The rows of a grid of patches, row n · B + b, window by window as if each window were an image: [patches of a window ·
 * windows · B, D], row m · (windows · B) + window · B + b.
 */
export function intoWindows(rows: Value, { grid, size, shift, count }: Windows, batch: number): Value {
  const dim = rows.shape[1] as number;
  const images = reshape(rows, [grid.height, grid.width, batch * dim]);
  const moved = roll(roll(images, 0, shift[0]), 1, shift[1]);
  const filled = fill(fill(moved, 0, count[0] * size[0]), 1, count[1] * size[1]);
  const cut = reshape(filled, [count[0], size[0], count[1], size[1], batch * dim]);
  return reshape(transpose(cut, [1, 3, 0, 2, 4]), [size[0] * size[1] * count[0] * count[1] * batch, dim]);
}

/** What {@link intoWindows} did, undone. */
export function outOfWindows(rows: Value, { grid, size, shift, count }: Windows, batch: number): Value {
  const dim = rows.shape[1] as number;
  const cut = reshape(rows, [size[0], size[1], count[0], count[1], batch * dim]);
  const whole = reshape(transpose(cut, [2, 0, 3, 1, 4]), [count[0] * size[0], count[1] * size[1], batch * dim]);
  const kept = keep(keep(whole, 0, grid.height), 1, grid.width);
  const images = roll(roll(kept, 0, -shift[0]), 1, -shift[1]);
  return reshape(images, [grid.height * grid.width * batch, dim]);
}

/**
 * Rows of a grid, each four neighbours side by side: [half the rows · half the columns · B, 4 D]. Of the four the left
 * column comes first, each column from top to bottom. An odd grid is filled with zeros below and on the right.
 */
export function mergedPatches(rows: Value, grid: Grid, batch: number): Value {
  const dim = rows.shape[1] as number;
  const [height, width] = [Math.ceil(grid.height / 2), Math.ceil(grid.width / 2)];
  const images = reshape(rows, [grid.height, grid.width, batch * dim]);
  const filled = fill(fill(images, 0, 2 * height), 1, 2 * width);
  const fours = transpose(reshape(filled, [height, 2, width, 2, batch, dim]), [0, 2, 4, 3, 1, 5]);
  return reshape(fours, [height * width * batch, 4 * dim]);
}

/** How many places one patch of a window can have relative to another: rows of a table of position biases. */
export function relativePlaces([height, width]: Pair): number {
  return (2 * height - 1) * (2 * width - 1);
}

/**
 * Scores [windows · B, heads, N, N] of the patches of windows with each other, with what `table` [places, heads] has for how
 * two patches lie to each other; where windows are moved, patches from opposite edges do not see each other.
 */
export function biasedByPlace(scores: Value, table: Value, windows: Windows, batch: number): Value {
  const [, heads, patches] = scores.shape as [number, number, number, number];
  const places = constant(placesOf(windows.size), [patches * patches], "int64");
  const bias = reshape(transpose(gather(table, places, 0), [1, 0]), [1, heads, patches, patches]);
  const placed = add(scores, bias);
  if (windows.shift.every((shift) => shift === 0)) return placed;
  const count = windows.count[0] * windows.count[1];
  const apart = constant(apartOf(windows), [count, 1, 1, patches, patches]);
  return reshape(add(reshape(placed, [count, batch, heads, patches, patches]), apart), scores.shape);
}

/** For each two patches of a window the row of the table: how far the first lies below the second, then to its right. */
function placesOf([height, width]: Pair): number[] {
  const patches = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width] as const);
  return patches.flatMap(([y, x]) =>
    patches.map(([otherY, otherX]) => (y - otherY + height - 1) * (2 * width - 1) + x - otherX + width - 1),
  );
}

/** [windows, N, N]: 0 for patches that lay beside each other before the grid was moved, else {@link FARAWAY}. */
function apartOf({ size, shift, count }: Windows): Float64Array {
  // Along an axis the moved grid has three parts: whole windows, and the last one's that stayed and that came round.
  const part = (axis: 0 | 1, at: number) => {
    const extent = count[axis] * size[axis];
    if (shift[axis] === 0 || at < extent - size[axis]) return 0;
    return at < extent - shift[axis] ? 1 : 2;
  };
  const patches = size[0] * size[1];
  const apart = new Float64Array(count[0] * count[1] * patches * patches);
  for (let window = 0; window < count[0] * count[1]; window++) {
    const [top, left] = [Math.floor(window / count[1]) * size[0], (window % count[1]) * size[1]];
    const parts = Array.from(
      { length: patches },
      (_, i) => 3 * part(0, top + Math.floor(i / size[1])) + part(1, left + (i % size[1])),
    );
    parts.forEach((one, i) => {
      parts.forEach((other, j) => {
        if (one !== other) apart[(window * patches + i) * patches + j] = FARAWAY;
      });
    });
  }
  return apart;
}

/** Moves along an axis round its end: the value at `by` comes first; a negative number moves back. */
function roll(x: Value, axis: number, by: number): Value {
  if (by === 0) return x;
  const extent = x.shape[axis] as number;
  const first = by > 0 ? by : extent + by;
  const [head, tail] = split(x, [first, extent - first], axis) as [Value, Value];
  return concat([tail, head], axis);
}

/** Adds zeros at the end of an axis. */
function fill(x: Value, axis: number, to: number): Value {
  const extent = x.shape[axis] as number;
  if (extent === to) return x;
  return concat([x, zeros(x.shape.map((length, i) => (i === axis ? to - extent : length)))], axis);
}

/** The start of an axis. */
function keep(x: Value, axis: number, extent: number): Value {
  const whole = x.shape[axis] as number;
  return whole === extent ? x : (split(x, [extent, whole - extent], axis)[0] as Value);
}

const pairOf = (of: (axis: 0 | 1) => number): Pair => [of(0), of(1)];
