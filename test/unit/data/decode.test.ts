import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeImage, toChannels } from "../../../src/data/decode/image.ts";

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
      const image = await decodeImage(write(name, bytes(name)));
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

  test("half-transparent pixels are composited onto black", async () => {
    const sharp = (await import("sharp")).default;
    const source = sharp(Buffer.of(200, 100, 50, 128), { raw: { width: 1, height: 1, channels: 4 } });
    const image = await decodeImage(write("half.png", await source.png().toBuffer()));
    expect([...image.pixels]).toEqual([100, 50, 25]);
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

  test("float samples, foreign bytes and missing files are Data errors that name the file", async () => {
    const fails = (path: string, reason: RegExp) =>
      expect(decodeImage(path)).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(reason) });
    await fails(write("float.tiff", bytes("float.tiff")), /float\.tiff.*type float/);
    await fails(write("text.png", Buffer.from("not an image at all, but long enough for a header")), /text\.png/);
    await fails(write("empty.jpg", Buffer.alloc(0)), /empty\.jpg/);
    await fails(join(folder, "absent.png"), /absent\.png.*ENOENT/);
  });

  test.each(["rgb.png", "rgb.bmp"])("%s with more pixels than allowed is refused", async (name) => {
    await expect(decodeImage(write(name, bytes(name)), { limits: { pixels: 34 } })).rejects.toMatchObject({
      code: "Data",
    });
    await expect(decodeImage(write(name, bytes(name)), { limits: { pixels: 35 } })).resolves.toBeDefined();
  });
});
