import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { inksToRgb } from "../../../src/formats/cmyk.ts";

interface Made {
  file: string;
  height: number;
  width: number;
  /** uint8 [h, w] of `convert("L")`, and [h, w, 3] of `convert("RGB")`. */
  L: string;
  RGB: string;
}

// Written by Pillow 13.0.0 and imagecodecs 2026.3.6; opened and converted by Pillow.
const made: Record<string, Made> = JSON.parse(
  readFileSync(new URL("./fixtures/pillow-13-cmyk.json", import.meta.url), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "msmae-cmyk-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(Object.keys(made))("four inks become colours as in Pillow, without a profile: %s", async (name) => {
  const { file, height, width, L, RGB } = made[name] as Made;
  const path = join(folder, name);
  writeFileSync(path, Buffer.from(file, "base64"));
  const colours = await decodeImage(path);
  expect(colours).toMatchObject({ height, width, channels: 3 });
  expect([...colours.pixels]).toEqual([...Buffer.from(RGB, "base64")]);
  const grey = await decodeImage(path, { channels: 1 });
  expect([...grey.pixels]).toEqual([...Buffer.from(L, "base64")]);
});

test("16-bit inks use their whole range", () => {
  const inks = Uint16Array.of(0, 65_535, 13_107, 13_107);
  expect([...inksToRgb(inks, 65_535)]).toEqual([52_428, 0, 41_942]);
});
