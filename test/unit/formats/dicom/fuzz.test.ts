import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WorkerPool } from "../../../../src/data/loader/reader-pool.ts";
import { DEFAULT_READING } from "../../../../src/data/pictures/reading.ts";
import { DEFAULT_LIMITS, type DecodeLimits } from "../../../../src/formats/limits.ts";
import { openDicom } from "../../../../src/formats/node/dicom.ts";
import { PAPER_CROP } from "../../../../src/geometry/random-geometry.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { cpuMilliseconds } from "../../../support/cpu-time.ts";
import { type Claim, claim, claimed } from "../header-claims.ts";

const DATA = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom");
const RUNS = Number(process.env.MSMAE_FUZZ_RUNS ?? 1500);
// The same cases each time; other seeds are for looking further.
const SEED = Number(process.env.MSMAE_FUZZ_SEED ?? 1);
const SLOWEST_MS = 5000;

// A file of every transfer syntax and pixel layout, small enough for many runs.
const FILES = [
  "pydicom/CT_small.dcm",
  "pydicom/MR_small_implicit.dcm",
  "pydicom/MR_small_bigendian.dcm",
  "pydicom/MR_small_RLE.dcm",
  "pydicom/MR_small_jp2klossless.dcm",
  "pydicom/MR_small_jpeg_ls_lossless.dcm",
  "pydicom/image_dfl.dcm",
  "pydicom/693_J2KI.dcm",
  "pydicom/JPEG2000.dcm",
  "pydicom/JPGExtended.dcm",
  "pydicom/JPEGLSNearLossless_16.dcm",
  "pydicom/SC_rgb_jpeg_gdcm.dcm",
  "pydicom/SC_rgb_jpeg_dcmtk.dcm",
  "pydicom/SC_rgb_dcmtk_+eb+cy+s2.dcm",
  "pydicom/SC_rgb_rle_16bit_2frame.dcm",
  "pydicom/SC_rgb_jls_lossy_sample.dcm",
  "pydicom/SC_ybr_full_422_uncompressed.dcm",
  "pydicom/rtdose_rle.dcm",
  "pydicom/liver_1frame.dcm",
  "pydicom-data/JLSL_RGB_ILV0.dcm",
  "pydicom-data/liver_nonbyte_aligned_deflate.dcm",
  "pydicom-data/liver_nonbyte_aligned_j2k.dcm",
  "pydicom-data/emri_small_jpeg_2k_lossless.dcm",
  "pydicom-data/emri_small_jpeg_ls_lossless.dcm",
  "pydicom-data/gdcm-US-ALOKA-16.dcm",
  "pydicom-data/mlut_18.dcm",
  "pydicom-data/vlut_04.dcm",
  "pydicom-data/eCT_Supplemental.dcm",
];

const limits: DecodeLimits = {
  ...DEFAULT_LIMITS,
  fileBytes: 2 ** 24,
  pixels: 2 ** 21,
  frames: 1000,
  decodedBytes: 2 ** 24,
};

interface Damage {
  /** Bytes replaced: where, in thousandths of the part, and by what. */
  bytes: [position: number, value: number][];
  /** Fields set to extreme values. */
  claims: Claim[];
  /** Bytes kept, in thousandths; all without. */
  cut: number | undefined;
  /** Thousandths of the file that the damage is confined to: headers are a small part, and where most goes wrong. */
  part: number;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  bytes: fc.array(fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
  claims: fc.array(claim, { maxLength: 3 }),
  cut: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined, freq: 3 }),
  part: fc.constantFrom(1000, 1000, 300, 100, 30),
});

function apply(bytes: Uint8Array, { bytes: replaced, claims, cut, part }: Damage): Uint8Array {
  const kept = cut === undefined ? bytes.length : Math.floor((bytes.length * cut) / 1_000_000);
  const copy = bytes.slice(0, kept);
  const reach = Math.max(1, Math.floor((copy.length * part) / 1000));
  for (const [position, value] of replaced) {
    if (copy.length > 0) copy[Math.floor((reach * position) / 1_000_000)] = value;
  }
  copy.set(claimed(copy.subarray(0, reach), claims));
  return copy;
}

