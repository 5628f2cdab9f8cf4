import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { transparentColour } from "../../../src/formats/gif.ts";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import { readingOf } from "../../../src/inference/session.ts";
import { parseDescription } from "../../../src/interop/model-file.ts";
import { classifier } from "../../e2e/micro-models.ts";

interface Made {
  file: string;
  /** Pillow's mode of the opened file. */
  mode: string;
  height: number;
  width: number;
  /** uint8 [h, w] of `convert("L")`, and [h, w, 3] of `convert("RGB")`. */
  L: string;
  RGB: string;
}

// Files with transparency, written by Pillow 13.0.0, tifffile 2026.3.3 and by hand; opened and converted by Pillow.
const made: Record<string, Made> = JSON.parse(
  readFileSync(new URL("./fixtures/pillow-13-alpha.json", import.meta.url), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "msmae-alpha-"));
afterAll(() => rmSync(folder, { recursive: true }));
function write(name: string): string {
  writeFileSync(join(folder, name), Buffer.from((made[name] as Made).file, "base64"));
  return join(folder, name);
}
const wide = (name: string) => name.includes("16");

describe("transparency as Pillow drops it", () => {
  test.each(Object.keys(made).filter((name) => !wide(name)))("%s equals convert in every pixel", async (name) => {
    const { height, width, L, RGB } = made[name] as Made;
    const path = write(name);
    const colours = await decodeImage(path, { channels: 3 });
    expect({ ...colours, pixels: [...colours.pixels] }).toEqual({
      height,
      width,
      channels: 3,
      pixels: [...Buffer.from(RGB, "base64")],
    });
    const grey = await decodeImage(path, { channels: 1 });
    expect([...grey.pixels]).toEqual([...Buffer.from(L, "base64")]);
  });

  // Pillow keeps the upper byte of 16-bit samples with alpha; here they keep all bits up to the window.
  test.each(Object.keys(made).filter(wide))("%s has the upper bytes of Pillow", async (name) => {
    const { RGB, L } = made[name] as Made;
    const { values, channels } = await (await openImageFile(write(name))).read(0, "axial");
    expect(values).toBeInstanceOf(Uint16Array);
    expect([...values].map((value) => value >> 8)).toEqual([...Buffer.from(channels === 1 ? L : RGB, "base64")]);
  });

  test("laid over a colour instead, a wholly transparent row has that colour", async () => {
    for (const name of ["rgba.png", "la.png", "rgba.webp", "rgba-unassociated.tif"]) {
      for (const [alpha, level] of [
        ["black", 0],
        ["white", 255],
      ] as const) {
        const { pixels, width, channels } = await decodeImage(write(name), { alpha });
        expect([...pixels.subarray(0, width * channels)]).toEqual(Array(width * channels).fill(level));
      }
    }
    const index = await decodeImage(write("index.gif"), { alpha: "white" });
    expect(index.pixels).not.toEqual((await decodeImage(write("index.gif"))).pixels);
  });

  test("a file opened under one rule is not taken for another rule's", async () => {
    const path = write("rgba-unassociated.tif");
    const dropped = await decodeImage(path);
    expect((await decodeImage(path, { alpha: "white" })).pixels).not.toEqual(dropped.pixels);
    expect((await decodeImage(path)).pixels).toEqual(dropped.pixels);
  });
});

describe("the colour behind a GIF's transparent index", () => {
  const global = [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0x80, 0, 0, 1, 2, 3, 4, 5, 6];
  const control = (index: number) => [0x21, 0xf9, 4, 1, 0, 0, index, 0];
  const comment = [0x21, 0xfe, 2, 0x2c, 0x2c, 1, 0x2c, 0];
  const picture = (flags: number) => [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, flags];
  test.each([
    ["of the file's palette", [...global, ...comment, ...control(1), ...picture(0)], [4, 5, 6]],
    ["of the picture's own palette", [...global, ...control(1), ...picture(0x80), 9, 9, 9, 7, 8, 9], [7, 8, 9]],
    ["without an index", [...global, ...comment, ...picture(0)], undefined],
    ["of a file cut short", [...global, ...control(1)], undefined],
  ])("%s", (_, bytes, colour) => {
    expect(transparentColour(Uint8Array.from(bytes))).toEqual(colour);
  });
});

describe("a checkpoint", () => {
  test("remembers the rule, which an option overrules", () => {
    const description = { ...classifier, reading: { window: "auto", axis: "axial", alpha: "white" } } as const;
    expect(readingOf(description, {}).alpha).toBe("white");
    expect(readingOf(description, { alpha: "drop" }).alpha).toBe("drop");
  });

  test("of an earlier version goes on with black", () => {
    const { reading, ...rest } = classifier;
    const { alpha: _, ...earlier } = reading;
    for (const description of [rest, { ...rest, reading: earlier }]) {
      const parsed = parseDescription("old", { msmae: JSON.stringify(description) });
      expect(parsed && readingOf(parsed, {}).alpha).toBe("black");
    }
  });
});
