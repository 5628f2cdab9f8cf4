import type { VoxelGrid } from "./nifti/grid.ts";

/** Numbers as a file holds them. */
export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A grey-scale transformation that the file itself names, in the unit of {@link SourceImage.values}. */
export type FileWindow =
  | {
      kind: "window";
      /** For example `LUNG`; empty where the file gives none. */
      name: string;
      center: number;
      width: number;
      shape: "LINEAR" | "LINEAR_EXACT" | "SIGMOID";
    }
  | {
      kind: "lut";
      name: string;
      /** The value that the first entry belongs to. */
      first: number;
      /** Output levels, scaled to [0, 1]. */
      levels: Float32Array;
    };

/** Millimetres between the centres of neighbouring pixels: from row to row, and from column to column. */
export type PixelSpacing = readonly [betweenRows: number, betweenColumns: number];

/** One picture of a file, before windowing: nothing has been rounded or cut off that the file holds. */
export interface SourceImage {
  width: number;
  height: number;
  /** 1: grey values of any unit. 3: RGB, whatever the file's own colour space. */
  channels: 1 | 3;
  /** [height, width, channels], rows from the top; grey values are rescaled to the file's unit (Hounsfield, …). */
  values: NumericArray;
  /** How the file asks to be shown; the first is its default. Empty for most formats. */
  windows: readonly FileWindow[];
  /** Small values are white (MONOCHROME1). */
  inverted: boolean;
  /**
   * [height, width], 1 where a pixel is no measurement: padding, or outside of what a scanner sees. Absent where there is
   * none. Values that are no finite number are no measurement either, without being marked here.
   */
  unmeasured?: Uint8Array;
  /**
   * The values that black and white have by the samples' type (0…255, 0…65535), where they are levels of a picture;
   * undefined where they measure something and have no such range (CT, float volumes).
   */
  levels: readonly [number, number] | undefined;
  /** How large the pixels are in the body, where the file says so. */
  spacing?: PixelSpacing;
  /**
   * Values between which percentile windows are to be looked for across slices of one volume, where known: the whole
   * volume's values as sorted samples (at most a few thousand), so that slices of one volume share one window.
   */
  volumeSample?: Float64Array;
}

/** What becomes of transparency: `drop` takes the colours as they are stored, the others lay them over a colour. */
export const ALPHA_RULES = ["drop", "black", "white"] as const;
export type AlphaRule = (typeof ALPHA_RULES)[number];

/** Along which direction of the body a volume is cut; files that hold frames or pages have no such choice. */
export type SliceAxis = "axial" | "coronal" | "sagittal";

/** Everything a file holds as one array, as the format's usual Python reader gives it. */
export interface StoredArray {
  shape: number[];
  /** NumPy's name, for example `int16`; as NumPy prints it where it has named parts. */
  dtype: string;
  /**
   * In C order (last axis fastest); bytes of `dtype`, little endian. Complex numbers are pairs of floats, and types of
   * several named bytes (NIfTI's RGB) are bytes.
   */
  data: NumericArray | BigInt64Array | BigUint64Array;
}

/** A label for every voxel of a volume: class indices, 0 where none was put. */
export interface LabelVolume {
  /**
   * Labels one picture, counted as the file's pictures are.
   *
   * @param labels uint8 [height, width] of the picture.
   * @throws MsmaeError Shape when they do not fit the picture, or there is none of this number.
   */
  put(index: number, axis: SliceAxis, labels: Uint8Array): void;
  /**
   * The volume as a NIfTI-1 file of uint8 in the place of the image: the same shape, voxel sizes, qform and sform, rounded to
   * fp32 where the image is NIfTI-2.
   */
  encode(): Uint8Array<ArrayBuffer>;
}

/** A file opened for reading its pictures: frames, pages or slices. */
export interface ImageFile {
  /** `DICOM`, `NIfTI-1`, `NIfTI-2`, `PNG`, `JPEG`, `WebP`, `BMP`, `TIFF`, `NumPy`. */
  format: string;
  /** Pictures along an axis; the axis matters for volumes only. */
  count(axis: SliceAxis): number;
  /** The picture that stands for the whole file where none is named; absent: the first. */
  defaultItem?(axis: SliceAxis): number;
  /** @throws MsmaeError Data where the picture cannot be decoded. */
  read(index: number, axis: SliceAxis): Promise<SourceImage>;
  /**
   * Of a volume: the same, but its pictures lie on those of a file of this grid, voxel on voxel.
   * @throws MsmaeError Data where that cannot be.
   */
  onGrid?(grid: VoxelGrid): ImageFile;
  /** Of a volume: labels of all its voxels, none so far, to be filled picture by picture and written where it lies. */
  labelVolume?(): LabelVolume;
  /** The whole pixel data, as pydicom's `pixel_array` or nibabel's `dataobj` gives it. */
  array(): Promise<StoredArray>;
  /** What the header says, for `data show`: plain JSON values, transferSyntax, photometric, spacing (mm) and the like. */
  header: Record<string, unknown>;
}
