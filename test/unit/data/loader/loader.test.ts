import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sample } from "../../../../src/data/dataset.ts";
import { DecodedCache } from "../../../../src/data/loader/decoded-cache.ts";
import { type Batch, type EpochOptions, ImageLoader, type LoaderOptions } from "../../../../src/data/loader/loader.ts";
import { WorkerPool } from "../../../../src/data/loader/reader-pool.ts";
import { decodeImage } from "../../../../src/data/pictures/decode-image.ts";
import { DEFAULT_READING } from "../../../../src/data/pictures/reading.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import { PAPER_CROP } from "../../../../src/geometry/random-geometry.ts";
import { Resizer } from "../../../../src/images/transforms/resize.ts";
import { slowVolume } from "../../formats/volume-files.ts";

const COUNT = 23;
const BROKEN = 7;
const folder = mkdtempSync(join(tmpdir(), "msmae-loader-"));
const good: Sample[] = [];
let withBroken: Sample[] = [];

// Sizes differ, and every third file is grey.
beforeAll(async () => {
  for (let at = 0; at < COUNT; at++) {
    const channels = at % 3 === 0 ? 1 : 3;
    const [width, height] = [30 + at, 50 - at];
    const pixels = Uint8Array.from(
      { length: width * height * channels },
      (_, i) => (i * (at + 3) + (i >> 4) * 11) & 255,
    );
    const path = join(folder, `${at}.png`);
    const space = channels === 1 ? "b-w" : "srgb";
    await sharp(pixels, { raw: { width, height, channels } }).toColourspace(space).png().toFile(path);
    good.push({ path, label: at % 4 });
  }
  const broken = join(folder, "broken.png");
  writeFileSync(broken, readFileSync((good[BROKEN] as Sample).path).subarray(0, 80));
  withBroken = good.map((sample, at) => (at === BROKEN ? { ...sample, path: broken } : sample));
});
afterAll(() => rmSync(folder, { recursive: true }));

const size = { inputHeight: 16, inputWidth: 24, channels: 3 as const };
const training: EpochOptions = { epoch: 2, seed: 5, batchSize: 4, augment: true, shuffle: true, dropLast: false };
const evaluation: EpochOptions = { ...training, augment: false, shuffle: false };

/** Everything of an epoch but the release functions, with the images by their hash. */
async function collect(samples: Sample[], options: Partial<LoaderOptions>, epochs: EpochOptions[]) {
  await using loader = new ImageLoader(samples, { ...size, ...options });
  const batches = [];
  for (const epoch of epochs) {
    for await (const batch of loader.epoch(epoch)) {
      const { release, images, ...rest } = batch;
      batches.push({ ...rest, images: createHash("sha256").update(images).digest("hex") });
      release();
    }
  }
  return { batches, stats: loader.stats() };
}

