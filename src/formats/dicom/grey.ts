import type { FileWindow, NumericArray } from "../source-image.ts";
import type { DataSet } from "./data-set.ts";
import { type LookupTable, readLut } from "./lut.ts";

/** From stored numbers to the file's unit, by formula or by table. */
export interface Modality {
  slope: number;
  intercept: number;
  lut: LookupTable | undefined;
  /** For example `HU`; empty where the file does not say. */
  unit: string;
}

/** The data sets in which a frame's attributes may stand: its own functional groups first, then the file. */
export function frameSources(
  dataSet: DataSet,
  frame: number,
  macro: "PixelValueTransformationSequence" | "FrameVOILUTSequence" | "PixelMeasuresSequence",
): DataSet[] {
  const own = dataSet.items("PerFrameFunctionalGroupsSequence")[frame]?.items(macro) ?? [];
  const shared = dataSet.items("SharedFunctionalGroupsSequence")[0]?.items(macro) ?? [];
  return [...own.slice(0, 1), ...shared.slice(0, 1), dataSet];
}

/**
 * @throws Error for a slope or an intercept that is no number: passed over, it would leave values of another unit.
 * Source: DICOM PS3.3 C.11.1 (Modality LUT), C.7.6.16.2.9 (Pixel Value Transformation).
 */
export function modalityOf(dataSet: DataSet, frame: number, signed: boolean): Modality {
  const item = dataSet.items("ModalityLUTSequence")[0];
  const lut = item && readLut(item, signed);
  for (const source of frameSources(dataSet, frame, "PixelValueTransformationSequence")) {
    const slope = source.number("RescaleSlope");
    const intercept = source.number("RescaleIntercept");
    for (const keyword of ["RescaleSlope", "RescaleIntercept"] as const) {
      const text = source.string(keyword);
      if (Number.isNaN(source.number(keyword)) && text) throw new Error(`a ${keyword} of "${text}"`);
    }
    // A slope of 0 would make every picture one flat grey; writers put it for "none".
    if (!isNumber(slope) || !isNumber(intercept) || slope === 0) continue;
    return { slope, intercept, lut, unit: source.string("RescaleType") ?? "" };
  }
  return { slope: 1, intercept: 0, lut, unit: "" };
}

/** Whether rescaled values are those of a CT: where the file does not name a unit, they are by the standard. */
export function isHounsfield(dataSet: DataSet, { lut, unit }: Modality): boolean {
  return dataSet.string("Modality") === "CT" && !lut && (unit === "" || unit === "HU");
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

/** Stored numbers in the file's unit; float64 where float32 would round what the file holds. */
export function applyModality(stored: NumericArray, { slope, intercept, lut }: Modality): NumericArray {
  if (lut) {
    const last = lut.entries.length - 1;
    const output = new Uint16Array(stored.length);
    for (let at = 0; at < stored.length; at++) {
      const entry = Math.min(last, Math.max(0, (stored[at] as number) - lut.first));
      output[at] = lut.entries[entry] as number;
    }
    return output;
  }
  if (slope === 1 && intercept === 0) return stored;
  const wide = stored.BYTES_PER_ELEMENT > 2;
  const whole = !wide && Number.isInteger(slope) && Number.isInteger(intercept);
  const fits = whole && Math.abs(slope) * 65_536 + Math.abs(intercept) < 2 ** 31;
  const length = stored.length;
  const output = fits ? new Int32Array(length) : wide ? new Float64Array(length) : new Float32Array(length);
  for (let at = 0; at < length; at++) output[at] = (stored[at] as number) * slope + intercept;
  return output;
}

/**
 * How the file asks for a frame to be shown: tables before windows, as pydicom prefers them.
 * Source: DICOM PS3.3 C.11.2 (VOI LUT), C.7.6.16.2.10 (Frame VOI LUT).
 */
export function windowsOf(dataSet: DataSet, frame: number, modality: Modality, signed: boolean): FileWindow[] {
  const result: FileWindow[] = [];
  // Values that have been through the modality's table have no sign; rescaled ones may have.
  const { lut, slope, intercept } = modality;
  const signedInput = !lut && (signed || (intercept < 0 && slope > 0));
  for (const item of dataSet.items("VOILUTSequence")) {
    const table = readLut(item, signedInput);
    if (table) result.push(lutWindow(table, item.string("LUTExplanation") ?? ""));
  }
  for (const source of frameSources(dataSet, frame, "FrameVOILUTSequence")) {
    const found = centerWidthWindows(source);
    result.push(...found);
    if (found.length > 0) break;
  }
  return result;
}

function lutWindow({ first, bits, entries }: LookupTable, name: string): FileWindow {
  const white = 2 ** levelBits(bits, entries) - 1;
  return { kind: "lut", name, first, levels: Float32Array.from(entries, (level) => Math.min(1, level / white)) };
}

/** Bits that a table may leave unused before its descriptor is not believed: its brightest entry would be all but black. */
const UNUSED_BITS = 3;

/**
 * Writers put 16 into the descriptor beside entries of 12 bits, or 8 beside entries of 12. Where the two cannot go
 * together, the entries count.
 */
function levelBits(declared: number, entries: Uint16Array): number {
  const needed = entries.reduce((most, entry) => Math.max(most, entry), 1).toString(2).length;
  return needed > declared || needed < declared - UNUSED_BITS ? needed : declared;
}

function centerWidthWindows(source: DataSet): FileWindow[] {
  const centers = source.numbers("WindowCenter");
  const widths = source.numbers("WindowWidth");
  const names = source.strings("WindowCenterWidthExplanation");
  const told = source.string("VOILUTFunction")?.toUpperCase();
  const windows: FileWindow[] = [];
  for (let at = 0; at < Math.min(centers.length, widths.length); at++) {
    const center = centers[at];
    const width = widths[at];
    // A width of 0 is what some writers put for "none".
    if (!isNumber(center) || !isNumber(width) || width <= 0) continue;
    // LINEAR has no meaning below 1; writers of fractions mean the exact kind.
    const linear = width < 1 ? "LINEAR_EXACT" : "LINEAR";
    const shape = told === "SIGMOID" || told === "LINEAR_EXACT" ? told : linear;
    windows.push({ kind: "window", name: names[at] ?? "", center, width, shape });
  }
  return windows;
}
