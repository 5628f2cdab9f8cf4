import { latin1 } from "../latin1.ts";

/** How the samples of a NIfTI file are stored. */
export interface NiftiType {
  /** As NumPy prints the dtype. */
  dtype: string;
  /** Type of each component. */
  component: "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64" | "int64" | "uint64";
  /** Bytes of each component. */
  size: number;
  /** 2: complex. 3, 4: RGB, RGBA. */
  components: 1 | 2 | 3 | 4;
}

const RGB_DTYPE = "[('R', 'u1'), ('G', 'u1'), ('B', 'u1')]";
const RGBA_DTYPE = "[('R', 'u1'), ('G', 'u1'), ('B', 'u1'), ('A', 'u1')]";

// Source: nifti1.h, DT_ codes.
const TYPES: ReadonlyMap<number, NiftiType> = new Map([
  [2, { dtype: "uint8", component: "uint8", size: 1, components: 1 }],
  [4, { dtype: "int16", component: "int16", size: 2, components: 1 }],
  [8, { dtype: "int32", component: "int32", size: 4, components: 1 }],
  [16, { dtype: "float32", component: "float32", size: 4, components: 1 }],
  [32, { dtype: "complex64", component: "float32", size: 4, components: 2 }],
  [64, { dtype: "float64", component: "float64", size: 8, components: 1 }],
  [128, { dtype: RGB_DTYPE, component: "uint8", size: 1, components: 3 }],
  [256, { dtype: "int8", component: "int8", size: 1, components: 1 }],
  [512, { dtype: "uint16", component: "uint16", size: 2, components: 1 }],
  [768, { dtype: "uint32", component: "uint32", size: 4, components: 1 }],
  [1024, { dtype: "int64", component: "int64", size: 8, components: 1 }],
  [1280, { dtype: "uint64", component: "uint64", size: 8, components: 1 }],
  [1792, { dtype: "complex128", component: "float64", size: 8, components: 2 }],
  [2304, { dtype: RGBA_DTYPE, component: "uint8", size: 1, components: 4 }],
]);

const UNREAD_TYPES: ReadonlyMap<number, string> = new Map([
  [0, "an unknown type"],
  [1, "single bits"],
  [1536, "128-bit floats"],
  [2048, "256-bit complex numbers"],
]);

/** What a NIfTI header says, of either version and byte order. */
export interface NiftiHeader {
  version: 1 | 2;
  /** The older format of the same layout, which knows no orientation. */
  analyze: boolean;
  littleEndian: boolean;
  /** The voxels stand in an `.img` file of their own. */
  pair: boolean;
  /** Sizes of all axes, the fastest first; 1 to 7 of them. */
  shape: number[];
  type: NiftiType;
  /** Where the voxels begin, in bytes. */
  voxOffset: number;
  /** Of stored · slope + intercept; undefined where stored values count. */
  scaling: { slope: number; intercept: number } | undefined;
  calMin: number;
  calMax: number;
  /** Eight numbers; 1 to 3 are voxel sizes. */
  pixdim: number[];
  spatialUnit: "m" | "mm" | "um" | undefined;
  qformCode: number;
  sformCode: number;
  /** b, c and d. */
  quaternion: [number, number, number];
  qoffset: [number, number, number];
  /** [3, 4]. */
  srow: number[][];
  intentCode: number;
  description: string;
}

/** Bytes of the longer header, NIfTI-2's. */
export const NIFTI_HEADER_BYTES = 540;

const LENGTHS = { 1: 348, 2: 540 } as const;
const SPATIAL_UNITS = [undefined, "m", "mm", "um"] as const;
// CIFTI's codes, ConnUnknown to ConnPPSc and some to spare. Source: nifti1.h and the CIFTI-2 specification.
const CIFTI_INTENTS = { first: 3000, last: 3099 };

/** Whether bytes start as a NIfTI header, single file or pair. */
export function looksLikeNifti(head: Uint8Array): boolean {
  const found = kindOf(head);
  return found !== undefined && !found.analyze;
}

/** Whether bytes start as the header of a pair, NIfTI or Analyze, which shows less of itself. */
export function looksLikePairHeader(head: Uint8Array): boolean {
  return kindOf(head)?.pair === true;
}

interface HeaderKind {
  version: 1 | 2;
  littleEndian: boolean;
  pair: boolean;
  analyze: boolean;
}

function kindOf(head: Uint8Array): HeaderKind | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const version of [1, 2] as const) {
    if (head.length < LENGTHS[version]) continue;
    const littleEndian = view.getInt32(0, true) === LENGTHS[version];
    if (!littleEndian && view.getInt32(0, false) !== LENGTHS[version]) continue;
    const at = version === 1 ? 344 : 4;
    const magic = String.fromCharCode(...head.subarray(at, at + 4));
    if (magic === `n+${version}\0` || magic === `ni${version}\0`) {
      return { version, littleEndian, pair: magic.startsWith("ni"), analyze: false };
    }
    const axes = view.getInt16(40, littleEndian);
    if (version === 1 && axes >= 1 && axes <= 7) return { version, littleEndian, pair: true, analyze: true };
  }
  return undefined;
}

/** Whether the file holds surface or grey-ordinate data (CIFTI), which are no pictures. */
export function isCifti({ version, intentCode, shape }: NiftiHeader): boolean {
  return version === 2 && shape.length > 4 && intentCode >= CIFTI_INTENTS.first && intentCode <= CIFTI_INTENTS.last;
}

/** Bytes of all voxels. */
export function voxelBytesOf({ shape, type }: NiftiHeader): number {
  return shape.reduce((product, length) => product * length, type.size * type.components);
}