// Reads all that the file offers; whatever is thrown has to be a named error about the data.
async function readEverything(bytes: Uint8Array): Promise<string> {
  try {
    const image = await openDicom(bytes, "damaged", limits);
    const { shape, data } = await image.array();
    expect(data.length).toBe(shape.reduce((product, length) => product * length, 1));
    JSON.stringify(image.header);
    const picture = await image.read(0, "axial");
    expect(picture.values.length).toBe(picture.width * picture.height * picture.channels);
    return "read";
  } catch (error) {
    if (!(error instanceof MsmaeError)) throw error;
    expect(error.code).toBe("Data");
    expect(error.parts.where).toContain("damaged");
    return "refused";
  }
}

const missing = !existsSync(DATA);

describe.skipIf(missing)(`damaged DICOM files${missing ? " (SKIPPED: no test files)" : ""}`, () => {
  const originals = missing
    ? []
    : FILES.map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(DATA, name))) }));

  test("give a picture or a named error, in bounded time", { timeout: 60_000 + RUNS * 400 }, async () => {
    const outcomes: Record<string, number> = { read: 0, refused: 0 };
    const property = fc.asyncProperty(fc.integer({ min: 0, max: FILES.length - 1 }), damage, async (at, harm) => {
      const { bytes } = originals[at] as { bytes: Uint8Array };
      const start = cpuMilliseconds();
      const outcome = await readEverything(apply(bytes, harm));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      expect(cpuMilliseconds() - start).toBeLessThan(SLOWEST_MS);
    });
    // On failure fast-check's message holds the seed, the path and the smallest failing case.
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    // Both outcomes have to come up, else the damage tests nothing.
    expect(outcomes.read).toBeGreaterThan(RUNS / 50);
    expect(outcomes.refused).toBeGreaterThan(RUNS / 50);
  });

  // Some damage makes the HTJ2K codec run for ever, which nothing inside a thread can end: the loader's threads can.
  test("of HTJ2K give a picture, a named error or a time-out in the loader's threads", {
    timeout: 120_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "msmae-htj2k-"));
    const bytes = new Uint8Array(readFileSync(join(DATA, "pydicom-data/HTJ2K_08_RGB.dcm")));
    const items = fc.sample(damage, { numRuns: 60, seed: SEED }).map((harm, slot) => {
      const path = join(folder, `${slot}.dcm`);
      writeFileSync(path, apply(bytes, harm));
      return { slot, sample: slot, path };
    });
    const size = { inputHeight: 16, inputWidth: 16, channels: 3 as const };
    const pool = new WorkerPool({ ...size, reading: DEFAULT_READING, cache: undefined }, 2, 3);
    const images = new Uint8Array(new SharedArrayBuffer(items.length * 16 * 16 * 3));
    const whole = { augment: false, crop: PAPER_CROP, seed: 0, epoch: 0, images };
    const reports = await Promise.all(items.map((item) => pool.run({ ...whole, items: [item] }, () => false)));
    const outcomes = reports.flatMap((report) => report.items);
    await pool.close();
    rmSync(folder, { recursive: true });
    expect(outcomes).toHaveLength(items.length);
    for (const outcome of outcomes) if ("unreadable" in outcome) expect(outcome.code).toBe("Data");
    expect(outcomes.some((outcome) => "unreadable" in outcome)).toBe(true);
    expect(outcomes.some((outcome) => "geometry" in outcome)).toBe(true);
  });

  test("cut anywhere, an uncompressed file is refused and the missing bytes are counted", async () => {
    const { bytes } = originals[0] as { bytes: Uint8Array };
    const whole = await openDicom(bytes, "damaged", limits);
    expect((await whole.array()).shape).toEqual([128, 128]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 200 }), async (length) => {
        const opening = openDicom(bytes.subarray(0, length), "damaged", limits);
        await expect(opening).rejects.toThrow(MsmaeError);
      }),
      { numRuns: 100 },
    );
    const cut = openDicom(bytes.subarray(0, 30_000), "damaged", limits);
    await expect(cut).rejects.toThrow(/expected 32768 bytes of pixel data, got \d+, \d+ bytes missing/);
  });
});
