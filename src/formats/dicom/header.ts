import type { FileWindow } from "../source-image.ts";
import type { DicomFile } from "./file.ts";
import { modalityOf, windowsOf } from "./grey.ts";
import type { ImageInfo } from "./image-info.ts";
import { paddingOf } from "./padding.ts";
import { dtypeOf, sampleArray } from "./samples.ts";
import { anySpacing } from "./spacing.ts";

/** What a file says about its pictures, as plain JSON values. Nothing in it tells whose body they show. */
export function describeHeader(file: DicomFile, info: ImageInfo, frames: number): Record<string, unknown> {
  const { dataSet, syntax, syntaxUid } = file;
  const { rows, columns, samples, photometric, bitsAllocated, bitsStored, signed } = info;
  const grey = samples === 1 && photometric !== "PALETTE COLOR";
  const modality = grey ? modalityOf(dataSet, 0, signed) : undefined;
  const windows = modality ? windowsOf(dataSet, 0, modality, signed).map(describeWindow) : [];
  const padding = paddingOf(dataSet, info);
  const shape = [...(frames > 1 ? [frames] : []), rows, columns, ...(samples > 1 ? [samples] : [])];
  return {
    format: "DICOM",
    shape,
    dtype: dtypeOf(sampleArray(info, 0)),
    transferSyntax: syntaxUid ?? syntax?.uid ?? null,
    transferSyntaxName: `${syntax?.name ?? "unknown"}${syntaxUid === undefined ? " (guessed: the file names none)" : ""}`,
    photometric,
    window: windows[0] ?? null,
    windows,
    spacing: anySpacing(dataSet) ?? null,
    rows,
    columns,
    frames,
    samplesPerPixel: samples,
    bitsAllocated,
    bitsStored,
    signed,
    padding: padding ? [padding.low, padding.high] : null,
    modality: dataSet.string("Modality") ?? null,
    rescale: modality ? describeModality(modality) : null,
  };
}

function describeWindow(window: FileWindow): Record<string, unknown> {
  if (window.kind === "window") {
    const { name, center, width, shape } = window;
    return { kind: "window", name, center, width, shape };
  }
  return { kind: "lut", name: window.name, first: window.first, entries: window.levels.length };
}

function describeModality({ slope, intercept, lut, unit }: ReturnType<typeof modalityOf>): Record<string, unknown> {
  if (lut) return { lut: { first: lut.first, entries: lut.entries.length, bits: lut.bits } };
  return { slope, intercept, ...(unit ? { unit } : {}) };
}
