import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../../src/data/dataset.ts";
import { decodeImage } from "../../../../src/data/pictures/decode-image.ts";
import { drawPhantom, LESION_KINDS } from "../../../../src/experiments/phantom/draw-phantom.ts";
import { makePhantoms } from "../../../../src/experiments/phantom/make-phantoms.ts";
import { RandomStream } from "../../../../src/support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-phantom-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("drawPhantom", () => {
  const stream = (number: number) => RandomStream.for(4, "phantom", 0, 0, number);

  test("kinds differ near the lesion and nowhere else, for equal random numbers", () => {
    for (let number = 0; number < 8; number++) {
      const [disc, ...others] = LESION_KINDS.map((kind) => drawPhantom(64, kind, stream(number)));
      for (const other of others) {
        expect(other.mask).toEqual(disc?.mask);
        const grown = grow(other.mask, 64);
        let changed = 0;
        other.pixels.forEach((value, at) => {
          if (value === disc?.pixels[at]) return;
          expect(grown[at]).toBe(1);
          changed++;
        });
        expect(changed).toBeGreaterThan(10);
      }
    }
  });

  test("the lesion lies whole inside the image and is 13–16 % of its width across", () => {
    for (let number = 0; number < 40; number++) {
      const { mask } = drawPhantom(128, "ring", stream(number));
      const width = Math.sqrt(mask.filter((value) => value === 255).length / (Math.PI / 4)) / 128;
      // An area of about 270 pixels is counted to a few of them.
      expect(width).toBeGreaterThan(0.127);
      expect(width).toBeLessThan(0.163);
      const border = [...mask.keys()].filter(
        (at) => at < 128 * 8 || at >= 128 * 120 || at % 128 < 8 || at % 128 >= 120,
      );
      expect(border.every((at) => mask[at] === 0)).toBe(true);
    }
  });

  test("the lesion stands out from the organ around it", () => {
    const contrast = (kind: (typeof LESION_KINDS)[number], number: number) => {
      const { pixels, mask } = drawPhantom(64, kind, stream(number));
      const inside = pixels.filter((_, at) => mask[at] === 255);
      return { brightest: Math.max(...inside), darkest: Math.min(...inside) };
    };
    for (let number = 0; number < 10; number++) {
      for (const kind of ["disc", "star", "dots"] as const)
        expect(contrast(kind, number).brightest).toBeGreaterThan(175);
      expect(contrast("ring", number).darkest).toBeLessThan(50);
    }
  });

  test("a style makes the lesion larger, fainter, and one among others", () => {
    const draw = (style?: Parameters<typeof drawPhantom>[3]) => drawPhantom(64, "disc", stream(3), style);
    const plain = draw();
    expect(draw({ lesion: 1, contrast: 1, distractors: 0 })).toEqual(plain);
    const inside = ({ mask }: typeof plain) => mask.filter((value) => value === 255).length;
    expect(inside(draw({ lesion: 2 })) / inside(plain)).toBeCloseTo(4, 0);
    const brightest = ({ pixels, mask }: typeof plain) => Math.max(...pixels.filter((_, at) => mask[at] === 255));
    const faint = draw({ contrast: 0.3 });
    expect(faint.mask).toEqual(plain.mask);
    expect(brightest(faint)).toBeLessThan(brightest(plain) - 20);
    const crowded = draw({ distractors: 6 });
    expect(crowded.mask).toEqual(plain.mask);
    const changed = crowded.pixels.filter((value, at) => Math.abs(value - (plain.pixels[at] as number)) > 30).length;
    expect(changed).toBeGreaterThan(40);
  });
});

test("makePhantoms writes an ImageFolder with masks and their table beside it, the same for the same seed", async () => {
  const make = (name: string, seed: number) =>
    makePhantoms({ outputDir: join(folder, name), seed, imagesPerClass: { train: 3, val: 1, test: 2 }, size: 32 });
  const set = await make("a", 1);
  await make("b", 1);
  await make("c", 2);
  expect(set.classNames).toEqual(["disc", "dots", "ring", "star"]);
  const scanned = await openDataset(set.root, { seed: 0, require: ["train", "val", "test"] });
  expect([scanned.layout, scanned.maskClasses, scanned.classNames]).toEqual([
    "image-folder",
    undefined,
    set.classNames,
  ]);
  expect([scanned.splits.train.length, scanned.splits.val.length, scanned.splits.test.length]).toEqual([12, 4, 8]);
  const pixels = async (name: string, path: string) => (await decodeImage(join(folder, name, path))).pixels;
  for (const split of ["train", "val", "test"]) {
    for (const kind of set.classNames) {
      expect(readdirSync(join(set.masks, split, kind))).toEqual(readdirSync(join(set.root, split, kind)));
      const file = join(split, kind, "0000.png");
      expect(await pixels("b", file)).toEqual(await pixels("a", file));
      expect(await pixels("c", file)).not.toEqual(await pixels("a", file));
      expect(new Set(await pixels("a", join("masks", file)))).toEqual(new Set([0, 255]));
    }
  }
  const outlined = await openDataset(set.table, { seed: 0, oneClass: true, require: ["train", "val", "test"] });
  expect(outlined.maskClasses).toEqual(["background", "lesion"]);
  for (const split of ["train", "val", "test"] as const) {
    const images = ({ path }: { path: string }) => path;
    expect(outlined.splits[split].map(images).sort()).toEqual(scanned.splits[split].map(images).sort());
    const masks = outlined.splits[split].map((sample) => sample.masks?.map(images));
    expect(masks).toEqual(outlined.splits[split].map(({ path }) => [join(set.masks, relative(set.root, path))]));
  }
  expect(await pixels("a", "train/disc/0001.png")).not.toEqual(await pixels("a", "train/disc/0000.png"));
});

test("makePhantoms names bad options, unwritable folders and interruption", async () => {
  const options = { outputDir: join(folder, "x"), seed: 0, imagesPerClass: { train: 1, val: 0, test: 0 } };
  await expect(makePhantoms({ ...options, classes: 5 })).rejects.toMatchObject({ code: "Config" });
  await expect(makePhantoms({ ...options, size: 8 })).rejects.toMatchObject({ code: "Config" });
  await expect(makePhantoms({ ...options, outputDir: "/dev/null/x" })).rejects.toMatchObject({ code: "Data" });
  await expect(makePhantoms({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "Interrupted",
  });
});

/** 1 within one pixel of the mask. */
function grow(mask: Uint8Array, size: number): Uint8Array {
  return mask.map((_, at) => {
    const near = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => mask[at + dy * size + dx]));
    return near.includes(255) ? 1 : 0;
  });
}
