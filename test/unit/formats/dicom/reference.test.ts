import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/formats/limits.ts";
import { looksLikeDicom, openDicom, readTags } from "../../../../src/formats/node/dicom.ts";
import type { NumericArray, SourceImage, StoredArray } from "../../../../src/formats/source-image.ts";
import { levelFunction } from "../../../../src/images/window.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";

/** What pydicom makes of a file; written by bench/peers/dicom_reference.py. */
interface Reference {
  error?: string;
  syntax: string;
  shape: number[];
  dtype: string;
  sha256: string;
  /** Of the first frame, at evenly spaced pixels: stored numbers of lossy files, the file's unit, levels, colours. */
  points?: number[];
  values?: number[];
  levels?: number[];
  rgb?: number[];
}

const DATA = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom");
const missing = !existsSync(DATA);
const references: Record<string, Reference> = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
).files;
const POINTS = 61;

// Codecs that do not promise the same last bit everywhere: two libraries round their inverse transforms differently.
const TOLERANCES: Record<string, { levels: number; reason: string }> = {
  "1.2.840.10008.1.2.4.50": { levels: 3, reason: "8-bit DCT: ±1 in YCbCr, up to ±3 after the turn to RGB" },
  "1.2.840.10008.1.2.4.51": { levels: 1, reason: "12-bit DCT: ±1" },
  "1.2.840.10008.1.2.4.203": { levels: 1, reason: "irreversible wavelet: ±1" },
};

// Files that pydicom refuses (or its plugins fail on) and this package reads; what they hold is known otherwise.
const READ_HERE_ALONE: Record<string, { like: string } | { shape: number[] }> = {
  "pydicom-data/OT-PAL-8-face.dcm": { shape: [480, 640] },
  "pydicom-data/emri_small_jpeg_2k_lossless_too_short.dcm": { like: "pydicom-data/emri_small_jpeg_2k_lossless.dcm" },
  "pydicom-data/liver_deflate.dcm": { like: "pydicom-data/liver.dcm" },
  "pydicom-data/liver_rle.dcm": { like: "pydicom-data/liver.dcm" },
  "pydicom-data/liver_nonbyte_aligned_deflate.dcm": { like: "pydicom-data/liver_nonbyte_aligned.dcm" },
  "pydicom-data/liver_nonbyte_aligned_rle.dcm": { like: "pydicom-data/liver_nonbyte_aligned.dcm" },
  "pydicom/JPEG-lossy.dcm": { shape: [1024, 256] },
};

const open = async (name: string) => {
  const bytes = new Uint8Array(readFileSync(join(DATA, name)));
  return openDicom(bytes, name, DEFAULT_LIMITS);
};
const hash = (data: StoredArray["data"]) =>
  createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

/** Positions of numpy.linspace(0, length - 1, POINTS).astype(int). */
const spaced = (length: number) =>
  Array.from({ length: POINTS }, (_, at) => Math.trunc((at * (length - 1)) / (POINTS - 1)));

function pointsOf(values: NumericArray, channels: number, pixels: number): number[] {
  return spaced(pixels).flatMap((at) => Array.from(values.subarray(at * channels, (at + 1) * channels)));
}