describe("ImageLoader", () => {
  test("gives the same epochs whatever the workers, the cache and the prefetch", async () => {
    const epochs = [training, { ...training, epoch: 3 }, evaluation];
    const reference = await collect(good, { workers: 0, cacheMb: 0, prefetch: 1 }, epochs);
    expect(await collect(good, { workers: 1, cacheMb: 1 }, epochs)).toMatchObject({ batches: reference.batches });
    expect(await collect(good, { workers: 3, cacheMb: 0.01, prefetch: 5 }, epochs)).toMatchObject({
      batches: reference.batches,
    });
    const indices = reference.batches.slice(0, 6).flatMap((batch) => [...batch.indices]);
    expect(indices.toSorted((a, b) => a - b)).toEqual([...good.keys()]);
    expect(indices).not.toEqual([...good.keys()]);
    expect(reference.batches.slice(12).flatMap((batch) => [...batch.indices])).toEqual([...good.keys()]);
  });

  test("images are the source, cropped, resized and mirrored as the geometry says", async () => {
    await using loader = new ImageLoader(good, { ...size, workers: 1 });
    const resizer = new Resizer();
    for (const epoch of [training, evaluation]) {
      for await (const { indices, target, paths, images, geometries } of loader.epoch(epoch)) {
        for (const [at, index] of indices.entries()) {
          const sample = good[index] as Sample;
          expect([paths[at], targetOf({ target }, "class").labels[at]]).toEqual([sample.path, sample.label]);
          const source = await decodeImage(sample.path, { channels: 3 });
          const geometry = geometries[at];
          expect([geometry?.sourceHeight, geometry?.sourceWidth]).toEqual([source.height, source.width]);
          const filter = epoch.augment ? "bicubic" : "bilinear";
          const expected = resizer.resize(source, 16, 24, { filter, ...geometry });
          expect(Buffer.compare(images.subarray(at * 1152, (at + 1) * 1152), expected)).toBe(0);
        }
      }
    }
  });

  test("crops keep to the bounds that are asked for", async () => {
    const crop = { scale: [0.8, 0.9], ratio: [1, 1] } as const;
    const { batches } = await collect(good.slice(8, 12), { workers: 1 }, [{ ...training, crop }]);
    for (const geometry of batches.flatMap(({ geometries }) => geometries)) {
      const share = (geometry.crop.height * geometry.crop.width) / (geometry.sourceHeight * geometry.sourceWidth);
      // Whole pixels of a side of about 36.
      expect(share).toBeGreaterThan(0.76);
      expect(share).toBeLessThan(0.94);
    }
  });

  test("every sample and every epoch has a crop of its own", async () => {
    const same = Array.from({ length: 4 }, () => good[1] as Sample);
    const { batches } = await collect(same, { workers: 1 }, [training, { ...training, epoch: 3 }]);
    const crops = batches.flatMap(({ geometries }) => geometries.map((geometry) => JSON.stringify(geometry)));
    expect(new Set(crops).size).toBe(8);
  });

  test("a later start gives the rest of the same epoch", async () => {
    const whole = await collect(withBroken, { workers: 1 }, [training]);
    const rest = await collect(withBroken, { workers: 1 }, [{ ...training, startBatch: 2 }]);
    expect(rest.batches).toEqual(whole.batches.slice(2));
  });

  test.each([0, 1, 2])(
    "the share %i of three is every third batch of the same epoch, wherever it starts",
    async (index) => {
      const share = { index, of: 3 };
      const whole = await collect(withBroken, { workers: 1 }, [training]);
      const part = await collect(withBroken, { workers: 1 }, [{ ...training, share }]);
      expect(part.batches).toEqual(whole.batches.filter(({ batch }) => batch % 3 === index));
      const rest = await collect(withBroken, { workers: 1 }, [{ ...training, share, startBatch: 2 }]);
      expect(rest.batches).toEqual(whole.batches.filter(({ batch }) => batch >= 2 && batch % 3 === index));
    },
  );

  test("one input channel turns RGB files grey", async () => {
    await using loader = new ImageLoader(good, { ...size, channels: 1, workers: 0 });
    for await (const batch of loader.epoch({ ...evaluation, batchSize: 2 })) {
      expect(batch.images).toHaveLength(2 * 16 * 24);
      const source = await decodeImage((good[1] as Sample).path, { channels: 1 });
      const expected = new Resizer().resize(source, 16, 24, { filter: "bilinear" });
      expect(Buffer.compare(batch.images.subarray(384), expected)).toBe(0);
      break;
    }
  });

  test("epochs after the first decode nothing if the cache holds all", async () => {
    const { stats } = await collect(good, { workers: 2, cacheMb: 1 }, [training, { ...training, epoch: 3 }]);
    expect(stats).toMatchObject({ decoded: COUNT, cacheHits: COUNT, cachedImages: COUNT, unreadable: [] });
    expect(stats.cachedBytes).toBeLessThanOrEqual(2 ** 20);
  });

  test("an unreadable image is replaced in training by the next of the order, with one warning", async () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const epochs = [training, { ...training, epoch: 3 }];
    const { batches, stats } = await collect(withBroken, { workers: 2, onWarning }, epochs);
    expect(batches.map(({ indices }) => indices.length)).toEqual([4, 4, 4, 4, 4, 3, 4, 4, 4, 4, 4, 3]);
    const clean = await collect(good, { workers: 0 }, epochs);
    const before = clean.batches.slice(0, 6).flatMap(({ indices }) => [...indices]);
    const after = batches.slice(0, 6).flatMap(({ indices }) => [...indices]);
    const hole = before.indexOf(BROKEN);
    expect(after).toEqual(before.with(hole, before[(hole + 1) % COUNT] as number));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("broken.png");
    expect(stats.unreadable).toEqual([join(folder, "broken.png")]);
  });

  test("an unreadable image is left out in evaluation", async () => {
    const { batches } = await collect(withBroken, { workers: 1 }, [evaluation, evaluation]);
    const present = [...good.keys()].filter((index) => index !== BROKEN);
    const indices = batches.flatMap((batch) => [...batch.indices]);
    expect(indices).toEqual([...present, ...present]);
    const clean = await collect(good, { workers: 1 }, [{ ...evaluation, batchSize: 1 }]);
    const single = await collect(withBroken, { workers: 1 }, [{ ...evaluation, batchSize: 1 }]);
    expect(single.batches).toEqual(clean.batches.filter(({ batch }) => batch !== BROKEN));
    const later = batches[1] as (typeof batches)[number];
    expect([
      later.indices.length,
      later.geometries.length,
      later.paths.length,
      targetOf(later, "class").labels.length,
    ]).toEqual([3, 3, 3, 3]);
  });

  test("in order, every readable image comes once, whole, and the last batch holds the rest", async () => {
    const reference = await collect(withBroken, { workers: 0 }, [evaluation]);
    await using loader = new ImageLoader(withBroken, { ...size, workers: 1 });
    const batches = [];
    for await (const { release, images, ...rest } of loader.inOrder({ batchSize: 4 })) {
      batches.push({ ...rest, images: createHash("sha256").update(images).digest("hex") });
      release();
    }
    expect(batches).toEqual(reference.batches);
    expect(batches.map(({ indices }) => indices.length)).toEqual([4, 3, 4, 4, 4, 3]);
    expect(loader.stats().unreadable).toEqual([join(folder, "broken.png")]);
    const stopped = loader.inOrder({ batchSize: 4, signal: AbortSignal.abort() });
    await expect(stopped.next()).rejects.toMatchObject({ code: "Interrupted" });
  });

  test("a batch names what may not be parted, beside the images that are left", async () => {
    const samples = withBroken.map((sample, at) => (at < 10 ? { ...sample, group: `p${at >> 2}` } : sample));
    await using loader = new ImageLoader(samples, { ...size, workers: 1 });
    const groups: string[] = [];
    for await (const batch of loader.inOrder({ batchSize: 6 })) {
      expect(batch.groups).toHaveLength(batch.indices.length);
      groups.push(...batch.groups);
    }
    const expected = samples.filter((_, at) => at !== BROKEN);
    expect(groups).toEqual(expected.map(({ group, path }) => (group ? `group ${group}` : `file ${path}`)));
    expect(new Set(groups).size).toBe(3 + COUNT - 10);
  });

  test("strict fails at the unreadable image and names it", async () => {
    await expect(collect(withBroken, { workers: 1, strict: true }, [training])).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("broken.png"),
    });
  });

  test("no readable image at all is an error, not an endless search", async () => {
    const absent = [1, 2, 3].map((label) => ({ path: join(folder, `absent-${label}.png`), label }));
    await expect(collect(absent, { workers: 1 }, [training])).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/at least one readable image, got none of 3; of one: .*absent-\d\.png/),
    });
  });

  test("dropLast leaves the last short batch out, and refuses a batch larger than the set", async () => {
    const { batches } = await collect(good, { workers: 0 }, [{ ...training, dropLast: true }]);
    expect(batches.map(({ indices }) => indices.length)).toEqual([4, 4, 4, 4, 4]);
    await using loader = new ImageLoader(good, { ...size, workers: 0 });
    expect(() => loader.epoch({ ...training, batchSize: COUNT + 1, dropLast: true })).toThrow(
      expect.objectContaining({ code: "Config", message: expect.stringContaining("at most 23") }),
    );
  });

  test.each([0, 2])("an abort ends the epoch with Interrupted, %i workers", async (workers) => {
    await using loader = new ImageLoader(good, { ...size, workers });
    const stop = new AbortController();
    const seen: Batch[] = [];
    const read = async () => {
      for await (const batch of loader.epoch({ ...training, signal: stop.signal })) {
        seen.push(batch);
        stop.abort();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "Interrupted" });
    expect(seen).toHaveLength(1);
    const { batches } = await collect(good, { workers }, [training]);
    expect(batches).toHaveLength(6);
  });

  test.each([0, 2])("closing ends an epoch in progress with an error, %i workers", async (workers) => {
    const loader = new ImageLoader(good, { ...size, workers, prefetch: 1 });
    const batches = loader.epoch(training);
    await batches.next();
    const rest = (async () => {
      for await (const _ of batches);
    })();
    await Promise.all([expect(rest).rejects.toMatchObject({ code: "Data" }), loader.close()]);
  });

  test("released memory is used again, memory in use is not", async () => {
    await using loader = new ImageLoader(good, { ...size, workers: 0, prefetch: 1 });
    const buffers: ArrayBufferLike[] = [];
    for await (const batch of loader.epoch({ ...training, dropLast: true })) {
      buffers.push(batch.images.buffer);
      if (batch.batch === 0) batch.release();
    }
    expect(new Set(buffers).size).toBe(4);
  });

  test.each([{ workers: -1 }, { cacheMb: Number.NaN }, { prefetch: 0 }, { inputHeight: 1.5 }])(
    "refuses %o",
    (options) => {
      expect(() => new ImageLoader(good, { ...size, ...options })).toThrow(expect.objectContaining({ code: "Config" }));
    },
  );
});