/** Pictures along the axis that has most, of all volumes together. */
export function mostSlices({ shape }: NiftiHeader): number {
  return shape.slice(3).reduce((product, length) => product * length, Math.max(...shape.slice(0, 3)));
}

/**
 * Reads a header.
 *
 * @throws Error when it is none, or its type, sizes or offset cannot be.
 * Source: nifti1.h and nifti2.h; scaling and FreeSurfer's long vectors as nibabel reads it (no scaling where the slope is 0 or no finite number). Analyze as
 * nibabel's Spm2AnalyzeImage.
 */
export function readNiftiHeader(head: Uint8Array): NiftiHeader {
  const found = kindOf(head);
  if (!found) throw new Error("no NIfTI header");
  const { version, littleEndian, pair, analyze } = found;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const second = version === 2;
  const float = (first: number, other: number, i = 0) =>
    second ? view.getFloat64(other + i * 8, littleEndian) : view.getFloat32(first + i * 4, littleEndian);
  const long = (at: number) => Number(view.getBigInt64(at, littleEndian));
  const short = (first: number, other: number) =>
    second ? view.getInt32(other, littleEndian) : view.getInt16(first, littleEndian);
  const three = (first: number, other: number): [number, number, number] => [
    float(first, other),
    float(first, other, 1),
    float(first, other, 2),
  ];

  const dim = Array.from({ length: 8 }, (_, i) =>
    second ? long(16 + i * 8) : view.getInt16(40 + i * 2, littleEndian),
  );
  const offset = second ? long(168) : view.getFloat32(108, littleEndian);
  const units = second ? view.getInt32(500, littleEndian) : view.getUint8(123);
  const descriptionAt = second ? 240 : 148;
  const scaling = analyze ? analyzeScaling(view, littleEndian) : scalingOf(float(112, 176), float(116, 184));
  return {
    version,
    analyze,
    littleEndian,
    pair,
    shape: shapeOf(dim, second ? 0 : view.getInt32(140, littleEndian)),
    type: typeOf(view.getInt16(second ? 12 : 70, littleEndian)),
    voxOffset: voxOffsetOf(offset, pair, version),
    scaling,
    calMax: analyze ? 0 : float(124, 192),
    calMin: analyze ? 0 : float(128, 200),
    pixdim: Array.from({ length: 8 }, (_, i) => float(76, 104, i)),
    spatialUnit: analyze ? undefined : SPATIAL_UNITS[units & 7],
    qformCode: analyze ? 0 : short(252, 344),
    sformCode: analyze ? 0 : short(254, 348),
    quaternion: three(256, 352),
    qoffset: three(268, 376),
    srow: [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => float(280, 400, row * 4 + column))),
    intentCode: analyze ? 0 : short(68, 504),
    description: text(head.subarray(descriptionAt, descriptionAt + 80)),
  };
}

/** @param longest where FreeSurfer writes the first axis when 16 bits do not hold it. */
function shapeOf(dim: readonly number[], longest: number): number[] {
  const axes = dim[0] as number;
  if (!(axes >= 1 && axes <= 7)) throw new Error(`a NIfTI header of ${axes} axes`);
  // An axis without a size beyond the slices has one volume, as the reference library reads it.
  const shape = dim.slice(1, 1 + axes).map((size, axis) => (axis > 2 && size === 0 ? 1 : size));
  const first = shape.slice(0, 3).join();
  if (first === "-1,1,1") shape[0] = longest;
  // FreeSurfer's surface of 163,842 points.
  if (first === "27307,1,6") shape.splice(0, 3, 163_842, 1, 1);
  const voxels = shape.reduce((product, size) => product * size, 1);
  if (shape.some((size) => size < 1) || !Number.isSafeInteger(voxels * 16)) {
    throw new Error(`a NIfTI header of ${shape.join("×")} voxels`);
  }
  return shape;
}

function typeOf(code: number): NiftiType {
  const type = TYPES.get(code);
  if (type) return type;
  throw new Error(`NIfTI samples of ${UNREAD_TYPES.get(code) ?? `type ${code}`}, which are not read`);
}

function voxOffsetOf(offset: number, pair: boolean, version: 1 | 2): number {
  const least = pair ? 0 : LENGTHS[version] + 4;
  // Some writers leave 0.
  if (offset === 0) return least;
  if (!(offset >= least) || !Number.isSafeInteger(Math.trunc(offset))) {
    throw new Error(`NIfTI voxels that begin at byte ${offset}`);
  }
  return Math.trunc(offset);
}

function scalingOf(slope: number, intercept: number): NiftiHeader["scaling"] {
  if (slope === 0 || !Number.isFinite(slope)) return undefined;
  if (!Number.isFinite(intercept)) throw new Error(`a NIfTI slope of ${slope} with an intercept of ${intercept}`);
  return slope === 1 && intercept === 0 ? undefined : { slope, intercept };
}

/** SPM's slope, else the one that brings the range of stored numbers to that of calibrated ones. */
function analyzeScaling(view: DataView, littleEndian: boolean): NiftiHeader["scaling"] {
  const float = (at: number) => view.getFloat32(at, littleEndian);
  const slope = float(112);
  if (Number.isFinite(slope) && slope !== 0) return scalingOf(slope, Number.isFinite(float(116)) ? float(116) : 0);
  const [calMax, calMin] = [float(124), float(128)];
  const [most, least] = [view.getInt32(140, littleEndian), view.getInt32(144, littleEndian)];
  const span = (calMax - calMin) / (most - least);
  return Number.isFinite(span) && span !== 0 ? scalingOf(span, calMin - span * least) : undefined;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return latin1(end < 0 ? bytes : bytes.subarray(0, end)).trim();
}
