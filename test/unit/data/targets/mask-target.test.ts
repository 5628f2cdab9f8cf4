import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EpochOptions, ImageLoader, type LoaderOptions } from "../../../../src/data/loader/loader.ts";
import type { Sample, SampleMask } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { niftiFile, slowVolume } from "../../formats/volume-files.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-masks-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function picture(name: string, pixels: ArrayLike<number>, width: number, channels: 1 | 3 = 1): Promise<string> {
  const height = pixels.length / width / channels;
  const path = join(folder, name);
  const drawn = sharp(Uint8Array.from(pixels), { raw: { width, height, channels } });
  await drawn
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png()
    .toFile(path);
  return path;
}

let image = "";
beforeAll(async () => {
  image = await picture("image.png", new Uint8Array(12).fill(9), 4);
});

/** The classes of one sample's pixels, or the reason why it was left out; an input of the image's size. */
async function classesOf(sample: Omit<Sample, "label">, size = { inputHeight: 3, inputWidth: 4 }) {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const options = { channels: 1, workers: 0, target: { kind: "mask" }, onWarning } as const;
  await using loader = new ImageLoader([{ ...sample, label: 0 }], { ...size, ...options });
  for await (const batch of loader.inOrder({ batchSize: 1 })) return [...targetOf(batch, "mask").classes];
  return warnings.join();
}

describe("the classes of pixels", () => {
  test("are the mask's class where it is not 0, of several masks the later one's", async () => {
    const wide = await picture("wide.png", [1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0], 4);
    const high = await picture("high.png", [0, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0], 4);
    const [a, b] = [
      { path: wide, class: 3 },
      { path: high, class: 1 },
    ];
    expect(await classesOf({ path: image, masks: [a, b] })).toEqual([3, 1, 1, 1, 3, 3, 0, 0, 3, 3, 0, 0]);
    expect(await classesOf({ path: image, masks: [b, a] })).toEqual([3, 3, 1, 1, 3, 3, 0, 0, 3, 3, 0, 0]);
    expect(await classesOf({ path: image, masks: [] })).toEqual(new Array(12).fill(0));
  });

  test("are labelled from 128 on where anything is as light, or where the mask says so", async () => {
    const noisy = await picture("noisy.png", [2, 255, 128, 127, 0, 0, 0, 0, 0, 0, 0, 0], 4);
    const faint = await picture("faint.png", [2, 0, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0], 4);
    const start = async (mask: SampleMask) =>
      ((await classesOf({ path: image, masks: [mask] })) as number[]).slice(0, 4);
    expect(await start({ path: noisy, class: 1 })).toEqual([0, 1, 1, 0]);
    expect(await start({ path: noisy, class: 1, light: false })).toEqual([1, 1, 1, 1]);
    expect(await start({ path: faint, class: 1 })).toEqual([1, 0, 1, 0]);
    expect(await start({ path: faint, class: 1, light: true })).toEqual([0, 0, 0, 0]);
  });

  test("are those of a mask's values, a grey picture's of three channels as well", async () => {
    const pixels = [0, 5, 7, 5, 0, 0, 0, 9, 0, 0, 0, 0];
    const values = new Map([
      [5, 2],
      [7, 1],
      [9, IGNORED],
    ]);
    const expected = [0, 2, 1, 2, 0, 0, 0, IGNORED, 0, 0, 0, 0];
    const grey = await picture("map.png", pixels, 4);
    const triple = await picture(
      "map-rgb.png",
      pixels.flatMap((value) => [value, value, value]),
      4,
      3,
    );
    for (const path of [grey, triple])
      expect(await classesOf({ path: image, masks: [{ path, values }] })).toEqual(expected);
  });

  test("of a slice are those of the mask's slice, unless the mask names another", async () => {
    const volume = join(folder, "volume.nii");
    const labels = join(folder, "labels.nii");
    const voxels = Uint8Array.from({ length: 24 }, (_, at) => (at === 0 || at === 13 || at === 14 ? 1 : 0));
    writeFileSync(volume, niftiFile([4, 3, 2], new Uint8Array(24)));
    writeFileSync(labels, niftiFile([4, 3, 2], voxels));
    const at = async (item: number, mask: Partial<SampleMask>) =>
      classesOf({ path: volume, item, masks: [{ path: labels, class: 1, ...mask }] });
    const [first, second] = [await at(0, {}), await at(1, {})] as [number[], number[]];
    expect([first, second].map((classes) => classes.reduce((sum, value) => sum + value))).toEqual([1, 2]);
    expect(await at(0, { item: 1 })).toEqual(second);
  });
});

