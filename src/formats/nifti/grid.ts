import type { NiftiHeader } from "./header.ts";
import { closestOrientation, type Orientation, rotationOf } from "./orientation.ts";

/** Where the voxels of a file lie in the body, and how its pictures are cut out of them. */
export interface VoxelGrid {
  /** Voxels along the stored axes, the fastest first. */
  shape: [number, number, number];
  /**
   * [3, 4]: from a voxel's indices to the place of its centre, in millimetres to the right, the front and the top;
   * undefined where the file does not say.
   */
  affine: number[][] | undefined;
  orientation: Orientation;
  /** Its pictures are frames across the third axis, whatever the axis asked for. */
  frames: boolean;
}

/** How the voxels of one grid are found in the array of another. */
export interface Place {
  /** For each axis of the first grid, the step in the other's array. */
  strides: [number, number, number];
  /** Where the first voxel of the first grid stands there. */
  start: number;
}

/** How far apart two voxels may lie that are taken for the same one, in voxels: half of what would make them neighbours. */
const TOLERANCE = 0.25;

const UNIT_MM = { m: 1000, mm: 1, um: 1e-3 } as const;

/** @returns without an affine where neither sform nor qform is set, or nothing lies in its space. */
export function gridOfHeader(header: NiftiHeader): VoxelGrid {
  const [x = 1, y = 1, z = 1] = header.shape;
  const rotation = rotationOf(header);
  const { sformCode, qformCode, srow, qoffset, spatialUnit } = header;
  const unit = spatialUnit ? UNIT_MM[spatialUnit] : 1;
  const shift = (row: number) => (sformCode > 0 ? srow[row]?.[3] : qoffset[row]) as number;
  const affine = rotation.map((values, row) => [...values, shift(row)].map((value) => value * unit));
  const known = (sformCode > 0 || qformCode > 0) && inverse(affine) !== undefined;
  return {
    shape: [x, y, z],
    affine: known ? affine : undefined,
    orientation: closestOrientation(rotation),
    frames: false,
  };
}

/** Millimetres between neighbouring voxels along the three stored axes; undefined where the affine is. */
export function voxelSizes({ affine }: VoxelGrid): [number, number, number] | undefined {
  if (!affine) return undefined;
  return [0, 1, 2].map((axis) => Math.hypot(...affine.map((row) => row[axis] as number))) as [number, number, number];
}

/** The same from the header of a file that does not say where its voxels lie, if it gives sizes in a unit. */
export function headerSizes({ analyze, spatialUnit, pixdim }: NiftiHeader): [number, number, number] | undefined {
  const sizes = pixdim.slice(1, 4).map((size) => Math.abs(size) * (spatialUnit ? UNIT_MM[spatialUnit] : 1));
  const known = (analyze || spatialUnit !== undefined) && sizes.every((size) => size > 0 && Number.isFinite(size));
  return known ? (sizes as [number, number, number]) : undefined;
}

/**
 * Finds every voxel of `image` among those of `mask`: by their places in the body, or, where one of the files does not
 * tell places, by their indices.
 *
 * @throws Error where the mask does not hold a voxel for each of the image's, within a quarter of a voxel.
 */
export function placeOf(image: VoxelGrid, mask: VoxelGrid): Place {
  const strides = [1, mask.shape[0], mask.shape[0] * mask.shape[1]] as const;
  const toMask = image.affine && mask.affine && inverse(mask.affine);
  if (!image.affine || !toMask) {
    if (image.shape.join() === mask.shape.join()) return { strides: [...strides], start: 0 };
    throw new Error(`${sizeOf(mask)} voxels, without a common place in the body, for ${sizeOf(image)} of the image`);
  }
  const map = product(toMask, image.affine);
  const axes = axesOf(map, image.shape);
  const first = map.map((row) => Math.round(row[3] as number));
  const apart = Math.max(...corners(image.shape).map((corner) => distance(map, corner, snapped(axes, first, corner))));
  const inside = corners(image.shape).every((corner) =>
    snapped(axes, first, corner).every((index, axis) => index >= 0 && index < (mask.shape[axis] as number)),
  );
  if (!(apart <= TOLERANCE)) {
    throw new Error(`${sizeOf(mask)} voxels that lie up to ${apart.toPrecision(2)} voxels off the image's`);
  }
  if (!inside) throw new Error(`${sizeOf(mask)} voxels that do not cover the ${sizeOf(image)} of the image`);
  return {
    strides: axes.map(({ axis, sign }) => sign * (strides[axis] as number)) as Place["strides"],
    start: first.reduce((sum, index, axis) => sum + index * (strides[axis] as number), 0),
  };
}

