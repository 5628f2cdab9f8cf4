import { MsmaeError, messageOf } from "../../support/errors.ts";
import { overLimit, unreadable } from "../decode-error.ts";
import { checkPackedClaim, gunzipHead, isGzip } from "../gunzip.ts";
import type { Inflater } from "../inflater.ts";
import type { DecodeLimits } from "../limits.ts";
import type { FileWindow, ImageFile, SliceAxis, SourceImage } from "../source-image.ts";
import { gridOfHeader, headerSizes, type Place, placeOf, type VoxelGrid, voxelSizes } from "./grid.ts";
import {
  isCifti,
  looksLikeNifti,
  looksLikePairHeader,
  mostSlices,
  NIFTI_HEADER_BYTES,
  type NiftiHeader,
  readNiftiHeader,
  voxelBytesOf,
} from "./header.ts";
import { NiftiLabels } from "./label-volume.ts";
import { axisCodes } from "./orientation.ts";
import { Planes } from "./planes.ts";
import { Volume } from "./volume.ts";

/** Whether a file, packed with gzip or not, starts as NIfTI. */
export async function startsAsNifti(file: Uint8Array, inflater: Inflater): Promise<boolean> {
  return looksLikeNifti(await headOf(file, inflater));
}

/** Whether a file, packed with gzip or not, starts as the header of a NIfTI or Analyze pair. */
export async function startsAsPairHeader(file: Uint8Array, inflater: Inflater): Promise<boolean> {
  return looksLikePairHeader(await headOf(file, inflater));
}

/**
 * Opens a NIfTI-1 or NIfTI-2 file of any numeric type, packed with gzip or not. It is unpacked once and kept.
 *
 * Pictures are slices along an axis of the body ({@link Planes} says how they lie). The slices of further volumes
 * (time points, components) follow: picture t·slices + k is slice k of volume t. Complex numbers are shown by their
 * magnitude; of RGBA, alpha is ignored. `cal_min` and `cal_max`, where they are set, are the file's window. Surface
 * data (CIFTI) have an array but no pictures.
 *
 * @param file the bytes of the file, which are changed where the byte order is not this machine's.
 * @param where named in errors: the path.
 * @param readPair gives the `.img` file that belongs to an `.hdr` file.
 * @throws MsmaeError Data when the header is wrong, voxels are missing, or the limits are passed.
 */