describe.skipIf(missing)(`DICOM against pydicom${missing ? " (SKIPPED: no test files)" : ""}`, () => {
  const readable = Object.entries(references).filter(([, { error }]) => error === undefined);
  const refused = Object.entries(references).filter(([, { error }]) => error !== undefined);

  test.each(readable)("%s: shape, dtype and numbers of pixel_array", async (name, expected) => {
    const { shape, dtype, data } = await (await open(name)).array();
    expect({ shape, dtype }).toEqual({ shape: expected.shape, dtype: expected.dtype });
    const tolerance = TOLERANCES[expected.syntax];
    if (!tolerance) return expect(hash(data)).toBe(expected.sha256);
    const [rows = 0, columns = 0] = shape.length === 4 ? shape.slice(1) : shape;
    const got = pointsOf(data as NumericArray, shape.length > 2 ? 3 : 1, rows * columns);
    const furthest = Math.max(...got.map((value, at) => Math.abs(value - (expected.points?.[at] ?? Number.NaN))));
    expect(furthest).toBeLessThanOrEqual(tolerance.levels);
  });

  const displayed = readable.filter(([, { values, levels, rgb }]) => values ?? levels ?? rgb);
  test.each(displayed)(
    "%s: the first frame in the file's unit, through its window or palette",
    async (name, expected) => {
      const picture: SourceImage = await (await open(name)).read(0, "axial");
      const pixels = picture.width * picture.height;
      const got = pointsOf(picture.values, picture.channels, pixels);
      for (const [at, value] of (expected.values ?? []).entries()) {
        // Whole numbers are exact; rescaled fractions are held in float32.
        expect(Math.abs((got[at] as number) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-6);
      }
      const [window] = picture.windows;
      expect(window === undefined).toBe(expected.levels === undefined);
      if (window && expected.levels) {
        const level = levelFunction(window);
        for (const [at, value] of expected.levels.entries()) expect(level(got[at] as number)).toBeCloseTo(value, 5);
      }
      // pydicom reads 8-bit palette entries of big endian files as 16-bit ones: the little endian twin holds them.
      const rgb = references[name.replace("_expb", "")]?.rgb;
      if (rgb) expect(got).toEqual(rgb);
    },
  );

  test.each(refused)("%s, which pydicom refuses: a named error, or the numbers that its twin holds", async (name) => {
    const special = READ_HERE_ALONE[name];
    if (special) {
      const { shape, data } = await (await open(name)).array();
      if ("shape" in special) {
        expect(shape).toEqual(special.shape);
        expect(new Set(data as NumericArray).size).toBeGreaterThan(10);
      } else {
        expect({ shape, sha256: hash(data) }).toEqual({
          shape: references[special.like]?.shape,
          sha256: references[special.like]?.sha256,
        });
      }
    } else {
      const failure = await open(name).then(
        (image) =>
          image.array().then(
            () => undefined,
            (error: unknown) => error,
          ),
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(MsmaeError);
      expect((failure as MsmaeError).code).toBe("Data");
    }
  });

  test("a picture inverts where small values are white, and a JPEG coded in 12 bits equals its fixed twin", async () => {
    expect((await (await open("pydicom-data/RG3_J2KR.dcm")).read(0, "axial")).inverted).toBe(true);
    expect((await (await open("pydicom-data/MR2_J2KR.dcm")).read(0, "axial")).inverted).toBe(false);
    const [lossy, fixed] = [await open("pydicom/JPEG-lossy.dcm"), await open("pydicom/JPGExtended.dcm")];
    expect(hash((await lossy.array()).data)).toBe(hash((await fixed.array()).data));
  });

  test("what is not DICOM is told apart, what lacks a preamble is recognised", () => {
    const told = (name: string) => looksLikeDicom(new Uint8Array(readFileSync(join(DATA, name))).subarray(0, 512));
    for (const name of ["CT_small.dcm", "rtstruct.dcm", "ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm"]) {
      expect([name, told(`pydicom/${name}`)]).toEqual([name, true]);
    }
    for (const name of ["JLSL_RGB_ILV1.dcm", "OT-PAL-8-face.dcm"]) expect(told(`pydicom-data/${name}`)).toBe(true);
    for (const name of ["README.txt", "crayons.icc", "zipMR.gz", "test1.json"])
      expect(told(`pydicom/${name}`)).toBe(false);
  });

  test("the header names what is needed to understand the pixels, and nobody's name", async () => {
    const { header } = await open("pydicom-data/MR-SIEMENS-DICOM-WithOverlays.dcm");
    expect(header).toMatchObject({
      format: "DICOM",
      shape: [484, 484],
      dtype: "uint16",
      transferSyntax: "1.2.840.10008.1.2.1",
      transferSyntaxName: "Explicit VR Little Endian",
      photometric: "MONOCHROME2",
      window: { kind: "window", center: 450, width: 790, shape: "LINEAR" },
      windows: [{ center: 450 }, { center: 200, width: 443 }],
      bitsAllocated: 16,
      bitsStored: 12,
      signed: false,
      modality: "MR",
      rescale: { slope: 1, intercept: 0 },
    });
    const identity = ["PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "InstitutionName"] as const;
    const tags = readTags(join(DATA, "pydicom-data/MR-SIEMENS-DICOM-WithOverlays.dcm"), identity);
    const told = Object.values(tags)
      .flat()
      .filter((value) => value !== "");
    expect(told.length).toBeGreaterThan(2);
    for (const value of told) expect(JSON.stringify(header)).not.toContain(value);
    const frames = (await open("pydicom-data/eCT_Supplemental.dcm")).header;
    expect(frames).toMatchObject({ shape: [2, 512, 512], frames: 2, rescale: { slope: 1, intercept: -1024 } });
  });
});