describe("a mask that cannot be used leaves its image out and is named", () => {
  const reasonFor = async (mask: SampleMask, sample: Partial<Sample> = {}) =>
    classesOf({ path: image, ...sample, masks: [mask] });

  test("where it is of another size, no picture, or not there", async () => {
    const path = await picture("small.png", new Uint8Array(6), 3);
    expect(await reasonFor({ path, class: 1 })).toMatch(
      /small\.png: expected a mask of 4×3 pixels, as .*image\.png has, got 3×2; save the mask at the size of its image/,
    );
    const turned = await picture("turned.png", new Uint8Array(12), 3);
    expect(await reasonFor({ path: turned, class: 1 })).toMatch(/turned\.png: .*got 3×4; turn the mask.*Exif/);
    const text = join(folder, "text.png");
    writeFileSync(text, "no picture");
    expect(await reasonFor({ path: text, class: 1 })).toMatch(/text\.png: expected/);
    expect(await reasonFor({ path: join(folder, "absent.png"), class: 1 })).toMatch(/absent\.png/);
  });

  test("where a value is no class", async () => {
    const path = await picture("stranger.png", [0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0], 4);
    const values = new Map([[1, 1]]);
    expect(await reasonFor({ path, values })).toMatch(
      /stranger\.png: expected values that stand for a class \(1\), got 4 at column 2, row 0; name the label/,
    );
  });

  test("where it has no such picture, or several for one", async () => {
    const path = join(folder, "two.nii");
    writeFileSync(path, niftiFile([4, 3, 2], new Uint8Array(24)));
    expect(await reasonFor({ path, class: 1 })).toMatch(/two\.nii: expected a mask of one picture, .*got 2/);
    expect(await reasonFor({ path, class: 1, item: 2 })).toMatch(
      /two\.nii: expected a picture of number 0 to 1, got 2/,
    );
  });

  test("where it takes too long, in a thread", async () => {
    const slow = join(folder, "slow.nii.gz");
    writeFileSync(slow, slowVolume());
    const warnings: string[] = [];
    const options = { inputHeight: 3, inputWidth: 4, channels: 1, workers: 1, itemSeconds: 0.1 } as const;
    const samples = [
      { path: image, label: 0, masks: [{ path: slow, class: 1 }] },
      { path: image, label: 0, masks: [] },
    ];
    const onWarning = (message: string) => warnings.push(message);
    await using loader = new ImageLoader(samples, { ...options, target: { kind: "mask" }, onWarning });
    for await (const { indices } of loader.inOrder({ batchSize: 2 })) expect([...indices]).toEqual([1]);
    expect(warnings.join()).toMatch(/no end of decoding after 0\.1 s/);
  });

  test("under strict, with its error", async () => {
    const masks = [{ path: join(folder, "absent.png"), class: 1 }];
    const options = { inputHeight: 3, inputWidth: 4, channels: 1, workers: 0, strict: true } as const;
    await using loader = new ImageLoader([{ path: image, label: 0, masks }], { ...options, target: { kind: "mask" } });
    await expect(loader.inOrder({ batchSize: 1 }).next()).rejects.toThrow(/absent\.png/);
  });
});