interface SignedAxis {
  axis: number;
  sign: 1 | -1;
}

/** For each axis of the image the one of the mask that runs along it; single voxels take what is left over. */
function axesOf(map: readonly number[][], shape: VoxelGrid["shape"]): SignedAxis[] {
  const left = new Set([0, 1, 2]);
  const found: SignedAxis[] = [];
  const longestFirst = [0, 1, 2].sort((a, b) => (shape[b] as number) - (shape[a] as number));
  for (const own of longestFirst) {
    const entry = (axis: number) => map[axis]?.[own] as number;
    const axis = [...left].reduce((best, next) => (Math.abs(entry(next)) > Math.abs(entry(best)) ? next : best));
    left.delete(axis);
    found[own] = { axis, sign: entry(axis) < 0 ? -1 : 1 };
  }
  return found;
}

function corners([x, y, z]: VoxelGrid["shape"]): number[][] {
  return [0, x - 1].flatMap((i) => [0, y - 1].flatMap((j) => [0, z - 1].map((k) => [i, j, k])));
}

function snapped(axes: readonly SignedAxis[], first: readonly number[], corner: readonly number[]): number[] {
  const place = [...first];
  for (const [own, { axis, sign }] of axes.entries()) {
    place[axis] = (place[axis] as number) + sign * (corner[own] as number);
  }
  return place;
}

/** The largest difference along an axis, in voxels of the mask. */
function distance(map: readonly number[][], corner: readonly number[], place: readonly number[]): number {
  const differences = map.map((row, axis) => {
    const exact = corner.reduce((sum, index, own) => sum + index * (row[own] as number), row[3] as number);
    return Math.abs(exact - (place[axis] as number));
  });
  return Math.max(...differences);
}

/** Of two [3, 4] matrices. */
function product(left: readonly number[][], right: readonly number[][]): number[][] {
  return left.map((row) =>
    [0, 1, 2, 3].map((column) =>
      [0, 1, 2].reduce(
        (sum, k) => sum + (row[k] as number) * (right[k]?.[column] as number),
        column === 3 ? (row[3] as number) : 0,
      ),
    ),
  );
}

/** Of a [3, 4] matrix; undefined where it has none. */
function inverse(affine: readonly number[][]): number[][] | undefined {
  const at = (row: number, column: number) => affine[row]?.[column] as number;
  const minor = (row: number, column: number) => {
    const [a, b] = [0, 1, 2].filter((other) => other !== row) as [number, number];
    const [c, d] = [0, 1, 2].filter((other) => other !== column) as [number, number];
    return at(a, c) * at(b, d) - at(a, d) * at(b, c);
  };
  const determinant = at(0, 0) * minor(0, 0) - at(0, 1) * minor(0, 1) + at(0, 2) * minor(0, 2);
  const lengths = [0, 1, 2].map((column) => Math.hypot(at(0, column), at(1, column), at(2, column)));
  const volume = lengths.reduce((one, other) => one * other, 1);
  // Axes that all but lie in one plane are no space.
  if (!(Math.abs(determinant) > 1e-6 * volume) || !Number.isFinite(determinant)) return undefined;
  const turned = [0, 1, 2].map((row) =>
    [0, 1, 2].map((column) => ((row + column) % 2 === 0 ? 1 : -1) * (minor(column, row) / determinant)),
  );
  const result = turned.map((row) => [...row, -row.reduce((sum, value, k) => sum + value * at(k, 3), 0)]);
  return result.flat().every(Number.isFinite) ? result : undefined;
}

function sizeOf({ shape }: VoxelGrid): string {
  return shape.join("×");
}