export async function openNifti(
  file: Uint8Array,
  where: string,
  limits: DecodeLimits,
  inflater: Inflater,
  readPair: () => Promise<Uint8Array>,
): Promise<ImageFile> {
  try {
    const header = readNiftiHeader(await headOf(file, inflater));
    const needed = voxelBytesOf(header);
    checkLimits(header, needed, where, limits);
    const source = header.pair ? await readPair() : file;
    const volume = new Volume(header, await voxelBytes(source, header.voxOffset, needed, inflater));
    return isCifti(header) ? surfaceFile(volume, where) : volumeFile(volume, where, limits);
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

function checkLimits(header: NiftiHeader, needed: number, where: string, limits: DecodeLimits): void {
  const { shape, type, voxOffset } = header;
  const got = `${shape.join("×")} of ${type.dtype}, ${needed} bytes`;
  if (needed + voxOffset > limits.decodedBytes) {
    throw overLimit(where, `at most ${limits.decodedBytes} bytes of voxels`, got);
  }
  if (!isCifti(header) && mostSlices(header) > limits.slices)
    throw overLimit(where, `at most ${limits.slices} slices`, got);
}

async function headOf(file: Uint8Array, inflater: Inflater): Promise<Uint8Array> {
  return isGzip(file) ? gunzipHead(file, NIFTI_HEADER_BYTES, inflater) : file.subarray(0, NIFTI_HEADER_BYTES);
}

async function voxelBytes(file: Uint8Array, offset: number, length: number, inflater: Inflater): Promise<Uint8Array> {
  if (!isGzip(file)) {
    if (file.length < offset + length) throw cutShort(file.length - offset, length);
    return file.subarray(offset, offset + length);
  }
  checkPackedClaim(offset + length, file.length);
  // What the header announces bounds what is unpacked, whatever the stream would go on to give.
  const voxels = new Uint8Array(length);
  let at = -offset;
  await inflater.gunzip(file, (piece) => {
    const wanted = piece.subarray(Math.max(0, -at), Math.max(0, length - at));
    voxels.set(wanted, Math.max(0, at));
    at += piece.length;
    // A little more, so that the stream's check sum is reached.
    return at < length + TRAILING_BYTES;
  });
  if (at < length) throw cutShort(at, length);
  return voxels;
}

const TRAILING_BYTES = 2 ** 16;

function cutShort(got: number, expected: number): Error {
  return new Error(`a NIfTI file cut short: ${Math.max(0, got)} of ${expected} bytes of voxels`);
}

function volumeFile(volume: Volume, where: string, limits: DecodeLimits): ImageFile {
  const grid = gridOfHeader(volume.header);
  const planes = new Planes(grid.shape, grid.orientation);
  const sizes = voxelSizes(grid) ?? headerSizes(volume.header);
  const file = picturesOf(volume, planes, sizes, where, limits);
  const onGrid = (other: VoxelGrid): ImageFile => {
    const { shape, orientation, frames } = other;
    const meets = new Planes(shape, orientation, meeting(grid, other, where));
    const own = picturesOf(volume, meets, voxelSizes(other), where, limits);
    if (!frames) return own;
    return { ...own, count: () => own.count("axial"), read: (index) => own.read(index, "axial") };
  };
  return { ...file, onGrid, labelVolume: () => new NiftiLabels(volume.header, planes) };
}

function meeting(mask: VoxelGrid, image: VoxelGrid, where: string): Place {
  try {
    return placeOf(image, mask);
  } catch (cause) {
    throw new MsmaeError(
      "Data",
      {
        where,
        expected: `the voxels of its image (${image.shape.join("×")}), within a quarter of a voxel`,
        got: messageOf(cause),
        todo: "resample the mask to its image, or correct their headers",
      },
      { cause },
    );
  }
}

function picturesOf(
  volume: Volume,
  planes: Planes,
  sizes: readonly [number, number, number] | undefined,
  where: string,
  limits: DecodeLimits,
): ImageFile {
  const { header } = volume;
  const volumes = header.shape.slice(3).reduce((product, length) => product * length, 1);
  const colour = header.type.components > 2;
  const windows = colour ? [] : calibrationWindow(header);
  const read = async (index: number, axis: SliceAxis): Promise<SourceImage> => {
    const slices = planes.count(axis);
    if (planes.pixels(axis) > limits.pixels) {
      throw overLimit(where, `slices of at most ${limits.pixels} pixels`, `${planes.pixels(axis)}`);
    }
    const number = Math.floor(index / slices);
    const plane = planes.at(axis, index % slices);
    const values = volume.readPlane({ ...plane, start: plane.start + number * volume.voxels });
    const spacing = sizes && planes.spacing(axis, sizes);
    const size = { width: plane.columns, height: plane.rows, ...(spacing && { spacing }) };
    if (colour) return { ...size, channels: 3, values, windows, inverted: false, levels: [0, 255] };
    return {
      ...size,
      channels: 1,
      values,
      windows,
      inverted: false,
      levels: undefined,
      // Only percentiles need it, and it takes a look at every voxel.
      get volumeSample() {
        return volume.sample(number);
      },
    };
  };
  return {
    format: header.analyze ? "Analyze" : `NIfTI-${header.version}`,
    count: (axis) => planes.count(axis) * volumes,
    defaultItem: (axis) => Math.floor(planes.count(axis) / 2),
    read,
    array: async () => {
      const bytes = volume.arrayBytes;
      if (bytes <= limits.decodedBytes) return volume.array();
      throw overLimit(where, `at most ${limits.decodedBytes} bytes of scaled voxels`, `${bytes}`);
    },
    header: { ...describe(header), orientation: axisCodes(gridOfHeader(header).orientation), volumes },
  };
}

function surfaceFile(volume: Volume, where: string): ImageFile {
  const { header } = volume;
  const read = async (): Promise<SourceImage> => {
    throw new MsmaeError("Data", {
      where,
      expected: "a volume of voxels",
      got: `surface data (CIFTI, ${header.shape.slice(4).join("×")}), which have no pictures`,
      todo: "leave the file out, or export its values to a volume",
    });
  };
  return {
    format: "NIfTI-2",
    count: () => 0,
    read,
    array: async () => volume.array(),
    header: { ...describe(header), content: "CIFTI" },
  };
}

// Source: nifti1.h: voxels of cal_max are shown in the brightest colour, those of cal_min in the darkest.
function calibrationWindow({ calMin, calMax }: NiftiHeader): FileWindow[] {
  const width = calMax - calMin;
  if (!(width > 0 && Number.isFinite(width))) return [];
  return [{ kind: "window", name: "cal_min, cal_max", center: (calMin + calMax) / 2, width, shape: "LINEAR_EXACT" }];
}

function describe(header: NiftiHeader): Record<string, unknown> {
  const unit = header.spatialUnit === "m" ? 1000 : header.spatialUnit === "um" ? 1e-3 : 1;
  const { slope, intercept } = header.scaling ?? { slope: 1, intercept: 0 };
  return {
    shape: header.shape,
    storedType: header.type.dtype,
    byteOrder: header.littleEndian ? "little" : "big",
    spacing: header.pixdim.slice(1, 1 + Math.min(3, header.shape.length)).map((size) => Math.abs(size) * unit),
    slope,
    intercept,
    calMin: header.calMin,
    calMax: header.calMax,
    qformCode: header.qformCode,
    sformCode: header.sformCode,
    intentCode: header.intentCode,
    description: header.description,
  };
}
