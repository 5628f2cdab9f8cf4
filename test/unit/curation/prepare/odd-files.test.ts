import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import type { DataPrepareInput } from "../../../../src/config/index.ts";
import { prepareData } from "../../../../src/curation/prepare/index.ts";
import { openDataset } from "../../../../src/data/dataset.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { writeZip } from "../archives/make.ts";
import { filesBelow, pixelsOf, png8, png16, rowsOf, temporaryFolder } from "./kit.ts";

const at = temporaryFolder();
const events: RunEvent[] = [];
beforeEach(() => {
  events.length = 0;
});
const prepare = (options: Omit<DataPrepareInput, "outputDir">, outputDir = at("out")) =>
  prepareData({ ...options, outputDir }, { onEvent: (event) => events.push(event) });
const manifest = () => JSON.parse(readFileSync(at("out/manifest.json"), "utf8"));
const leftOut = () => rowsOf(at("out/left-out.csv"));
const sums = () => readFileSync(at("out/SHA256SUMS"), "utf8");

/** Flips a byte of an entry's deflated content. */
function damage(path: string, name: string): void {
  const zip = readFileSync(path);
  const content = zip.indexOf(name) + name.length;
  zip.writeUInt8(zip.readUInt8(content + 5) ^ 0xff, content + 5);
  writeFileSync(path, zip);
}

