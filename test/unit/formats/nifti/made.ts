/** NIfTI-1 files with an orientation, for tests. */

export interface MadeNifti {
  shape: readonly number[];
  /** [3, 4], written as sform; without it neither code is set. */
  affine?: readonly (readonly number[])[];
  /** uint8, the first axis fastest. */
  voxels: Uint8Array;
  /** The header alone, with the magic of a pair. */
  pair?: boolean;
  /** No magic at all: Analyze. */
  analyze?: boolean;
}

export function makeNifti({ shape, affine, voxels, pair = false, analyze = false }: MadeNifti): Uint8Array {
  const bytes = new Uint8Array(pair || analyze ? 348 : 352 + voxels.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 348, true);
  for (const [at, size] of [shape.length, ...shape].entries()) view.setInt16(40 + 2 * at, size, true);
  view.setInt16(70, 2, true);
  view.setInt16(72, 8, true);
  for (let at = 0; at < 8; at++) view.setFloat32(76 + 4 * at, 1, true);
  view.setFloat32(108, pair || analyze ? 0 : 352, true);
  if (affine) {
    view.setInt16(254, 1, true);
    for (const [at, value] of affine.flat().entries()) view.setFloat32(280 + 4 * at, value, true);
  }
  if (!analyze) bytes.set(new TextEncoder().encode(pair ? "ni1\0" : "n+1\0"), 344);
  if (!pair && !analyze) bytes.set(voxels, 352);
  return bytes;
}

/** One way to store a volume: which axis of the body each stored axis runs along, and whether backwards. */
export interface Storage {
  axes: readonly [number, number, number];
  flips: readonly [boolean, boolean, boolean];
}

/** All 48 of them. */
export function allStorages(): Storage[] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ] as const;
  return orders.flatMap((axes) =>
    Array.from({ length: 8 }, (_, k): Storage => ({ axes, flips: [(k & 1) > 0, (k & 2) > 0, (k & 4) > 0] })),
  );
}

/**
 * The same volume stored in another way.
 *
 * @param size voxels to the right, front and top.
 * @param valueAt the value there.
 * @param world [3, 4] of the volume stored right, front, top.
 */
export function storeAs(
  { axes, flips }: Storage,
  size: readonly [number, number, number],
  valueAt: (x: number, y: number, z: number) => number,
  world: readonly (readonly number[])[],
): MadeNifti {
  const shape = axes.map((axis) => size[axis] as number);
  const [a = 0, b = 0, c = 0] = shape;
  const voxels = new Uint8Array(a * b * c);
  const bodyOf = (stored: readonly number[]): number[] => {
    const body = [0, 0, 0];
    for (const [own, axis] of axes.entries()) {
      const index = stored[own] as number;
      body[axis] = flips[own] ? (size[axis] as number) - 1 - index : index;
    }
    return body;
  };
  for (let at = 0; at < voxels.length; at++) {
    const [x = 0, y = 0, z = 0] = bodyOf([at % a, Math.floor(at / a) % b, Math.floor(at / (a * b))]);
    voxels[at] = valueAt(x, y, z);
  }
  const place = (body: readonly number[]) =>
    world.map((row) => body.reduce((sum, index, axis) => sum + index * (row[axis] as number), row[3] as number));
  const origin = place(bodyOf([0, 0, 0]));
  const columns = [0, 1, 2].map((own) => {
    const step = place(bodyOf([0, 1, 2].map((axis) => Number(axis === own))));
    return step.map((value, row) => value - (origin[row] as number));
  });
  const affine = origin.map((value, row) => [...columns.map((column) => column[row] as number), value]);
  return { shape, affine, voxels };
}