describe("threads that fail", () => {
  const reader = { ...size, reading: DEFAULT_READING, cache: undefined };
  const imageBytes = size.inputHeight * size.inputWidth * size.channels;
  const read = (pool: WorkerPool, paths: readonly string[], bytes: number) => {
    const items = paths.map((path, slot) => ({ slot, sample: slot, path }));
    const images = new Uint8Array(new SharedArrayBuffer(bytes));
    const task = { augment: false, crop: PAPER_CROP, seed: 0, epoch: 0, items, images };
    return { images, report: pool.run(task, () => false) };
  };
  const paths: string[] = [];
  beforeAll(() => {
    paths.push(...good.slice(0, 3).map(({ path }) => path));
  });

  test("an image whose thread dies is unreadable, and a new thread reads the others", async () => {
    const pool = new WorkerPool(reader, 1, 60);
    // There is no room for the last image of the batch: a fault outside decoding, which ends the thread.
    const { report, images } = read(pool, paths, imageBytes * 2 + 5);
    const { items } = await report;
    expect(items.map((item) => "geometry" in item)).toEqual([true, true, false]);
    expect(items[2]).toMatchObject({ code: "Data", unreadable: expect.stringContaining(`${paths[2]}: expected`) });
    expect(images.subarray(0, imageBytes * 2).some((value) => value > 0)).toBe(true);
    const again = read(pool, paths, imageBytes * 3);
    expect((await again.report).items.every((item) => "geometry" in item)).toBe(true);
    await pool.close();
  });

  test("an image that takes too long is given up, and a new thread reads the others", async () => {
    const slow = join(folder, "slow.nii.gz");
    writeFileSync(slow, slowVolume());
    const pool = new WorkerPool(reader, 1, 0.1);
    const { items } = await read(pool, [paths[0] as string, slow, paths[1] as string], imageBytes * 3).report;
    expect(items.map((item) => "geometry" in item)).toEqual([true, false, true]);
    expect(items[1]).toMatchObject({ unreadable: expect.stringContaining("no end of decoding after 0.1 s") });
    await pool.close();
  });

  test("threads that cannot even start fail every task", async () => {
    const pool = new WorkerPool({ ...reader, inputHeight: -1 }, 2, 60);
    await expect(read(pool, paths, imageBytes * 3).report).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("loading thread"),
    });
    await expect(read(pool, paths, imageBytes * 3).report).rejects.toMatchObject({ code: "Data" });
    await pool.close();
  });
});

test("DecodedCache keeps samples apart, and stops at its bound", () => {
  const cache = DecodedCache.create(4, 256);
  const image = (value: number, length: number) => {
    return { height: 1, width: length, channels: 1 as const, pixels: new Uint8Array(length).fill(value) };
  };
  cache.put(0, { image: image(1, 100) });
  const classes = new Uint8Array(64).fill(5);
  cache.put(2, { image: image(2, 64), classes });
  cache.put(2, { image: image(9, 64) });
  cache.put(3, { image: image(3, 128) });
  const shared = new DecodedCache(cache.memory);
  expect(shared.get(0)).toEqual({ image: image(1, 100) });
  expect(shared.get(1)).toBeUndefined();
  expect(shared.get(2)).toEqual({ image: image(2, 64), classes });
  expect(shared.get(3)).toBeUndefined();
  expect(shared.stats()).toEqual({ images: 2, bytes: 256 });
});