describe("of a set with masks", () => {
  const root = "Dataset_BUSI_with_GT";
  /** Eight images of 4 × 2 pixels in each class, each with a mask whose left half is labelled. */
  async function files(): Promise<Record<string, string | Uint8Array>> {
    const all: Record<string, string | Uint8Array> = {};
    for (const label of ["benign", "malignant", "normal"]) {
      for (let i = 1; i <= 8; i++) {
        all[`${root}/${label}/${label} (${i}).png`] = await png8(4, 2, [i, label.length, 0, 0, 0, 0, 0, 0]);
        all[`${root}/${label}/${label} (${i})_mask.png`] = await png8(4, 2, [255, 255, 0, 0, 255, 255, 0, 0]);
      }
    }
    return all;
  }
  const benign = (name: string) => `${root}/benign/benign ${name}.png`;
  const busi = async (all: Record<string, string | Uint8Array>, options: Partial<DataPrepareInput> = {}) => ({
    preset: "busi" as const,
    archives: [await writeZip(at("busi.zip"), all)],
    ...options,
  });

  test("a mask of another size and mode but of its image's shape is scaled by nearest and named", async () => {
    const all = await files();
    // Twice as large, with alpha, its lower right eighth labelled.
    const pixels = Array.from({ length: 32 }, (_, i) => (i % 8 >= 6 && i >= 16 ? 255 : 0));
    const { default: sharp } = await import("sharp");
    all[benign("(2)_mask_1")] = await sharp(await png8(8, 4, pixels))
      .toColourspace("srgb")
      .ensureAlpha(0.5)
      .png()
      .toBuffer();
    const result = await prepare(await busi(all));
    expect(result.images).toBe(24);
    expect(await pixelsOf(at("out/masks/1/benign (2).png"))).toEqual([255, 255, 0, 0, 255, 255, 0, 255]);
    const odd = {
      name: benign("(2)_mask_1"),
      reason: "a mask of 8×4 pixels for an image of 4×2",
      action: "scaled",
    };
    expect(manifest().oddFiles).toEqual([odd]);
    expect(result.oddFiles).toEqual([odd]);
    expect(existsSync(at("out/left-out.csv"))).toBe(false);
    expect(events.filter(({ type }) => type === "warning")).toMatchObject([
      { message: expect.stringContaining(`1 files are not as they should be: ${odd.name} (scaled: ${odd.reason})`) },
    ]);
    await expect(prepare(await busi(all, { strict: true }), at("strict"))).rejects.toThrow(
      /benign \(2\)\.png: expected masks of its size, got .*benign \(2\)_mask_1\.png, a mask of 8×4/,
    );
    expect(existsSync(at("strict"))).toBe(false);
    await expect(prepare(await busi(all, { strict: true }))).rejects.toThrow(/every file to be in order \(strict\)/);
  });

  test("masks that do not fit or cannot be read, and images without a header, cost their image only", async () => {
    const all = await files();
    all[benign("(1)_mask")] = await png8(2, 4, [0, 0, 0, 0, 0, 0, 0, 0]);
    all[benign("(3)_mask")] = "no picture";
    all[benign("(4)")] = "no picture either";
    all[benign("(5)_mask")] = "";
    all[benign("(6)_mask_1")] = await png8(1, 1, [0]);
    all[`${root}/benign/copy of benign.tif`] = "x";
    all[`${root}/notes/benign (1).png`] = "x";
    const result = await prepare(await busi(all, { valSplit: 0, testSplit: 0 }));
    expect(result.counts.train).toEqual({ benign: 3, malignant: 8, normal: 8 });
    expect(filesBelow(at("out/images")).filter((name) => name.startsWith("benign"))).toEqual([
      "benign (2).png",
      "benign (7).png",
      "benign (8).png",
    ]);
    expect(filesBelow(at("out/masks/1"))).toEqual(filesBelow(at("out/images")));
    const reasons = Object.fromEntries(
      manifest().oddFiles.map(({ name, reason, action }: Record<string, string>) => [name, `${action}: ${reason}`]),
    );
    expect(reasons).toMatchObject({
      [benign("(1)")]: expect.stringMatching(
        /left out: expected masks of its size, got .*benign \(1\)_mask\.png, a mask of 2×4 pixels for an image of 4×2$/,
      ),
      [benign("(3)")]: expect.stringMatching(/left out: .*_mask\.png: expected a picture/),
      [benign("(4)")]: expect.stringMatching(/left out: expected a picture, got /),
      [benign("(5)")]: "left out: no mask",
      [benign("(5)_mask")]: "left out: an empty file",
      [benign("(6)")]: expect.stringMatching(/of 1×1 pixels for an image of 4×2/),
      [`${root}/benign/copy of benign.tif`]: "left out: no place or name of this data set",
      [`${root}/notes/benign (1).png`]: "left out: no place or name of this data set",
    });
    expect(Object.keys(reasons)).toHaveLength(8);
    expect(leftOut()).toHaveLength(8);
    expect(result.leftOut[0]).toEqual({ reason: "cannot be used, see oddFiles", count: 4 });
    // Every file that is listed is there, and no other.
    const listed = sums()
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(66));
    expect([...listed, "SHA256SUMS", "manifest.json"].sort()).toEqual(filesBelow(at("out")));
    const dataset = await openDataset(at("out"), { seed: 0, cacheDir: at("cache"), valSplit: 0, testSplit: 0 });
    expect(dataset.splits.train).toHaveLength(19);
    await expect(prepare(await busi(all, { strict: true }), at("strict"))).rejects.toThrow(/strict/);
  });

  test("masks may come before their images, in an archive of their own", async () => {
    const all = Object.entries(await files());
    const half = (masks: boolean) => Object.fromEntries(all.filter(([name]) => name.includes("_mask") === masks));
    const archives = [await writeZip(at("a.zip"), half(true)), await writeZip(at("b.zip"), half(false))];
    await prepare({ preset: "busi", archives });
    expect(await pixelsOf(at("out/masks/1/normal (3).png"))).toEqual([255, 255, 0, 0, 255, 255, 0, 0]);
    expect(filesBelow(at("out/masks/1"))).toHaveLength(24);
  });

  test("nothing but odd files is an error that leaves nothing", async () => {
    const all = await files();
    for (const name of Object.keys(all)) if (name.includes("_mask")) all[name] = "no picture";
    await expect(prepare(await busi(all))).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/images that can be used, got none; .*and 14 more/),
    });
    expect(existsSync(at("out"))).toBe(false);
  });
});

