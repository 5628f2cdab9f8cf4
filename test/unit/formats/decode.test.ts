import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isImageName } from "../../../src/data/folders/image-names.ts";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { encodeNpy } from "../../../src/formats/npy.ts";
import { toChannels } from "../../../src/images/channels.ts";

interface Expected {
  file: string;
  height: number;
  width: number;
  channels: 1 | 3;
  pixels: string;
}

// Files written by Pillow 13.0.0, with the pixels they hold.
const fixtures: Record<string, Expected> = JSON.parse(
  readFileSync(new URL("./fixtures/pillow-13-files.json", import.meta.url), "utf8"),
);
const bytes = (name: string) => Buffer.from((fixtures[name] as Expected).file, "base64");
const folder = mkdtempSync(join(tmpdir(), "msmae-decode-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("decodeImage", () => {
  test.each(Object.keys(fixtures).filter((name) => fixtures[name]?.file && fixtures[name]?.pixels))(
    "%s gives the stored pixels",
    async (name) => {
      const { height, width, channels, pixels } = fixtures[name] as Expected;
      // What the transparent one holds was laid over black.
      const image = await decodeImage(write(name, bytes(name)), { alpha: "black" });
      expect({ ...image, pixels: [...image.pixels] }).toEqual({
        height,
        width,
        channels,
        pixels: [...Buffer.from(pixels, "base64")],
      });
    },
  );

  test("RGB becomes luma by Pillow's formula, grey becomes three equal channels", async () => {
    const luma = await decodeImage(write("rgb.png", bytes("rgb.png")), { channels: 1 });
    expect([...luma.pixels]).toEqual([...Buffer.from((fixtures.luma as Expected).pixels, "base64")]);
    const grey = toChannels({ width: 2, height: 1, channels: 1, pixels: Uint8Array.of(4, 9) }, 3);
    expect([...grey.pixels]).toEqual([4, 4, 4, 9, 9, 9]);
  });

  test.each([
    ["black", [100, 50, 25]],
    ["white", [227, 177, 152]],
    ["drop", [200, 100, 50]],
  ] as const)("half-transparent pixels under the rule %s", async (alpha, expected) => {
    const sharp = (await import("sharp")).default;
    const source = sharp(Buffer.of(200, 100, 50, 128), { raw: { width: 1, height: 1, channels: 4 } });
    const image = await decodeImage(write("half.png", await source.png().toBuffer()), { alpha });
    expect([...image.pixels]).toEqual(expected);
  });

  test("a bitmap stored from the top down keeps its rows in order", async () => {
    const file = bytes("rgb.bmp");
    const upward = await decodeImage(write("up.bmp", file));
    file.writeInt32LE(-file.readInt32LE(22), 22);
    const downward = await decodeImage(write("down.bmp", file));
    const stride = upward.width * 3;
    const row = (y: number) => upward.pixels.subarray(y * stride, (y + 1) * stride);
    expect(downward.pixels.subarray(0, stride)).toEqual(row(upward.height - 1));
  });

  test.each(["noise.jpeg", "grey16.png", "rgb.tiff", "rgb.webp", "rgb.bmp"])(
    "%s cut short is a Data error",
    async (name) => {
      const whole = bytes(name);
      await expect(
        decodeImage(write(`cut-${name}`, whole.subarray(0, Math.floor(whole.length * 0.6)))),
      ).rejects.toMatchObject({
        code: "Data",
        message: expect.stringContaining(`cut-${name}`),
      });
    },
  );

  test("foreign bytes and missing files are Data errors that name the file", async () => {
    const fails = (path: string, reason: RegExp) =>
      expect(decodeImage(path)).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(reason) });
    await fails(
      write("text.png", Buffer.from("not an image at all, but long enough for a header")),
      /text\.png.*starts as none of/,
    );
    await fails(write("empty.jpg", Buffer.alloc(0)), /empty\.jpg.*empty file/);
    await fails(join(folder, "absent.png"), /absent\.png.*ENOENT/);
  });

  test("float samples are windowed by their percentiles", async () => {
    const path = write("float.tiff", bytes("float.tiff"));
    const { values } = await (await openImageFile(path)).read(0, "axial");
    expect(values).toBeInstanceOf(Float32Array);
    const { pixels } = await decodeImage(path);
    const low = values.indexOf(Math.min(...values));
    const high = values.indexOf(Math.max(...values));
    expect([pixels[low], pixels[high]]).toEqual([0, 255]);
  });

  test("three grey samples in each pixel of a TIFF are no colours", async () => {
    // Written by tifffile 2026.3.3: 2×2 pixels of 0 to 11, photometric interpretation minisblack.
    const directory =
      "SUkqAAgAAAAOAAABBAABAAAAAgAAAAEBBAABAAAAAgAAAAIBAwADAAAAtgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAAB";
    const small =
      "AAAA0AAAABUBAwABAAAAAwAAABYBBAABAAAAAgAAABcBBAABAAAADAAAABoBBQABAAAAvAAAABsBBQABAAAAxAAAABwBAwABAAAAAQAAACgBAwABAAAAAQAAAFIBAwACAAAAAAAAAAAAAAAIAAgACAABAAAAAQAAAAEAAAABAAAAAAAAAAABAgMEBQYHCAkKCw==";
    const three = Buffer.from(directory + small, "base64");
    await expect(decodeImage(write("three.tif", three))).rejects.toThrow(/3 grey samples in each pixel/);
    // Said to be red, green and blue, they are colours.
    three.writeUInt16LE(2, three.indexOf(Buffer.from([6, 1, 3, 0])) + 8);
    expect([...(await decodeImage(write("rgb.tif", three))).pixels]).toEqual([...Array(12).keys()]);
  });

  test("16-bit samples of a PNG are kept until they are windowed, grey and RGB", async () => {
    const sharp = (await import("sharp")).default;
    for (const channels of [1, 3] as const) {
      const samples = Uint16Array.from({ length: 35 * channels }, (_, i) => (i * 7919) % 65_536);
      const raw = { width: 7, height: 5, channels, depth: "ushort" } as const;
      const space = channels === 1 ? "grey16" : "rgb16";
      const png = await sharp(samples, { raw }).toColourspace(space).png().toBuffer();
      const path = write(`wide-${channels}.png`, png);
      const source = await (await openImageFile(path)).read(0, "axial");
      expect(source).toMatchObject({ width: 7, height: 5, channels, levels: [0, 65_535] });
      expect(source.values).toEqual(samples);
      const { pixels } = await decodeImage(path);
      expect([...pixels]).toEqual(Array.from(samples, (value) => Math.round(value / 257)));
    }
  });

  test("a picture is asked for by number; a number beyond the last is refused", async () => {
    const path = write(
      "pages.npy",
      encodeNpy(
        Uint8Array.from({ length: 30 }, (_, i) => i),
        [3, 2, 5],
        "uint8",
      ),
    );
    expect([...(await decodeImage(path, { item: 2 })).pixels]).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect([...(await decodeImage(path)).pixels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const item of [3, -1, 0.5]) {
      await expect(decodeImage(path, { item })).rejects.toMatchObject({
        code: "Data",
        message: expect.stringMatching(/pages\.npy: expected a picture of number 0 to 2/),
      });
    }
  });

  test("a volume read slice by slice is read from the disk once, and anew when it has changed", async () => {
    const stack = (...values: number[]) => encodeNpy(Uint8Array.from(values), [values.length, 1, 1, 1], "uint8");
    const path = write("twice.npy", stack(1, 2, 3));
    const longAgo = new Date(2020, 1, 1);
    utimesSync(path, longAgo, longAgo);
    expect((await decodeImage(path, { item: 0 })).pixels[0]).toBe(1);
    // Same size and time: what is remembered counts.
    write("twice.npy", stack(4, 5, 6));
    utimesSync(path, longAgo, longAgo);
    expect((await decodeImage(path, { item: 1 })).pixels[0]).toBe(2);
    write("twice.npy", stack(7, 8, 9, 10));
    expect((await decodeImage(path, { item: 1 })).pixels[0]).toBe(8);
  });

  test.each(["rgb.png", "rgb.bmp"])("%s with more pixels than allowed is refused", async (name) => {
    await expect(decodeImage(write(name, bytes(name)), { limits: { pixels: 34 } })).rejects.toMatchObject({
      code: "Data",
    });
    await expect(decodeImage(write(name, bytes(name)), { limits: { pixels: 35 } })).resolves.toBeDefined();
  });
});

test("names of image files are told by their endings, double ones too", () => {
  expect(["a.PNG", "b.nii", "c.NII.GZ", "d.dcm", "e.npy", "f.tiff"].filter(isImageName)).toHaveLength(6);
  expect(["a.txt", "b.gz", "c.csv.gz", "png", "nii.gz.bak"].filter(isImageName)).toEqual([]);
});
