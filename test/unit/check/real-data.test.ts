import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkData } from "../../../src/check/check-data.ts";
import { openArchives } from "../../../src/data/archives/index.ts";

const DATA = process.env.MSMAE_DATA ?? "../shared/data";
const BTMD = join(DATA, "btmd/archive.zip");
const HAM10000 = [
  join(DATA, "ham10000/HAM10000_images_part_1.zip"),
  join(DATA, "ham10000/HAM10000_metadata.csv"),
] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-check-real-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Unpacks the entries that are given a place in the data set. */
async function unpack(path: string, placeOf: (name: string) => string | undefined): Promise<number> {
  let written = 0;
  for (const archive of await openArchives([path])) {
    for await (const entry of archive.entries()) {
      const place = placeOf(entry.name);
      const bytes: Uint8Array[] = [];
      for await (const piece of entry.open()) bytes.push(piece);
      if (place === undefined) continue;
      const target = join(folder, "data", place);
      mkdirSync(dirname(target), { recursive: true });
      await writeFile(target, Buffer.concat(bytes));
      written++;
    }
  }
  return written;
}

const check = () => checkData({ dataPath: join(folder, "data"), seed: 1, cacheDir: join(folder, "cache") });

const noBtmd = existsSync(BTMD) ? "" : " SKIPPED: no btmd/archive.zip in MSMAE_DATA";
describe.skipIf(noBtmd !== "")(`BTMD${noBtmd}`, () => {
  test("shares its known 189 pictures between Training and Testing", { timeout: 240_000 }, async () => {
    // Gliomas share none.
    const images = await unpack(
      BTMD,
      (name) => /(Training|Testing)\/(notumor|meningioma|pituitary)\/.*$/.exec(name)?.[0],
    );
    const result = await check();
    expect(result.images).toBe(images);
    expect(result).toMatchObject({ identicalAcrossSplits: 189, leakage: true, unreadable: [] });
  });
});

const noHam = HAM10000.every((path) => existsSync(path)) ? "" : " SKIPPED: no ham10000 in MSMAE_DATA";
describe.skipIf(noHam !== "")(`HAM10000${noHam}`, () => {
  test("has no near-identical pictures among different lesions", { timeout: 180_000 }, async () => {
    const lesions = new Map<string, string>();
    for (const line of readFileSync(HAM10000[1], "utf8").trim().split(/\r?\n/).slice(1)) {
      const [lesion, image] = line.split(",") as [string, string];
      lesions.set(image, lesion);
    }
    const taken = new Set<string>();
    await unpack(HAM10000[0], (name) => {
      const image = /(ISIC_\d+)\.jpg$/.exec(name)?.[1];
      const lesion = image && lesions.get(image);
      if (!lesion || taken.has(lesion) || taken.size >= 200) return undefined;
      taken.add(lesion);
      return `${taken.size % 2 ? "train" : "test"}/skin/${image}.jpg`;
    });
    expect(await check()).toMatchObject({
      images: 200,
      identicalAcrossSplits: 0,
      nearIdenticalAcrossSplits: 0,
      nearIdenticalWithinSplits: 0,
    });
  });
});
