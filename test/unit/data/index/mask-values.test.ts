import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { labelAreasOf } from "../../../../src/data/index/label-areas.ts";
import type { SampleMask } from "../../../../src/data/sample.ts";
import { paintMask } from "../../../../src/data/targets/class-map.ts";
import { openImageFile } from "../../../../src/formats/node/open-image-file.ts";
import { encodeNpy } from "../../../../src/formats/npy.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-mask-values-"));
afterAll(() => rmSync(folder, { recursive: true }));
const WIDTH = 4;
/** Place of a byte of a PNG that is 3 where it has a palette. */
const COLOUR_TYPE = 25;

type Colour = readonly [number, number, number];
const BLACK: Colour = [0, 0, 0];
const MAROON: Colour = [128, 0, 0];
const OLIVE: Colour = [128, 128, 0];
const BORDER: Colour = [224, 224, 192];

/** An RGB picture, four pixels wide; with a palette as in Pascal VOC where that is asked for. */
async function coloured(name: string, pixels: readonly Colour[], palette = false): Promise<string> {
  const raw = { width: WIDTH, height: pixels.length / WIDTH, channels: 3 } as const;
  const path = join(folder, name);
  await sharp(Uint8Array.from(pixels.flat()), { raw })
    .png(palette ? { palette, colours: 8, dither: 0 } : {})
    .toFile(path);
  return path;
}

function numbers(name: string, values: readonly number[], type: "float32" | "int16" = "float32"): string {
  const path = join(folder, name);
  const data = type === "float32" ? Float32Array.from(values) : Int16Array.from(values);
  writeFileSync(path, encodeNpy(data, [values.length / WIDTH, WIDTH], type));
  return path;
}

/** The classes that a mask alone paints. */
async function painted(mask: SampleMask): Promise<number[]> {
  const picture = await (await openImageFile(mask.path)).read(0, "axial");
  const classes = new Uint8Array(picture.width * picture.height);
  paintMask(classes, mask, picture);
  return [...classes];
}
const outline = (path: string, light?: boolean) => painted({ path, class: 1, ...(light !== undefined && { light }) });

describe("a coloured mask of one class", () => {
  test("is labelled where it is not black, by the brightest of its channels", async () => {
    const row = [BLACK, [0, 0, 255], [0, 200, 0], [127, 127, 0], MAROON, BORDER, BLACK, [90, 1, 1]] as const;
    const path = await coloured("colours.png", row);
    expect(await outline(path)).toEqual([0, 1, 1, 0, 1, 1, 0, 0]);
    expect(await outline(path, false)).toEqual([0, 1, 1, 1, 1, 1, 0, 1]);
    const dark = await coloured("dark.png", [BLACK, [64, 0, 0], [0, 0, 3], BLACK]);
    expect(await outline(dark)).toEqual([0, 1, 1, 0]);
    expect(await outline(dark, true)).toEqual([0, 0, 0, 0]);
  });

  test("may have a palette", async () => {
    const path = await coloured("palette.png", [BLACK, MAROON, OLIVE, BORDER], true);
    expect(readFileSync(path)[COLOUR_TYPE]).toBe(3);
    expect(await outline(path)).toEqual([0, 1, 1, 1]);
  });

  test("has no more colours than a palette holds: a photograph is refused, as outline and when it is counted", async () => {
    const shades = (count: number) => Array.from({ length: count }, (_, at): Colour => [255 - (at & 127), at >> 7, 40]);
    const most = await coloured("most.png", shades(256));
    expect(await outline(most)).toEqual(new Array(256).fill(1));
    const path = await coloured("photograph.png", shades(260));
    const fault = /photograph\.png: expected a mask, of at most 256 colours, got more; .*not the image/;
    await expect(outline(path)).rejects.toThrow(fault);
    await expect(labelAreasOf({ path, kind: "outline" }, "axial")).rejects.toThrow(fault);
  });
});

describe("a mask whose values are labels", () => {
  const values = new Map([
    [0, 0],
    [1, 1],
  ]);

  test("must be grey: colours of a palette are no numbers, and the message says where to get them", async () => {
    const path = await coloured("voc.png", [BLACK, BLACK, BLACK, BLACK, BLACK, MAROON, OLIVE, BORDER], true);
    const fault =
      /voc\.png: expected grey values that are the numbers of labels, got the colour 128, 0, 0 at column 1, row 1; .*palette.*numpy\.array/;
    await expect(painted({ path, values })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(fault),
    });
    await expect(labelAreasOf({ path, kind: "labels" }, "axial")).rejects.toThrow(fault);
  });

  test("may have three channels alike", async () => {
    const path = await coloured("grey.png", [BLACK, [1, 1, 1], BLACK, [1, 1, 1]]);
    expect(await painted({ path, values })).toEqual([0, 1, 0, 1]);
    expect(await labelAreasOf({ path, kind: "labels" }, "axial")).toEqual([new Map([[1, 2]])]);
  });
});

test("the labelled pixels that are counted are those that are painted", async () => {
  const odd = [0.4, 0.6, -1, Number.NaN, Number.POSITIVE_INFINITY, 3, -0.2, 0];
  const masks = [
    await coloured("red.png", [BLACK, MAROON, [0, 7, 0], [0, 0, 200]]),
    await coloured("faint.png", [BLACK, [9, 0, 0], [0, 7, 0], [0, 0, 20]]),
    numbers("odd.npy", odd),
    numbers("odd-light.npy", [...odd, 127.6, 127.4, 128, 5000]),
    numbers("wide.npy", [0, -300, 300, 4], "int16"),
  ];
  for (const path of masks) {
    const [area] = await labelAreasOf({ path, kind: "outline" }, "axial");
    const all = [...(area as ReadonlyMap<number, number>)];
    const sum = (of: [number, number][]) => of.reduce((total, [, pixels]) => total + pixels, 0);
    const light = all.filter(([value]) => value >= 128);
    const count = async (asked?: boolean) => (await outline(path, asked)).reduce((total, label) => total + label, 0);
    expect([await count(true), await count(false)]).toEqual([sum(light), sum(all)]);
    expect(await count()).toBe(sum(light.length > 0 ? light : all));
  }
  expect(await outline(masks[2] as string)).toEqual([0, 1, 1, 0, 0, 1, 0, 0]);
});
