import { sameType, toRowMajor } from "../row-major.ts";
import type { SourceImage, StoredArray } from "../source-image.ts";
import { sortedSample } from "../statistics.ts";
import { isBig, swapBytes, viewAs } from "../typed-arrays.ts";
import { isCifti, type NiftiHeader } from "./header.ts";
import type { Plane } from "./planes.ts";

/** Values of a volume that stand for all of it in percentile windows. */
const SAMPLE_SIZE = 4096;

/** The voxels of a NIfTI file in memory, as stored; scaling happens to what is read. */
export class Volume {
  readonly header: NiftiHeader;
  /** Voxels of one three-dimensional volume. */
  readonly voxels: number;
  /** Components of all voxels, in stored order; 64-bit integers as such. */
  readonly #stored: StoredArray["data"];
  readonly #samples = new Map<number, Float64Array>();

  /** @param bytes the voxels alone, in the header's byte order, which is turned around in place where need be. */
  constructor(header: NiftiHeader, bytes: Uint8Array) {
    const { component, size } = header.type;
    if (!header.littleEndian) swapBytes(bytes, size);
    this.header = header;
    this.voxels = header.shape.slice(0, 3).reduce((product, length) => product * length, 1);
    this.#stored = viewAs(component, bytes);
  }

  /** One slice of the volume at `plane`, its values scaled, [height, width, channels]. */
  readPlane(plane: Plane): SourceImage["values"] {
    const { components, component } = this.header.type;
    const { start, rows, rowStep, columns, columnStep } = plane;
    const channels = components > 2 ? 3 : 1;
    const length = rows * columns * channels;
    const stored = this.#stored;
    if (components === 1 && !this.header.scaling && !isBig(stored)) {
      const values = sameType(stored, length);
      for (let row = 0, to = 0; row < rows; row++) {
        for (let column = 0, from = start + row * rowStep; column < columns; column++, from += columnStep) {
          values[to++] = stored[from] as number;
        }
      }
      return values;
    }
    const values = component === "uint8" && channels === 3 ? new Uint8Array(length) : new Float64Array(length);
    const valueAt = this.#reader();
    for (let row = 0, to = 0; row < rows; row++) {
      for (let column = 0, from = start + row * rowStep; column < columns; column++, from += columnStep) {
        for (let channel = 0; channel < channels; channel++) values[to++] = valueAt(from, channel);
      }
    }
    return values;
  }

  /** Sorted scaled values that stand for one volume's, its smallest and largest finite ones among them. */
  sample(volume: number): Float64Array {
    const held = this.#samples.get(volume);
    if (held) return held;
    const { components } = this.header.type;
    const stored = this.#stored;
    const from = volume * this.voxels;
    let sample: Float64Array;
    if (components === 1 && !isBig(stored)) {
      // Scaling keeps the order or turns it around, so that a few stored values can be chosen first.
      const { slope, intercept } = this.header.scaling ?? { slope: 1, intercept: 0 };
      const chosen = sortedSample(stored.subarray(from, from + this.voxels), SAMPLE_SIZE);
      sample = this.header.scaling ? chosen.map((value) => value * slope + intercept).sort() : chosen;
    } else {
      const valueAt = this.#reader();
      sample = sortedSample(
        Float64Array.from({ length: this.voxels }, (_, i) => valueAt(from + i, 0)),
        SAMPLE_SIZE,
      );
    }
    this.#samples.set(volume, sample);
    return sample;
  }

  /** A voxel's scaled value, or the magnitude of a complex one; colours are not scaled. */
  #reader(): (voxel: number, channel: number) => number {
    const { components } = this.header.type;
    const stored = this.#stored;
    const { slope, intercept } = this.header.scaling ?? { slope: 1, intercept: 0 };
    if (components > 2) return (voxel, channel) => Number(stored[voxel * components + channel]);
    if (components === 1) return (voxel) => Number(stored[voxel]) * slope + intercept;
    return (voxel) => Math.hypot(Number(stored[2 * voxel]) * slope + intercept, Number(stored[2 * voxel + 1]) * slope);
  }

  /** Bytes that {@link Volume.array} takes. */
  get arrayBytes(): number {
    const { header } = this;
    const scaled = header.scaling && header.type.components <= 2;
    return this.#stored.length * (scaled ? Float64Array.BYTES_PER_ELEMENT : header.type.size);
  }

  /** All voxels as nibabel's `np.asanyarray(image.dataobj)`. */
  array(): StoredArray {
    const { header } = this;
    const { components, dtype } = header.type;
    const shape = isCifti(header) ? header.shape.slice(4) : [...header.shape];
    const data = toRowMajor(this.#stored, shape, components);
    if (!header.scaling || components > 2) return { shape, dtype, data };
    const { slope, intercept } = header.scaling;
    const scaled = new Float64Array(data.length);
    for (let at = 0; at < data.length; at++) {
      scaled[at] = Number(data[at]) * slope + (components === 2 && at % 2 === 1 ? 0 : intercept);
    }
    return { shape, dtype: components === 2 ? "complex128" : "float64", data: scaled };
  }
}
