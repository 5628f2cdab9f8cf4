import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/page-bundle.ts";
import { type PageServer, servePage } from "../../scripts/page-server.ts";
import { openImageBytes, readTags } from "../../src/formats/node/index.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import { buildDicom, greyImage } from "../unit/formats/dicom/dicom-builder.ts";
import { tiffFile } from "../unit/formats/tiff-file.ts";
import { bmpHeader, niftiFile } from "../unit/formats/volume-files.ts";
import { contentOf } from "./browser/digest.ts";
import type { ReadRequest } from "./browser/image-reader.ts";
import { reach } from "./browser/imports.ts";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
const skipped = executablePath ? "" : " (SKIPPED: no /usr/bin/chromium, and CHROMIUM names no browser)";
const patience = 300_000;

const data = process.env.MSMAE_DATA ?? "../shared/data";
/** All 286 files agree (docs/data/formats.md); here are two of each transfer syntax, and small volumes. */
const real = [...ofEachSyntax(filesBelow(join(data, "dicom")), 2), ...smallest(filesBelow(join(data, "nifti")), 12)];
const withoutData = real.length > 0 ? "" : " (SKIPPED: no dicom and nifti in ../shared/data or $MSMAE_DATA)";

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function ofEachSyntax(files: string[], most: number): string[] {
  const seen = new Map<unknown, number>();
  return files.filter((path) => {
    const syntax = syntaxOf(readFileSync(path));
    seen.set(syntax, 1 + (seen.get(syntax) ?? 0));
    return (seen.get(syntax) as number) <= most;
  });
}

function smallest(files: string[], most: number): string[] {
  return files.toSorted((one, other) => statSync(one).size - statSync(other).size).slice(0, most);
}

const codecsFile = new URL("../../src/formats/dicom/generated/dcmjs-native-codecs.wasm", import.meta.url);
const bundled = bundle({ "image-reader": new URL("browser/image-reader.ts", import.meta.url) });

/** Numbers that no predictor or palette makes simple. */
const noise = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i * 31 + (i >> 3) * 7) & 255);
const raw = (channels: 1 | 3) =>
  sharp(noise(37 * 23 * channels), { raw: { width: 37, height: 23, channels } }).toColourspace(
    channels === 1 ? "b-w" : "srgb",
  );
const bitmap = () => Buffer.concat([bmpHeader(6, 4), noise(80)]);

