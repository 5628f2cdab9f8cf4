import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { openArchives } from "../../../../src/curation/archives/index.ts";
import { prepareData } from "../../../../src/curation/prepare/index.ts";
import { filesBelow, pixelsOf, rowsOf, temporaryFolder } from "./kit.ts";

const data = process.env.MSMAE_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data");
const missing = (path: string) => !existsSync(join(data, path));
const skipped = (path: string) => (missing(path) ? ` (SKIPPED: no ${path} in ../shared/data or $MSMAE_DATA)` : "");

const at = temporaryFolder();

/** Every line of SHA256SUMS holds, and no file is without one. */
function checkSums(root: string): void {
  const lines = readFileSync(join(root, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  const sums = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
  const files = filesBelow(root).filter((file) => file !== "SHA256SUMS" && file !== "manifest.json");
  expect([...sums.keys()].sort()).toEqual(files);
  for (const [path, sum] of sums) {
    expect(
      createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest("hex"),
    ).toBe(sum);
  }
}

// Thousands of files are written; on a busy machine that takes its time.
describe("the official downloads", { timeout: 180_000 }, () => {
  const btmd = "btmd/archive.zip";
  test.skipIf(missing(btmd))(`btmd: 7,019 images, Testing is test${skipped(btmd)}`, async () => {
    const result = await prepareData({ preset: "btmd", archives: [join(data, btmd)], outputDir: at("out") });
    expect(result.images).toBe(7019);
    expect(result.counts.test).toEqual({ glioma: 300, meningioma: 306, notumor: 405, pituitary: 300 });
    const whole = { glioma: 1321, meningioma: 1339, notumor: 1591, pituitary: 1457 };
    for (const [label, count] of Object.entries(whole)) {
      expect((result.counts.train[label] ?? 0) + (result.counts.val[label] ?? 0)).toBe(count);
      expect(result.counts.val[label]).toBe(Math.round(count / 10));
    }
    const manifest = JSON.parse(readFileSync(at("out/manifest.json"), "utf8"));
    const bytes = readFileSync(join(data, btmd));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(manifest.archives).toEqual([{ name: "archive.zip", kind: "zip", bytes: bytes.length, sha256 }]);
    // Copies, not new encodings: each file is in the archive byte by byte.
    const held = new Set<string>();
    for (const archive of await openArchives([join(data, btmd)])) {
      for await (const { open } of archive.entries()) {
        const hash = createHash("sha256");
        for await (const chunk of open()) hash.update(chunk);
        held.add(hash.digest("hex"));
      }
    }
    const lines = readFileSync(at("out/SHA256SUMS"), "utf8").trimEnd().split("\n");
    const strangers = lines.filter((line) => !held.has(line.slice(0, 64))).map((line) => line.slice(66));
    expect(strangers).toEqual(["dataset.csv"]);
  });

  const ham = "ham10000";
  test.skipIf(missing(ham))(`ham10000: 5,984 images, no lesion in two splits${skipped(ham)}`, async () => {
    const result = await prepareData({
      preset: "ham10000",
      archives: [join(data, ham)],
      outputDir: at("out"),
      seed: 3,
    });
    expect(result.images).toBe(5984);
    expect(result.leftOut).toEqual([{ reason: "no image in the archives", count: 4031 }]);
    const rows = rowsOf(at("out/dataset.csv"));
    expect(rows).toHaveLength(5984);
    const metadata = new Map(
      rowsOf(join(data, ham, "HAM10000_metadata.csv")).map((row) => [row.image_id?.trim(), row]),
    );
    const splits = new Map<string, Set<string>>();
    for (const { path = "", label = "", split = "", lesion_id = "" } of rows) {
      const truth = metadata.get(path.split("/").at(-1)?.replace(".jpg", ""));
      expect([label, lesion_id]).toEqual([truth?.dx, truth?.lesion_id]);
      expect(path).toMatch(new RegExp(`^${split}/${label}/ISIC_\\d+\\.jpg$`));
      splits.set(lesion_id, (splits.get(lesion_id) ?? new Set()).add(split));
    }
    for (const own of splits.values()) expect(own.size).toBe(1);
    expect(Object.values(result.counts.test).every((count) => count > 0)).toBe(true);
    checkSums(at("out"));
  });

  const kvasir = "kvasir-seg/kvasir-seg.zip";
  test.skipIf(missing(kvasir))(`kvasir-seg: 1,000 images with clean masks${skipped(kvasir)}`, async () => {
    const result = await prepareData({ preset: "kvasir-seg", archives: [join(data, kvasir)], outputDir: at("out") });
    expect(result.splits).toEqual({ train: 720, val: 80, test: 200 });
    const rows = rowsOf(at("out/dataset.csv"));
    expect(rows).toHaveLength(1000);
    for (const { path = "", mask } of rows) {
      expect(mask).toBe(path.replace("images/", "masks/1/").replace(".jpg", ".png"));
    }
    for (const { mask = "" } of rows.slice(0, 20)) {
      expect(new Set(await pixelsOf(at(`out/${mask}`)))).toEqual(new Set([0, 255]));
    }
    checkSums(at("out"));
  });
});
