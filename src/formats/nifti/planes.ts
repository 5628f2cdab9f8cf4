import type { PixelSpacing, SliceAxis } from "../source-image.ts";
import type { Place } from "./grid.ts";
import type { Orientation } from "./orientation.ts";

/** Where the voxels of one picture stand; steps may be negative. Voxels are counted from the file's first. */
export interface Plane {
  start: number;
  rows: number;
  rowStep: number;
  columns: number;
  columnStep: number;
}

/** The slices across right, anterior and superior. */
const AXES = ["sagittal", "coronal", "axial"] as const;

/** One direction of the body: its number of voxels, the step between them and the first one's place. */
interface Direction {
  /** The stored axis that runs along it. */
  axis: number;
  length: number;
  step: number;
  first: number;
}

/**
 * How the slices of a volume lie in the file.
 *
 * Pictures are those of nearly every viewer, the patient's right on the picture's left: axial slices from below
 * upwards, anterior at the top; coronal slices from the back to the front, superior at the top; sagittal slices from
 * left to right, superior at the top and anterior on the left. A volume of one single slice has that one picture,
 * whatever the axis asked for. One voxel becomes one pixel, whatever its proportions.
 *
 * With the array R[x, y, z] of nibabel's `as_closest_canonical` (right, anterior, superior), [row, column] of picture k:
 * axial R[X−1−column, Y−1−row, k], coronal R[X−1−column, k, Z−1−row], sagittal R[k, Y−1−column, Z−1−row].
 */
export class Planes {
  readonly #directions: [Direction, Direction, Direction];
  /** The only axis with a picture worth the name. */
  readonly #only: SliceAxis | undefined;

  readonly #start: number;

  /**
   * @param shape voxels along the three stored axes, the fastest first.
   * @param place where they stand, if not one after the other from the file's first on.
   */
  constructor(
    shape: readonly [number, number, number],
    { axes, flipped }: Orientation,
    { strides, start }: Place = { strides: [1, shape[0], shape[0] * shape[1]], start: 0 },
  ) {
    this.#start = start;
    this.#directions = axes.map((axis, direction) => {
      const length = shape[axis] as number;
      const stride = strides[axis] as number;
      return flipped[direction]
        ? { axis, length, step: -stride, first: (length - 1) * stride }
        : { axis, length, step: stride, first: 0 };
    }) as [Direction, Direction, Direction];
    const thin = AXES.filter((_, direction) => this.#directions[direction]?.length === 1);
    this.#only = thin.length === 1 ? thin[0] : undefined;
  }

  /** Slices along an axis. */
  count(axis: SliceAxis): number {
    return this.#roles(axis).through.length;
  }

  /** Pixels of a slice along an axis. */
  pixels(axis: SliceAxis): number {
    const { down, across } = this.#roles(axis);
    return down.length * across.length;
  }

  /** How large the pixels of slices are, by the sizes of voxels along the three stored axes. */
  spacing(axis: SliceAxis, sizes: readonly [number, number, number]): PixelSpacing {
    const { down, across } = this.#roles(axis);
    return [sizes[down.axis] as number, sizes[across.axis] as number];
  }

  at(axis: SliceAxis, slice: number): Plane {
    const { through, down, across } = this.#roles(axis);
    // Both picture axes run against the body's: down is posterior or inferior, to the right is left or posterior.
    const last = ({ first, length, step }: Direction) => first + (length - 1) * step;
    return {
      start: this.#start + through.first + slice * through.step + last(down) + last(across),
      rows: down.length,
      rowStep: -down.step,
      columns: across.length,
      columnStep: -across.step,
    };
  }

  #roles(asked: SliceAxis): { through: Direction; down: Direction; across: Direction } {
    const [right, anterior, superior] = this.#directions;
    const axis = this.#only ?? asked;
    if (axis === "axial") return { through: superior, down: anterior, across: right };
    if (axis === "coronal") return { through: anterior, down: superior, across: right };
    return { through: right, down: superior, across: anterior };
  }
}