describe("of an archive", () => {
  const btmd = () => {
    const files: Record<string, string> = {};
    for (const half of ["Training", "Testing"]) {
      for (const label of ["glioma", "meningioma", "notumor", "pituitary"]) {
        for (let i = 0; i < 4; i++) files[`${half}/${label}/${i}.jpg`] = `content of ${half}/${label}/${i}.jpg`;
      }
    }
    return files;
  };

  test("a file whose checksum is wrong is left out, also one that is streamed", async () => {
    const large = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 2_654_435_761) >>> 24));
    const zip = await writeZip(at("archive.zip"), { ...btmd(), "Testing/glioma/large.jpg": large } as never);
    for (const name of ["Testing/notumor/2.jpg", "Testing/glioma/large.jpg"]) damage(zip, name);
    const result = await prepare({ preset: "btmd", archives: [zip] });
    expect(result.images).toBe(31);
    expect(result.oddFiles.map(({ name }) => name)).toEqual(["Testing/glioma/large.jpg", "Testing/notumor/2.jpg"]);
    for (const { reason } of result.oddFiles) expect(reason).toMatch(/checksum|a whole file in the archive/);
    expect(filesBelow(at("out/test/glioma"))).toHaveLength(4);
    expect(existsSync(at("out/test/notumor/2.jpg"))).toBe(false);
    expect(result.leftOut.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    await expect(prepare({ preset: "btmd", archives: [zip], strict: true }, at("strict"))).rejects.toThrow(
      /(large|2)\.jpg: expected/,
    );
  });

  test("an encrypted or oddly packed file is left out; if all are, it is an error", async () => {
    const zip = readFileSync(await writeZip(at("archive.zip"), btmd()));
    const mark = (archive: Buffer, entry: number) => archive.writeUInt16LE(1, entry + 8);
    const one = Buffer.from(zip);
    mark(one, one.indexOf("PK\u0001\u0002"));
    writeFileSync(at("archive.zip"), one);
    const result = await prepare({ preset: "btmd", archives: [at("archive.zip")] });
    expect(result.images).toBe(31);
    expect(result.oddFiles).toMatchObject([{ reason: expect.stringContaining("an encrypted file") }]);
    for (let entry = zip.indexOf("PK\u0001\u0002"); entry >= 0; entry = zip.indexOf("PK\u0001\u0002", entry + 1)) {
      mark(zip, entry);
    }
    writeFileSync(at("archive.zip"), zip);
    await expect(prepare({ preset: "btmd", archives: [at("archive.zip")] }, at("all"))).rejects.toThrow(
      /images that can be used, got none; .*an encrypted file/,
    );
  });

  test("two different files for one row are left out, a damaged one of two copies does no harm", async () => {
    const archives = [
      await writeZip(at("a.zip"), { "ISIC_1.jpg": "one", "ISIC_2.jpg": "two", "ISIC_3.jpg": "three".repeat(9) }),
      await writeZip(at("b.zip"), { "ISIC_1.jpg": "another", "ISIC_3.jpg": "three".repeat(9) }),
      at("HAM10000_metadata.csv"),
    ];
    damage(at("a.zip"), "ISIC_3.jpg");
    writeFileSync(at("HAM10000_metadata.csv"), "lesion_id,image_id,dx\nH1,ISIC_1,nv\nH2,ISIC_2,mel\nH3,ISIC_3,nv\n");
    const result = await prepare({ preset: "ham10000", archives });
    expect(result.images).toBe(2);
    expect(
      rowsOf(at("out/dataset.csv"))
        .map(({ lesion_id }) => lesion_id)
        .sort(),
    ).toEqual(["H2", "H3"]);
    expect(result.oddFiles.map(({ name }) => name).sort()).toEqual([
      "ISIC_3.jpg",
      "a.zip: ISIC_1.jpg",
      "b.zip: ISIC_1.jpg",
    ]);
  });

  test("a slice that is no CT picture is left out", async () => {
    const slices = {
      "Images_png/000001_01_01/010.png": await png8(1, 1, [0]),
      "Images_png/000002_01_01/010.png": await png16(1, 1, [32_768]),
      "Images_png/000003_01_01/010.png": "none",
    };
    const header = "File_name,Patient_index,Coarse_lesion_type,Possibly_noisy,DICOM_windows,Train_Val_Test";
    const row = (patient: number) => `00000${patient}_01_01_010.png,${patient},1,0,"-175, 275",1`;
    writeFileSync(at("DL_info.csv"), [header, row(1), row(2), row(3)].join("\n"));
    const archives = [await writeZip(at("x.zip"), slices), at("DL_info.csv")];
    const result = await prepare({ preset: "deeplesion", archives });
    expect(result.images).toBe(1);
    expect(result.oddFiles.map(({ name }) => name)).toEqual([
      "Images_png/000001_01_01/010.png",
      "Images_png/000003_01_01/010.png",
    ]);
  });

  test("a table of another encoding is read by its name, which the manifest holds", async () => {
    const zip = await writeZip(at("x.zip"), { "a.png": "1", "b.png": "2" });
    writeFileSync(at("GroundTruth.csv"), Buffer.from("image,label\na.png,l\u00e4sion\nb.png,gesund\n", "latin1"));
    const options = { preset: "isic", archives: [zip, at("GroundTruth.csv")] } as const;
    await expect(prepare(options)).rejects.toThrow(/byte 0xE4 at offset 19, in line 2/);
    await prepare({ ...options, encoding: "latin1" });
    expect(
      rowsOf(at("out/dataset.csv"))
        .map(({ label }) => label)
        .sort(),
    ).toEqual(["gesund", "l\u00e4sion"]);
    expect(manifest().options.encoding).toBe("latin1");
  });
});