describe("a loader of masks", () => {
  const size = { inputHeight: 12, inputWidth: 16, channels: 1 } as const;
  const open = (samples: Sample[], options: Partial<LoaderOptions> = {}) =>
    new ImageLoader(samples, { ...size, target: { kind: "mask" }, ...options });

  test("wants masks for every sample, and classes that fit into a byte", () => {
    const samples = [
      { path: image, label: 0, masks: [] },
      { path: "b.png", label: 0 },
    ];
    expect(() => open(samples)).toThrow(/none for 1 of 2, the first of them b\.png; in a table, .*or none where/);
    expect(() => open(samples.slice(1))).toThrow(
      /^targets: expected a data set with masks, got no mask in 1 images; give images\/ beside masks\/.*column mask/,
    );
    const many = [{ path: image, label: 0, masks: [{ path: "m.png", values: new Map([[1, 256]]) }] }];
    expect(() => open(many)).toThrow(/m\.png: expected classes of masks from 0 to 254, got 256/);
  });

  test("does not look at masks for other targets", async () => {
    const masks = [{ path: join(folder, "absent.png"), class: 1 }];
    await using loader = open([{ path: image, label: 4, masks }], { target: { kind: "class" }, workers: 0 });
    for await (const batch of loader.inOrder({ batchSize: 1 }))
      expect([...targetOf(batch, "class").labels]).toEqual([4]);
    expect(loader.stats().unreadable).toEqual([]);
  });

  test("puts classes beside their images where one in between is left out", async () => {
    const samples: Sample[] = [];
    for (const value of [1, 2, 3, 4]) {
      const path = await picture(`flat-${value}.png`, new Uint8Array(12 * 16).fill(40 * value), 16);
      const masks = [{ path: value === 2 ? image : path, class: value }];
      samples.push({ path, label: 0, masks });
    }
    await using loader = open(samples, { workers: 1 });
    const { value: batch } = await loader.inOrder({ batchSize: 4 }).next();
    if (!batch) throw new Error("no batch");
    expect([...batch.indices]).toEqual([0, 2, 3]);
    expect([...targetOf(batch, "mask").classes]).toEqual([...batch.images].map((value) => value / 40));
    expect(new Set(batch.images)).toEqual(new Set([40, 120, 160]));
  });

  test("gives the same bytes whatever the threads and the cache, and where an epoch starts", async () => {
    const samples: Sample[] = [];
    for (let at = 0; at < 9; at++) {
      const [width, height] = [20 + at, 18];
      const pixels = Uint8Array.from({ length: width * height }, (_, i) => ((i * (at + 3)) >> 3) & 1);
      const path = await picture(`mask-${at}.png`, pixels, width);
      const shown = await picture(
        `image-${at}.png`,
        pixels.map((value) => value * 200),
        width,
      );
      // One of them is left out.
      samples.push({ path: shown, label: at % 2, masks: [{ path: at === 4 ? image : path, class: 1 + (at % 3) }] });
    }
    const epoch: EpochOptions = { epoch: 3, seed: 8, batchSize: 2, augment: true, shuffle: true, dropLast: false };
    const plain = { ...epoch, augment: false, shuffle: false };
    const read = async (options: Partial<LoaderOptions>, startBatch = 0) => {
      await using loader = open(samples, options);
      const batches = [];
      for (const one of [{ ...epoch, startBatch }, { ...epoch, epoch: 4 }, plain]) {
        for await (const batch of loader.epoch(one)) {
          const { classes } = targetOf(batch, "mask");
          expect(classes).toHaveLength(batch.indices.length * 12 * 16);
          batches.push({
            indices: [...batch.indices],
            images: createHash("sha256").update(batch.images).digest("hex"),
            classes: createHash("sha256").update(classes).digest("hex"),
          });
          batch.release();
        }
      }
      return { batches, stats: loader.stats() };
    };
    const reference = await read({ workers: 0, cacheMb: 0 });
    expect(new Set(reference.batches.map(({ classes }) => classes)).size).toBeGreaterThan(10);
    expect(reference.batches.slice(-5).map(({ indices }) => indices)).toEqual([[0, 1], [2, 3], [5], [6, 7], [8]]);
    expect((await read({ workers: 1, cacheMb: 1 })).batches).toEqual(reference.batches);
    expect((await read({ workers: 3, prefetch: 5, cacheMb: 0.002 })).batches).toEqual(reference.batches);
    expect((await read({ workers: 2 }, 2)).batches).toEqual(reference.batches.slice(2));
    // Each image and its mask are decoded once; in the first epoch one of them stands in for the one left out.
    expect((await read({ workers: 0, cacheMb: 1 })).stats).toMatchObject({ cachedImages: 8, cacheHits: 1 + 9 + 8 });
  });
});
