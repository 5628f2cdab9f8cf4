import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchives } from "../../../../src/curation/archives/index.ts";
import { checkData } from "../../../../src/curation/check/check-data.ts";

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

async function* entriesOf(path: string): AsyncGenerator<{ name: string; bytes: Buffer }> {
  for (const archive of await openArchives([path])) {
    for await (const entry of archive.entries()) {
      const bytes: Uint8Array[] = [];
      for await (const piece of entry.open()) bytes.push(piece);
      yield { name: entry.name, bytes: Buffer.concat(bytes) };
    }
  }
}

async function writeImage(place: string, bytes: Buffer): Promise<void> {
  const target = join(folder, "data", place);
  mkdirSync(dirname(target), { recursive: true });
  await writeFile(target, bytes);
}

const check = () => checkData({ dataPath: join(folder, "data"), seed: 1 });

const noBtmd = existsSync(BTMD) ? "" : " SKIPPED: no btmd/archive.zip in MSMAE_DATA";
describe.skipIf(noBtmd !== "")(`BTMD${noBtmd}`, () => {
  // All copies, and of the other images as many as keep the test short.
  test("shares its known 189 pictures between Training and Testing", { timeout: 240_000 }, async () => {
    const images: { place: string; hash: string; bytes: Buffer }[] = [];
    const halves = new Map<string, Set<string>>();
    for await (const { name, bytes } of entriesOf(BTMD)) {
      const [place, half] = /(Training|Testing)\/[^/]+\/[^/]+$/.exec(name) ?? [];
      if (place === undefined || half === undefined) continue;
      const hash = createHash("sha256").update(bytes).digest("hex");
      halves.set(hash, (halves.get(hash) ?? new Set()).add(half));
      images.push({ place, hash, bytes });
    }
    const taken = images.filter(({ hash }, i) => halves.get(hash)?.size === 2 || i % 20 === 0);
    for (const { place, bytes } of taken) await writeImage(place, bytes);
    const result = await check();
    expect(result.images).toBe(taken.length);
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
    for await (const { name, bytes } of entriesOf(HAM10000[0])) {
      const image = /(ISIC_\d+)\.jpg$/.exec(name)?.[1];
      const lesion = image && lesions.get(image);
      if (!lesion || taken.has(lesion)) continue;
      taken.add(lesion);
      await writeImage(`${taken.size % 2 ? "train" : "test"}/skin/${image}.jpg`, bytes);
      if (taken.size === 200) break;
    }
    expect(await check()).toMatchObject({
      images: 200,
      identicalAcrossSplits: 0,
      nearIdenticalAcrossSplits: 0,
      nearIdenticalWithinSplits: 0,
    });
  });
});
