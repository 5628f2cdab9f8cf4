import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Batch, type EpochOptions, ImageLoader } from "../../../../src/data/loader/loader.ts";
import { epochOrder } from "../../../../src/data/loader/sampling.ts";
import type { Sample } from "../../../../src/data/sample.ts";
import { targetOf } from "../../../../src/data/targets/target.ts";
import { RandomStream } from "../../../../src/support/random.ts";

// 90 of class 2, 9 of class 0, 3 of class 7; mixed.
const labels = Array.from({ length: 102 }, (_, i) => (i % 34 === 5 ? 7 : i % 11 === 3 ? 0 : 2));
const counts = (samples: Uint32Array) => {
  const found = new Map<number, number>();
  for (const sample of samples) found.set(labels[sample] as number, (found.get(labels[sample] as number) ?? 0) + 1);
  return found;
};

describe("natural order", () => {
  test("is the permutation of the seed and the epoch", () => {
    const { samples, repeats } = epochOrder(labels, "natural", 4, 2);
    expect(samples).toEqual(RandomStream.for(4, "order", 2).permutation(102));
    expect(repeats).toBeUndefined();
  });
});

describe("balanced order", () => {
  test("keeps the epoch's length and gives every class the same number of places", () => {
    const { samples } = epochOrder(labels, "balanced", 4, 2);
    expect(samples.length).toBe(102);
    expect(counts(samples)).toEqual(
      new Map([
        [0, 34],
        [2, 34],
        [7, 34],
      ]),
    );
  });

  test("the rest of the division goes to classes drawn anew in each epoch", () => {
    const uneven = labels.slice(0, 101);
    const favoured = new Set<string>();
    for (let epoch = 0; epoch < 12; epoch++) {
      const found = counts(epochOrder(uneven, "balanced", 1, epoch).samples);
      expect([...found.values()].sort()).toEqual([33, 34, 34]);
      favoured.add(String([...found].find(([, places]) => places === 33)?.[0]));
    }
    expect([...favoured].sort()).toEqual(["0", "2", "7"]);
  });

  test("no sample comes again before all of its class have come, and repeats are counted in order", () => {
    const { samples, repeats } = epochOrder(labels, "balanced", 4, 2);
    const seen = new Map<number, number>();
    samples.forEach((sample, place) => {
      const earlier = seen.get(sample) ?? 0;
      expect(repeats?.[place]).toBe(earlier);
      seen.set(sample, earlier + 1);
    });
    for (const label of new Set(labels)) {
      const shown = labels.flatMap((other, sample) => (other === label ? [seen.get(sample) ?? 0] : []));
      expect(Math.max(...shown) - Math.min(...shown)).toBeLessThanOrEqual(1);
    }
  });

  test("every image of a class is shown equally often over many epochs", () => {
    const shown = new Float64Array(102);
    for (let epoch = 0; epoch < 600; epoch++) {
      for (const sample of epochOrder(labels, "balanced", 9, epoch).samples) shown[sample] = (shown[sample] ?? 0) + 1;
    }
    labels.forEach((label, sample) => {
      const members = labels.filter((other) => other === label).length;
      // 600 epochs of n/k places over n_c images; more than five standard deviations of a binomial count.
      const expected = (600 * 34) / members;
      expect(Math.abs((shown[sample] as number) - expected)).toBeLessThan(5 * Math.sqrt(expected));
    });
  });

  test("depends on the seed and the epoch alone", () => {
    expect(epochOrder(labels, "balanced", 4, 2)).toEqual(epochOrder(labels, "balanced", 4, 2));
    expect(epochOrder(labels, "balanced", 4, 3)).not.toEqual(epochOrder(labels, "balanced", 4, 2));
    expect(epochOrder(labels, "balanced", 5, 2)).not.toEqual(epochOrder(labels, "balanced", 4, 2));
  });

  test("classes do not come in blocks", () => {
    const { samples } = epochOrder(labels, "balanced", 4, 2);
    const changes = samples.filter((sample, at) => at > 0 && labels[sample] !== labels[samples[at - 1] as number]);
    expect(changes.length).toBeGreaterThan(50);
  });
});

describe("ImageLoader with balanced sampling", () => {
  const folder = mkdtempSync(join(tmpdir(), "msmae-sampling-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const samples: Sample[] = Array.from({ length: 12 }, (_, at) => ({
    path: join(folder, `${at}.png`),
    label: at < 10 ? 0 : 1,
  }));
  beforeAll(async () => {
    for (const [at, { path }] of samples.entries()) {
      const pixels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => i * (at + 3) + (i >> 5));
      await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } })
        .png()
        .toFile(path);
    }
  });
  const epoch = { epoch: 1, seed: 3, batchSize: 4, augment: true, shuffle: true, dropLast: true } as const;
  const read = async (options: Partial<EpochOptions>) => {
    await using loader = new ImageLoader(samples, { inputHeight: 16, inputWidth: 16, channels: 3, workers: 1 });
    const batches: Batch[] = [];
    for await (const batch of loader.epoch({ ...epoch, ...options })) batches.push(batch);
    return batches;
  };
  const flat = <T>(batches: Batch[], of: (batch: Batch) => Iterable<T>) => batches.flatMap((batch) => [...of(batch)]);

  test("shows both classes equally often, in an order that a later start continues", async () => {
    const batches = await read({ sampling: "balanced" });
    expect(flat(batches, (batch) => targetOf(batch, "class").labels).sort()).toEqual([
      0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1,
    ]);
    const later = await read({ sampling: "balanced", startBatch: 1 });
    expect(flat(later, ({ indices }) => indices)).toEqual(flat(batches.slice(1), ({ indices }) => indices));
    expect(flat(later, ({ repeats }) => repeats)).toEqual(flat(batches.slice(1), ({ repeats }) => repeats));
    expect(flat(later, ({ images }) => images)).toEqual(flat(batches.slice(1), ({ images }) => images));
  });

  test("a repeated image is cropped anew, its first time as in a natural epoch", async () => {
    const crops = (batches: Batch[]) => {
      const geometries = flat(batches, (batch) => batch.geometries);
      const repeats = flat(batches, (batch) => batch.repeats);
      return flat(batches, (batch) => batch.indices).map((index, at) => ({
        index,
        repeat: repeats[at],
        geometry: JSON.stringify(geometries[at]),
      }));
    };
    const balanced = crops(await read({ sampling: "balanced" }));
    const natural = new Map(crops(await read({})).map(({ index, geometry }) => [index, geometry]));
    const rare = balanced.filter(({ index }) => index >= 10);
    expect(rare).toHaveLength(6);
    expect(new Set(rare.map(({ geometry }) => geometry)).size).toBe(6);
    for (const { index, repeat, geometry } of balanced) {
      if (repeat === 0) expect(geometry).toBe(natural.get(index));
    }
  });
});
