import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { countAlong, factsOf } from "../../../src/data/index/file-facts.ts";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { LIMITS } from "../../../src/formats/limits.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";
import { buildDicom, greyImage } from "./dicom/dicom-builder.ts";
import { claim, claimed } from "./header-claims.ts";
import { bmpHeader, dicomFile, niftiFile } from "./volume-files.ts";

const RUNS = Number(process.env.MSMAE_FUZZ_RUNS ?? 250);
// The same cases each time; other seeds are for looking further.
const SEED = Number(process.env.MSMAE_FUZZ_SEED ?? 1);
const SLOWEST_MS = 5000;
const MOST_MEGABYTES = 500;

const folder = mkdtempSync(join(tmpdir(), "msmae-claims-"));
afterAll(() => rmSync(folder, { recursive: true }));

const side = 16;
const grey = Uint8Array.from({ length: side * side }, (_, i) => (i * 37) & 255);
const image = () => sharp(grey, { raw: { width: side, height: side, channels: 1 } });

const bitmap = () => Buffer.concat([bmpHeader(side, side), Buffer.alloc(side * side * 3, 90)]);

/** Run lengths of one byte plane. */
function rleFile(): Uint8Array {
  const plane = Buffer.from([...new Array(8).fill([257 - 32, 5]).flat()]);
  const header = Buffer.alloc(64);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(64, 4);
  const fragments = [new Uint8Array(4), Buffer.concat([header, plane])];
  return buildDicom(greyImage(side, side, [0x7fe00010, "OB", { fragments }]), { syntax: "1.2.840.10008.1.2.5" });
}

const volume = niftiFile([8, 8, 8], new Uint8Array(512).fill(3));
const FILES: readonly [name: string, bytes: Uint8Array][] = [
  ["volume.nii", volume],
  ["array.npy", encodeNpy(Uint16Array.from(grey), [side, side], "uint16")],
  ["bitmap.bmp", bitmap()],
  ["picture.png", await image().png().toBuffer()],
  ["picture.jpg", await image().jpeg().toBuffer()],
  ["picture.webp", await image().webp({ lossless: true }).toBuffer()],
  ["page.tif", await image().tiff({ compression: "lzw" }).toBuffer()],
  ["floats.tif", await image().toColourspace("b-w").tiff({ compression: "none" }).toBuffer()],
  ["frames.dcm", dicomFile("somebody", 3)],
  ["runs.dcm", rleFile()],
  [
    "jpeg.dcm",
    buildDicom(
      greyImage(side, side, [
        0x7fe00010,
        "OB",
        { fragments: [new Uint8Array(0), await image().toColourspace("b-w").jpeg().toBuffer()] },
      ]),
      { syntax: "1.2.840.10008.1.2.4.50" },
    ),
  ],
];

/** Whatever a file claims: a picture, or a named error about the data. */
async function outcomeOf(path: string): Promise<"read" | "refused"> {
  const facts = await factsOf(path);
  expect(countAlong(facts, "axial")).toBeLessThanOrEqual(2 ** 20);
  try {
    const { width, height, channels, pixels } = await decodeImage(path);
    expect(pixels.length).toBe(width * height * channels);
    const file = await openImageFile(path);
    JSON.stringify(file.header);
    const { shape } = await file.array();
    expect(shape.length).toBeLessThanOrEqual(LIMITS.npyAxes);
    return "read";
  } catch (error) {
    if (!(error instanceof MsmaeError)) throw error;
    expect(error.code).toBe("Data");
    expect(error.parts.where).toContain(path);
    return "refused";
  }
}

test("fields of any format's header at their extremes give a picture or a named error, soon and in bounded memory", {
  timeout: 60_000 + RUNS * 100,
}, async () => {
  const outcomes = { read: 0, refused: 0 };
  const before = process.resourceUsage().maxRSS;
  let run = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...FILES),
    fc.array(claim, { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    async ([name, original], claims, packed) => {
      // Another path each time: a thread remembers the file that it opened last.
      const path = join(folder, `${run++}-${name}${packed ? ".gz" : ""}`);
      const bytes = claimed(original, claims);
      writeFileSync(path, packed ? gzipSync(bytes, { level: 1 }) : bytes);
      const started = cpuMilliseconds();
      outcomes[await outcomeOf(path)]++;
      expect(cpuMilliseconds() - started).toBeLessThan(SLOWEST_MS);
      rmSync(path);
    },
  );
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(MOST_MEGABYTES);
  // Both outcomes have to come up, else the claims test nothing.
  expect(outcomes.read).toBeGreaterThan(RUNS / 50);
  expect(outcomes.refused).toBeGreaterThan(RUNS / 50);
  if (process.env.MSMAE_FUZZ_RUNS) console.log(outcomes);
});
