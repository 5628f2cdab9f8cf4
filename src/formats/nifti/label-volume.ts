import { MsmaeError } from "../../support/errors.ts";
import type { LabelVolume, SliceAxis } from "../source-image.ts";
import type { NiftiHeader } from "./header.ts";
import type { Planes } from "./planes.ts";

/** Bytes before the voxels: the header, and four that say that nothing follows it. */
const VOXELS_AT = 352;
const UNIT_CODES = { m: 1, mm: 2, um: 3 } as const;
// Source: nifti1.h, DT_UINT8 and NIFTI_INTENT_LABEL.
const UINT8 = 2;
const INTENT_LABEL = 1002;
/** NIfTI-1 counts voxels in 16 bits. */
const LONGEST_AXIS = 2 ** 15 - 1;

/** Labels of a NIfTI or Analyze file's voxels. Source: nifti1.h. */
export class NiftiLabels implements LabelVolume {
  readonly #header: NiftiHeader;
  readonly #planes: Planes;
  /** Voxels of one three-dimensional volume. */
  readonly #voxels: number;
  readonly #file: Uint8Array<ArrayBuffer>;

  /** @throws MsmaeError Data when an axis is longer than NIfTI-1 can tell. */
  constructor(header: NiftiHeader, planes: Planes) {
    if (header.shape.some((length) => length > LONGEST_AXIS)) {
      throw new MsmaeError("Data", {
        where: "label volume",
        expected: `at most ${LONGEST_AXIS} voxels along an axis, as NIfTI-1 has them`,
        got: header.shape.join("×"),
        todo: "cut the volume into parts",
      });
    }
    this.#header = header;
    this.#planes = planes;
    this.#voxels = header.shape.slice(0, 3).reduce((product, length) => product * length, 1);
    const all = header.shape.reduce((product, length) => product * length, 1);
    this.#file = new Uint8Array(VOXELS_AT + all);
  }

  put(index: number, axis: SliceAxis, labels: Uint8Array): void {
    const slices = this.#planes.count(axis);
    const { start, rows, rowStep, columns, columnStep } = this.#planes.at(axis, index % slices);
    const first = VOXELS_AT + Math.floor(index / slices) * this.#voxels + start;
    const volumes = (this.#file.length - VOXELS_AT) / this.#voxels;
    if (!(index >= 0 && index < slices * volumes) || labels.length !== rows * columns) {
      throw new MsmaeError("Shape", {
        where: "label volume",
        expected: `${rows * columns} labels of a picture from 0 to ${slices * volumes - 1}`,
        got: `${labels.length} of picture ${index}`,
        todo: "give the labels of a picture of this file, in its own size",
      });
    }
    for (let row = 0, from = 0; row < rows; row++) {
      for (let column = 0, to = first + row * rowStep; column < columns; column++, to += columnStep) {
        this.#file[to] = labels[from++] as number;
      }
    }
  }

  encode(): Uint8Array<ArrayBuffer> {
    const { shape, pixdim, spatialUnit, qformCode, sformCode, quaternion, qoffset, srow } = this.#header;
    const file = this.#file.slice();
    const view = new DataView(file.buffer);
    const floats = (at: number, values: readonly number[]) => {
      for (const [i, value] of values.entries()) view.setFloat32(at + 4 * i, value, true);
    };
    view.setInt32(0, 348, true);
    const dim = [shape.length, ...shape];
    for (let i = 0; i < 8; i++) view.setInt16(40 + 2 * i, dim[i] ?? 1, true);
    view.setInt16(68, INTENT_LABEL, true);
    view.setInt16(70, UINT8, true);
    view.setInt16(72, 8, true);
    floats(76, pixdim);
    floats(108, [VOXELS_AT, 1, 0]);
    view.setUint8(123, spatialUnit ? UNIT_CODES[spatialUnit] : 0);
    view.setInt16(252, qformCode, true);
    view.setInt16(254, sformCode, true);
    floats(256, [...quaternion, ...qoffset, ...srow.flat()]);
    file.set(new TextEncoder().encode("n+1\0"), 344);
    return file;
  }
}
