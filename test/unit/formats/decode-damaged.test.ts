import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { applyWindow } from "../../../src/images/window.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";

interface File {
  file: string;
}

const load = (name: string): Record<string, File> =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8"));
const measured = load("measured-files.json");
const pictures = load("pillow-13-files.json");
const folder = mkdtempSync(join(tmpdir(), "msmae-damaged-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Much less than the defaults, so that a case which passes them shows. */
const LIMITS = { fileBytes: 2 ** 23, pixels: 2 ** 20, frames: 1000, decodedBytes: 2 ** 24 };
/** Milliseconds of processor time that one damaged file may take; opening a good one takes about one. */
const LONGEST = 2000;

async function readAll(name: string, content: Uint8Array): Promise<"read" | "refused"> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const started = cpuMilliseconds();
  try {
    const file = await openImageFile(path, LIMITS);
    const count = file.count("coronal");
    const image = applyWindow(await file.read(Math.max(0, count - 1), "coronal"), { kind: "auto" }, path);
    expect(image.pixels).toHaveLength(image.width * image.height * image.channels);
    await file.array();
    return "read";
  } catch (error) {
    if (!(error instanceof MsmaeError)) throw error;
    expect(error.code).toBe("Data");
    expect(error.message).toContain(name);
    return "refused";
  } finally {
    expect(cpuMilliseconds() - started).toBeLessThan(LONGEST);
  }
}

// Bytes that headers take badly, beside any others.
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.nat(255));
const damage = fc.record({
  // Mostly in the first bytes, where headers stand.
  edits: fc.array(fc.tuple(fc.oneof(fc.nat(128), fc.nat(700), fc.nat(60_000)), byte), { maxLength: 6 }),
  keep: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
});

function damaged(
  good: Uint8Array,
  { edits, keep }: { edits: [number, number][]; keep: number | undefined },
): Uint8Array {
  const bytes = Uint8Array.from(good);
  for (const [at, value] of edits) bytes[at % bytes.length] = value;
  return keep === undefined ? bytes : bytes.subarray(0, Math.floor(keep * bytes.length));
}

const of = (pattern: RegExp) =>
  Object.entries({ ...measured, ...pictures })
    .filter(([name, { file }]) => pattern.test(name) && file)
    .map(([name, { file }]): [string, Uint8Array] => [name, Buffer.from(file, "base64")]);

describe("damaged files give a picture or a Data error that names them, in bounded time", () => {
  test.each([
    ["NIfTI", /\.nii$/, 600],
    ["NumPy", /\.npy$/, 600],
    ["TIFF", /\.tif/, 600],
    ["PNG", /\.png$/, 150],
    ["BMP", /\.bmp$/, 300],
    ["WebP and JPEG", /\.(webp|jpe?g)$/, 150],
  ] as const)(
    "%s",
    async (_, pattern, numRuns) => {
      const files = of(pattern);
      expect(files.length).toBeGreaterThan(0);
      const outcomes = new Set<string>();
      const property = fc.asyncProperty(fc.constantFrom(...files), damage, async ([name, good], change) => {
        outcomes.add(await readAll(name, damaged(good, change)));
      });
      await fc.assert(property, { numRuns });
      expect(outcomes).toEqual(new Set(["read", "refused"]));
    },
    120_000,
  );

  test("NIfTI packed with gzip", async () => {
    const files = of(/^(little|second|big)-(i2|f4)\.nii$/).map(([name, good]) => [name, gzipSync(good)] as const);
    const property = fc.asyncProperty(fc.constantFrom(...files), damage, async ([name, good], change) => {
      await readAll(`${name}.gz`, damaged(good, change));
    });
    await fc.assert(property, { numRuns: 300 });
  }, 120_000);
});

const real = join(process.env.MSMAE_DATA ?? "../shared/data", "nifti");
const present = existsSync(real);

describe.skipIf(!present)(`real files, damaged${present ? "" : " SKIPPED: no ../shared/data/nifti"}`, () => {
  test("NIfTI as it is stored, and unpacked", async () => {
    const names = ["draw", "hippo", "lesion", "low_res", "minimal"].map((name) => `${name}.nii.gz`);
    const files = names.flatMap((name): [string, Uint8Array][] => {
      const packed = readFileSync(join(real, name));
      return [
        [name, packed],
        [name.replace(".gz", ""), gunzipSync(packed)],
      ];
    });
    const property = fc.asyncProperty(fc.constantFrom(...files), damage, async ([name, good], change) => {
      await readAll(name, damaged(good, change));
    });
    await fc.assert(property, { numRuns: 200 });
  }, 120_000);
});

describe("files that ask for too much", () => {
  const little = of(/^little-u1\.nii$/)[0]?.[1] as Uint8Array;

  test("a gzip stream is unpacked no further than its NIfTI header announces", async () => {
    const bomb = gzipSync(Buffer.concat([little, Buffer.alloc(2 ** 27)]));
    expect(bomb.length).toBeLessThan(LIMITS.fileBytes);
    expect(await readAll("bomb.nii.gz", bomb)).toBe("read");
  });

  test("a gzip stream of anything else stops at the limit", async () => {
    expect(await readAll("bomb.png.gz", gzipSync(Buffer.alloc(2 ** 27)))).toBe("refused");
  });

  test("a NIfTI header that announces more than the limit is refused before anything is unpacked", async () => {
    const huge = Buffer.from(little);
    for (const axis of [1, 2, 3]) huge.writeInt16LE(32_000, 40 + 2 * axis);
    await expect(openImageFile(writeTo("huge.nii.gz", gzipSync(huge)), LIMITS)).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("at most 16777216 bytes of voxels"),
    });
  });

  test("a TIFF whose pages lead in a circle is refused or read once, never for ever", async () => {
    const good = Buffer.from(of(/^pages-f8\.tif$/)[0]?.[1] as Uint8Array);
    const first = good.readUInt32LE(4);
    const entries = good.readUInt16LE(first);
    good.writeUInt32LE(first, first + 2 + 12 * entries);
    await readAll("circle.tif", good);
  });

  test("a file larger than the limit is refused unread", async () => {
    await expect(openImageFile(writeTo("large.nii", little), { fileBytes: 10 })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("a file of at most 10 bytes"),
    });
  });

  test("slices and pages of more pixels than the limit are refused", async () => {
    for (const [name, pattern] of [
      ["pixels.nii", /^little-u1\.nii$/],
      ["pixels.tif", /^grey-f8\.tif$/],
      ["pixels.npy", /^array-f4\.npy$/],
    ] as const) {
      const path = writeTo(name, of(pattern)[0]?.[1] as Uint8Array);
      const read = async () => (await openImageFile(path, { pixels: 5 })).read(0, "axial");
      await expect(read()).rejects.toMatchObject({ code: "Data" });
    }
  });

  function writeTo(name: string, content: Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }
});
