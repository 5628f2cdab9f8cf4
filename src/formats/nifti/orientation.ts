import type { NiftiHeader } from "./header.ts";

/** Which stored axis runs along which direction of the body. */
export interface Orientation {
  /** For right, anterior and superior in turn: the stored axis that runs along it, 0 to 2. */
  axes: [number, number, number];
  /** For each of the three: the stored axis runs the other way (to the left, to the back, downwards). */
  flipped: [boolean, boolean, boolean];
}

type Vector = [number, number, number];
/** Rows. */
type Matrix = [Vector, Vector, Vector];

/**
 * Steps in the body (right, anterior, superior; in the file's unit) for a step along each stored axis, as columns.
 *
 * The sform counts where it is set, else the qform, else voxel sizes alone with the first axis to the left, as nibabel
 * has it.
 */
export function rotationOf(header: NiftiHeader): Matrix {
  if (header.sformCode > 0) return header.srow.map((row) => row.slice(0, 3)) as Matrix;
  const sizes = [1, 2, 3].map((i) => Math.abs(header.pixdim[i] as number) || 1) as Vector;
  if (header.qformCode > 0) return fromQuaternion(header, sizes);
  return [
    [-sizes[0], 0, 0],
    [0, sizes[1], 0],
    [0, 0, sizes[2]],
  ];
}

// Source: nifti1.h, method 2; rounding errors beyond a unit quaternion are taken as a half turn.
function fromQuaternion({ quaternion, pixdim }: NiftiHeader, sizes: Vector): Matrix {
  let [b, c, d] = quaternion;
  const squares = b * b + c * c + d * d;
  const a = Math.sqrt(Math.max(0, 1 - squares));
  if (squares > 1) [b, c, d] = [b, c, d].map((part) => part / Math.sqrt(squares)) as Vector;
  const last = pixdim[0] === -1 ? -sizes[2] : sizes[2];
  return [
    [(a * a + b * b - c * c - d * d) * sizes[0], 2 * (b * c - a * d) * sizes[1], 2 * (b * d + a * c) * last],
    [2 * (b * c + a * d) * sizes[0], (a * a + c * c - b * b - d * d) * sizes[1], 2 * (c * d - a * b) * last],
    [2 * (b * d - a * c) * sizes[0], 2 * (c * d + a * b) * sizes[1], (a * a + d * d - c * c - b * b) * last],
  ];
}

/**
 * The flips and exchanges of axes that come closest to right, anterior, superior.
 *
 * Source: nibabel's `io_orientation`: the rotation nearest to the matrix without its voxel sizes is taken (polar
 * decomposition), then its largest entries in turn. Axes that point nowhere take what is left over, unflipped.
 */
export function closestOrientation(matrix: Matrix): Orientation {
  const axes: (number | undefined)[] = [undefined, undefined, undefined];
  const flipped: Orientation["flipped"] = [false, false, false];
  const rotation = matrix.flat().every(Number.isFinite) ? nearestRotation(withoutSizes(matrix)) : undefined;
  if (rotation) {
    const largest = (axis: number) => Math.max(...rotation.map((row) => Math.abs(row[axis] as number)));
    const sizes = [0, 1, 2].map(largest);
    const order = [0, 1, 2].sort((first, second) => (sizes[second] as number) - (sizes[first] as number));
    for (const axis of order) {
      const left = [0, 1, 2].filter((direction) => axes[direction] === undefined);
      const entry = (direction: number) => rotation[direction]?.[axis] as number;
      const best = left.reduce((most, next) => (Math.abs(entry(next)) > Math.abs(entry(most)) ? next : most));
      if (Math.abs(entry(best)) <= 1e-8) continue;
      axes[best] = axis;
      flipped[best] = entry(best) < 0;
    }
  }
  const unused = [0, 1, 2].filter((axis) => !axes.includes(axis));
  return { axes: axes.map((axis) => axis ?? unused.shift()) as Orientation["axes"], flipped };
}

/** Such as `RAS` or `LIA`: where each stored axis leads. */
export function axisCodes({ axes, flipped }: Orientation): string {
  const letters = ["RL", "AP", "SI"].map((pair, direction) => pair[flipped[direction] ? 1 : 0]);
  return [0, 1, 2].map((axis) => letters[axes.indexOf(axis)]).join("");
}

function withoutSizes(matrix: Matrix): Matrix {
  const sizes = [0, 1, 2].map((axis) => Math.hypot(...matrix.map((row) => row[axis] as number)) || 1);
  return matrix.map((row) => row.map((value, axis) => value / (sizes[axis] as number))) as Matrix;
}

/** P Qᵀ of the singular value decomposition P S Qᵀ, without the directions of singular value 0. */
function nearestRotation(matrix: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(multiply(transpose(matrix), matrix));
  const singular = values.map((value) => Math.sqrt(Math.max(0, value)));
  // Square roots of rounding errors are larger than nibabel's own bound of 3 ε.
  const least = Math.max(...singular) * 1e-7;
  const inverse: Matrix = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let k = 0; k < 3; k++) {
    const value = singular[k] as number;
    if (!(value > least)) continue;
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++) {
        const part = ((vectors[row]?.[k] as number) * (vectors[column]?.[k] as number)) / value;
        (inverse[row] as Vector)[column] = (inverse[row]?.[column] as number) + part;
      }
    }
  }
  return multiply(matrix, inverse);
}

/** Eigenvalues and, as columns, eigenvectors of a symmetric matrix, by Jacobi's rotations. */
function symmetricEigen(matrix: Matrix): { values: Vector; vectors: Matrix } {
  let current = matrix;
  let vectors: Matrix = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  for (let sweep = 0; sweep < 12; sweep++) {
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      const off = current[p][q];
      if (off === 0) continue;
      const angle = Math.atan2(2 * off, current[q][q] - current[p][p]) / 2;
      const turn: Matrix = [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ];
      turn[p][p] = Math.cos(angle);
      turn[q][q] = Math.cos(angle);
      turn[p][q] = Math.sin(angle);
      turn[q][p] = -Math.sin(angle);
      current = multiply(transpose(turn), multiply(current, turn));
      vectors = multiply(vectors, turn);
    }
  }
  return { values: [current[0][0], current[1][1], current[2][2]], vectors };
}

function multiply(left: Matrix, right: Matrix): Matrix {
  return left.map((row) =>
    [0, 1, 2].map((column) => row.reduce((sum, value, k) => sum + value * (right[k]?.[column] as number), 0)),
  ) as Matrix;
}

function transpose(matrix: Matrix): Matrix {
  return [0, 1, 2].map((row) => matrix.map((values) => values[row])) as Matrix;
}
