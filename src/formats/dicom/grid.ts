import type { VoxelGrid } from "../nifti/grid.ts";
import type { DataSet } from "./data-set.ts";

/** How far from even steps the frames of a volume may lie, in steps. */
const UNEVEN = 0.05;
/** More than any scanner's, and soon looked through. */
const MOST_FRAMES = 100_000;

/**
 * Where the pixels of a DICOM file lie in the body: columns, rows and frames are its axes.
 *
 * @returns undefined where the file does not say, or its frames do not follow each other evenly and in parallel.
 * Source: DICOM PS3.3 C.7.6.2.1.1 (plane attributes) and C.7.6.16.2 (functional groups).
 */
export function gridOfDataSet(dataSet: DataSet): VoxelGrid | undefined {
  const [columns = 0, rows = 0] = [dataSet.number("Columns"), dataSet.number("Rows")];
  const frames = Math.max(1, Number(dataSet.string("NumberOfFrames") ?? 1));
  if (!(columns > 0 && rows > 0 && Number.isInteger(frames) && frames <= MOST_FRAMES)) return undefined;
  const planes = Array.from({ length: frames }, (_, frame) => planeOf(dataSet, frame));
  const [first] = planes;
  const last = planes.at(-1);
  if (!first || !last) return undefined;
  const { along, down, origin } = first;
  const normal = cross(along, down);
  const step =
    frames > 1 ? origin.map((value, axis) => ((last.origin[axis] as number) - value) / (frames - 1)) : normal;
  const size = Math.hypot(...step);
  const even = planes.every((plane, frame) => {
    if (!plane) return false;
    const off = plane.origin.map((value, axis) => value - (origin[axis] as number) - frame * (step[axis] as number));
    const turned = [...plane.along, ...plane.down].map((value, at) => value - ([...along, ...down][at] as number));
    return Math.hypot(...off) <= UNEVEN * size && Math.hypot(...turned) <= 1e-3 * Math.hypot(...along, ...down);
  });
  if (!even || !(size > 0)) return undefined;
  // DICOM's axes lead to the left and the back, where others lead to the right and the front.
  const signs = [-1, -1, 1];
  const affine = signs.map((sign, axis) =>
    [along, down, step, origin].map((vector) => sign * (vector[axis] as number)),
  );
  return {
    shape: [columns, rows, frames],
    affine,
    // Pictures are rows from the top and columns from the left, as stored.
    orientation: { axes: [0, 1, 2], flipped: [true, true, false] },
    frames: true,
  };
}

interface FramePlane {
  /** Millimetres from a pixel to the next of its row, and of its column. */
  along: number[];
  down: number[];
  /** Of the first pixel, in millimetres. */
  origin: number[];
}

function planeOf(dataSet: DataSet, frame: number): FramePlane | undefined {
  const own = dataSet.items("PerFrameFunctionalGroupsSequence")[frame];
  const shared = dataSet.items("SharedFunctionalGroupsSequence")[0];
  const numbers = (
    macro: "PlanePositionSequence" | "PlaneOrientationSequence" | "PixelMeasuresSequence",
    keyword: "ImagePositionPatient" | "ImageOrientationPatient" | "PixelSpacing",
    count: number,
  ): number[] | undefined => {
    const sources = [own?.items(macro)[0], shared?.items(macro)[0], dataSet];
    return sources
      .map((source) => source?.numbers(keyword) ?? [])
      .find((values) => values.length === count && values.every(Number.isFinite));
  };
  const origin = numbers("PlanePositionSequence", "ImagePositionPatient", 3);
  const directions = numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6);
  const spacing = numbers("PixelMeasuresSequence", "PixelSpacing", 2);
  if (!origin || !directions || !spacing) return undefined;
  const [between = 0, within = 0] = spacing;
  return {
    along: directions.slice(0, 3).map((value) => value * within),
    down: directions.slice(3).map((value) => value * between),
    origin,
  };
}

/** The unit vector across two others. */
function cross(a: readonly number[], b: readonly number[]): number[] {
  const [ax = 0, ay = 0, az = 0] = a;
  const [bx = 0, by = 0, bz = 0] = b;
  const across = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
  const length = Math.hypot(...across) || 1;
  return across.map((value) => value / length);
}