/** Files of each format that a page reads as Node does. */
const made: [name: string, bytes: () => Promise<Uint8Array> | Uint8Array][] = [
  ["grey.png", () => raw(1).png().toBuffer()],
  ["colour.png", () => raw(3).png({ progressive: true }).toBuffer()],
  ["palette.png", () => raw(3).png({ palette: true, colours: 30 }).toBuffer()],
  ["colour.jpg", () => raw(3).jpeg({ quality: 90 }).toBuffer()],
  ["grey.jpg", () => raw(1).jpeg().toBuffer()],
  ["turned.jpg", () => raw(3).withMetadata({ orientation: 6 }).jpeg().toBuffer()],
  ["colour.webp", () => raw(3).webp({ lossless: true }).toBuffer()],
  ["colour.bmp", bitmap],
  ["colour.bmp.gz", () => gzipSync(bitmap())],
  ["floats.npy", () => encodeNpy(Float32Array.from(noise(60), Math.sqrt), [3, 4, 5])],
  ["shorts.npy.gz", () => gzipSync(encodeNpy(Int16Array.from(noise(60)), [60, 1], "int16"))],
  ["volume.nii.gz", () => gzipSync(niftiFile([5, 6, 7], noise(210)))],
  ["grey.tif", () => raw(1).tiff({ compression: "none" }).toBuffer()],
  ["colour.tif", () => raw(3).tiff({ compression: "lzw", predictor: "horizontal" }).toBuffer()],
  ["tiles.tif", () => raw(3).tiff({ compression: "deflate", tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer()],
  [
    "wide.tif",
    () => raw(3).toColourspace("rgb16").tiff({ compression: "deflate", predictor: "horizontal" }).toBuffer(),
  ],
  ["big-endian.tif", () => tiffFile({ values: noise(2 * 60), width: 10, height: 6, bits: 16, sampleFormat: 2 })],
  ["white-is-zero.tif", () => tiffFile({ values: noise(60), width: 10, height: 6, bits: 8, photometric: 0 })],
  [
    "floats.tif",
    () =>
      tiffFile({
        values: new Uint8Array(Float32Array.from(noise(60)).buffer),
        width: 10,
        height: 6,
        bits: 32,
        sampleFormat: 3,
      }),
  ],
  ["deflated.dcm", () => deflated(buildDicom(greyImage(20, 30, [0x7fe00010, "OW", noise(600)]), { syntax: DEFLATED }))],
  ["nothing.bin", () => noise(300)],
];

const DEFLATED = "1.2.840.10008.1.2.1.99";

/** With the part behind the meta information deflated, and padded to an even length. */
function deflated(file: Uint8Array): Uint8Array {
  const meta = 132 + 8 + DEFLATED.length + (DEFLATED.length % 2);
  const packed = deflateRawSync(file.subarray(meta));
  return Buffer.concat([file.subarray(0, meta), packed, Buffer.alloc(packed.length % 2)]);
}

const few = { packedBytes: 2 ** 20, decodedBytes: 2 ** 24 };
const zeros = new Uint8Array(2 ** 26);
/** Small files that hold far more than is allowed. */
const bombs: [name: string, bytes: () => Uint8Array][] = [
  ["bomb.bmp.gz", () => gzipSync(Buffer.concat([bitmap(), zeros]))],
  ["bomb.npy.gz", () => gzipSync(encodeNpy(zeros, [1, 8192, 8192], "uint8"))],
  ["bomb.nii.gz", () => gzipSync(niftiFile([1024, 1024, 64], zeros))],
  ["bomb.dcm", () => deflated(buildDicom(greyImage(8192, 8192, [0x7fe00010, "OW", zeros]), { syntax: DEFLATED }))],
  [
    "bomb.tif",
    () => tiffFile({ values: deflateSync(zeros), width: 10, height: 6, bits: 64, sampleFormat: 3, compression: 8 }),
  ],
];

describe.skipIf(!executablePath)(`image files in headless Chromium${skipped}`, () => {
  let browser: Browser;
  let server: PageServer;
  let page: Page;
  const files = new Map<string, Uint8Array>();

  beforeAll(async () => {
    for (const [name, bytes] of [...made, ...bombs]) files.set(name, await bytes());
    real.forEach((path, at) => {
      files.set(`real/${at}`, readFileSync(path));
    });
    const { scripts } = await bundled;
    // Where the package's own module looks for it.
    files.set("dicom/generated/dcmjs-native-codecs.wasm", readFileSync(codecsFile));
    server = await servePage(scripts, { files });
    browser = await chromium.launch({ executablePath, timeout: patience });
    page = await browser.newPage();
    await page.goto(server.origin, { timeout: patience });
    await page.addScriptTag({ url: "/image-reader.js", type: "module" });
    await page.waitForFunction(() => "readImage" in globalThis);
  }, patience);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, patience);

  const inPage = (request: ReadRequest): Promise<unknown> =>
    page.evaluate(
      (asked) => (globalThis as unknown as { readImage(asked: ReadRequest): Promise<unknown> }).readImage(asked),
      request,
    );
  const inNode = ({ url, ...options }: ReadRequest) => {
    const bytes = (files.get(url.slice(1)) as Uint8Array).slice();
    return contentOf(() => openImageBytes(bytes, options));
  };
  /** As JSON, since what a page returns has lost what is undefined. */
  const same = async (request: ReadRequest) => {
    const expected = JSON.stringify(await inNode(request), undefined, 1);
    expect(JSON.stringify(await inPage(request), undefined, 1)).toBe(expected);
    return expected;
  };

  test.each(made.map(([name]) => name))("%s gives what it gives in Node", async (name) => {
    await same({ url: `/${name}`, name });
  });

  test.skipIf(withoutData)(
    `${real.length} real DICOM and NIfTI files give the same arrays, windows and errors${withoutData}`,
    async () => {
      for (const [at, path] of real.entries()) await same({ url: `/real/${at}`, name: path });
      const syntaxes = real.map((path) => syntaxOf(readFileSync(path)));
      for (const coding of ["5", "4.50", "4.51", "4.70", "4.80", "4.90", "4.91", "4.201"]) {
        expect(syntaxes).toContain(`1.2.840.10008.1.2.${coding}`);
      }
      expect(syntaxes).toContain(DEFLATED);
      expect(server.requested).toContain("dicom/generated/dcmjs-native-codecs.wasm");
    },
    patience,
  );

  test.each(bombs.map(([name]) => name))("%s is refused as in Node", async (name) => {
    expect(await same({ url: `/${name}`, name, limits: few })).toContain('"code": "Data"');
  });

  test("what a page cannot read exactly is an error that says so", async () => {
    const pixels = Buffer.from(noise(37 * 23 * 4));
    const rgba = sharp(pixels, { raw: { width: 37, height: 23, channels: 4 } });
    files.set("alpha.png", await rgba.clone().png().toBuffer());
    files.set("wide.png", await raw(1).toColourspace("grey16").png().toBuffer());
    files.set("inks.jpg", await raw(3).toColourspace("cmyk").jpeg().toBuffer());
    const jpeg = await raw(3).jpeg().toBuffer();
    files.set("cut.jpg", jpeg.subarray(0, jpeg.length - 60));
    files.set("codec.tif", await raw(3).tiff({ compression: "jpeg" }).toBuffer());
    const says = async (name: string, alpha?: ReadRequest["alpha"]) =>
      JSON.stringify(await inPage({ url: `/${name}`, name, alpha }));
    expect(await says("alpha.png")).toContain("transparent pixels, whose colours a page cannot read");
    expect(await says("alpha.png", "white")).toContain("transparent pixels");
    expect(await says("wide.png")).toContain("a PNG file of 16 bits, of which a page reads 8");
    expect(await says("inks.jpg")).toContain("a JPEG file of 4 inks, which a page does not read");
    expect(await says("cut.jpg")).toContain("a JPEG file cut short");
    expect(await says("codec.tif")).toMatch(/photometric interpretation 6|compression 7/);
  });

  test("transparent pixels of a GIF have their palette's colour, or the one asked for", async () => {
    const pixels = Buffer.from(noise(16 * 16 * 4)).map((value, at) =>
      at % 4 === 3 ? (value > 99 ? 255 : 0) : value & 192,
    );
    files.set(
      "hole.gif",
      await sharp(pixels, { raw: { width: 16, height: 16, channels: 4 } })
        .gif()
        .toBuffer(),
    );
    for (const alpha of ["drop", "black", "white"] as const) await same({ url: "/hole.gif", name: "hole.gif", alpha });
  });

  test("codecs that cannot be fetched are an error of the page, not of the file", async () => {
    const at = real.findIndex((path) => path.endsWith("MR_small_jp2klossless.dcm"));
    const elements = greyImage(4, 4, [0x7fe00010, "OB", { fragments: [new Uint8Array(0), JPEG_LS] }]);
    files.set("codestream.dcm", buildDicom(elements, { syntax: "1.2.840.10008.1.2.4.80" }));
    const url = at < 0 ? "/codestream.dcm" : `/real/${at}`;
    const got = (await inPage({ url, name: "x.dcm", codecs: "/nowhere.wasm" })) as { array: unknown };
    expect(got.array).toMatchObject({ code: "Device", message: expect.stringMatching(/nowhere\.wasm.*status 404/) });
  });

  test("attributes of a DICOM header are read", async () => {
    files.set("named.dcm", buildDicom([[0x00100020, "LO", "P7"], ...greyImage(2, 2, [0x7fe00010, "OW", noise(4)])]));
    const got = await page.evaluate(() =>
      (globalThis as unknown as { readPatient(url: string): Promise<unknown> }).readPatient("/named.dcm"),
    );
    expect(got).toEqual({ PatientID: ["P7"], Rows: [2] });
  });
});

/** The header of a JPEG-LS picture of 4×4 pixels, without its scan. */
const JPEG_LS = Uint8Array.of(
  255,
  0xd8,
  255,
  0xf7,
  0,
  11,
  8,
  0,
  4,
  0,
  4,
  1,
  1,
  0x11,
  0,
  255,
  0xda,
  0,
  8,
  1,
  1,
  0,
  0,
  0,
  0,
  0,
);

function syntaxOf(bytes: Uint8Array): unknown {
  try {
    return readTags(bytes, ["TransferSyntaxUID"]).TransferSyntaxUID[0];
  } catch {
    return undefined;
  }
}

describe("src/formats/web", () => {
  test("reaches no module of Node, nor sharp", () => {
    const { files, packages } = reach(new URL("../../src/formats/web/index.ts", import.meta.url));
    expect([...files].filter((href) => href.includes("/formats/node/"))).toEqual([]);
    expect([...packages.keys()].filter((name) => isBuiltin(name) || name === "sharp")).toEqual([]);
  });

  test(
    "bundles for a browser without any import left over",
    async () => {
      expect((await bundled).imports.filter((name) => isBuiltin(name))).toEqual([]);
    },
    patience,
  );
});
