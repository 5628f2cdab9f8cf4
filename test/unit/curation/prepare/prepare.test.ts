import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { DataPrepareInput } from "../../../../src/config/index.ts";
import { prepareData } from "../../../../src/curation/prepare/index.ts";
import { checkDisk } from "../../../../src/curation/prepare/output-folder.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { writeZip } from "../archives/make.ts";
import { filesBelow, many, rowsOf, temporaryFolder } from "./kit.ts";

const at = temporaryFolder();
const read = (name: string) => readFileSync(at(name), "utf8");

const CLASSES = ["glioma", "meningioma", "notumor", "pituitary"];
function btmdFiles(count = 10): Record<string, string> {
  const folders = CLASSES.flatMap((label) => [`Training/${label}`, `Testing/${label}`]);
  return Object.assign({}, ...folders.map((folder) => many(count, (i) => `${folder}/${i}.jpg`)));
}
const btmd = async (files: Record<string, string | Uint8Array> = btmdFiles(), name = "archive.zip") => [
  await writeZip(at(name), files),
];
const prepare = (archives: string[], options: Partial<DataPrepareInput> = {}, hooks = {}) =>
  prepareData({ preset: "btmd", archives, outputDir: at("out"), ...options }, hooks);

describe("prepareData writes", () => {
  test("an ImageFolder with its tables, sums and manifest", async () => {
    const events: RunEvent[] = [];
    const onEvent = (event: RunEvent) => events.push(event);
    const result = await prepare(await btmd(), {}, { onEvent });
    expect(result).toMatchObject({ images: 80, splits: { train: 36, val: 4, test: 40 }, alreadyPrepared: false });
    expect(readdirSync(at("out")).sort()).toEqual([
      "SHA256SUMS",
      "dataset.csv",
      "manifest.json",
      "test",
      "train",
      "val",
    ]);
    expect(read("out/test/glioma/3.jpg")).toBe("content of Testing/glioma/3.jpg");
    const rows = rowsOf(at("out/dataset.csv"));
    expect(rows.map(({ path }) => path).sort()).toEqual(filesBelow(at("out")).filter((path) => path.endsWith(".jpg")));
    for (const { path, label, split } of rows) expect(path).toMatch(new RegExp(`^${split}/${label}/\\d\\.jpg$`));
    const manifest = JSON.parse(read("out/manifest.json"));
    expect(manifest).toMatchObject({
      preset: "btmd",
      options: { seed: 0 },
      splitOrigin: { train: "drawn", val: "drawn", test: "published" },
      counts: { val: { glioma: 1, meningioma: 1, notumor: 1, pituitary: 1 } },
      files: { count: 81, sums: "SHA256SUMS" },
    });
    for (const key of ["source", "licence", "citation", "version"]) expect(manifest[key]).not.toBe("");
    expect(manifest.notes.join()).toContain("identical images stand in both published halves");
    const phases = events.filter((event) => event.type === "phase");
    expect(phases.map(({ name }) => name)).toEqual(["reading archives", "hashing archives (MiB)", "writing images"]);
    expect(events.at(-1)).toEqual({ type: "phase-progress", done: 80 });
  });

  test("the same bytes each time and for any order of archives, other splits for another seed", async () => {
    const [first = {}, second = {}] = [0, 1].map((half) =>
      Object.fromEntries(Object.entries(btmdFiles()).filter((_, i) => i % 2 === half)),
    );
    const archives = [...(await btmd(first, "a.zip")), ...(await btmd(second, "b.zip"))];
    await prepare(archives);
    await prepare(archives, { outputDir: at("again") });
    await prepare(archives.toReversed(), { outputDir: at("reversed") });
    await prepare(archives, { outputDir: at("other"), seed: 1 });
    expect(read("again/manifest.json")).toBe(read("out/manifest.json"));
    expect(read("again/SHA256SUMS")).toBe(read("out/SHA256SUMS"));
    expect(read("reversed/SHA256SUMS")).toBe(read("out/SHA256SUMS"));
    expect(read("other/dataset.csv")).not.toBe(read("out/dataset.csv"));
  });

  test("large files as a stream", async () => {
    const large = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 2_654_435_761) >>> 24));
    await prepare(await btmd({ ...btmdFiles(), "Testing/glioma/large.jpg": large }));
    expect(readFileSync(at("out/test/glioma/large.jpg")).equals(large)).toBe(true);
    const { createHash } = await import("node:crypto");
    const sum = createHash("sha256").update(large).digest("hex");
    expect(read("out/SHA256SUMS")).toContain(`${sum}  test/glioma/large.jpg\n`);
  });

  test("one of equal files, and both of two that only share their name", async () => {
    const files = {
      ...btmdFiles(),
      "copy/Testing/glioma/1.jpg": "content of Testing/glioma/1.jpg",
      "copy/Testing/glioma/2.jpg": "another picture",
      "Testing/glioma/3.JPG": "a third one",
      "Testing/glioma/empty.jpg": "",
    };
    const result = await prepare(await btmd(files));
    expect(result.splits.test).toBe(42);
    expect(result.leftOut).toContainEqual({ reason: "the same file again", count: 1 });
    expect(result.leftOut).toContainEqual({ reason: "an empty file", count: 1 });
    expect(read("out/test/glioma/2.jpg")).toBe("content of Testing/glioma/2.jpg");
    expect(read("out/test/glioma/2~2.jpg")).toBe("another picture");
    expect(read("out/test/glioma/3~2.JPG")).toBe("a third one");
    expect(rowsOf(at("out/left-out.csv"))).toContainEqual({
      name: "copy/Testing/glioma/1.jpg",
      reason: "the same file again",
    });
  });

  test("into an empty folder, and through a link to one", async () => {
    mkdirSync(at("empty"));
    mkdirSync(at("elsewhere"));
    symlinkSync(at("elsewhere"), at("link"));
    const archives = await btmd();
    await prepare(archives, { outputDir: at("empty") });
    await prepare(archives, { outputDir: at("link") });
    expect(existsSync(at("empty/manifest.json"))).toBe(true);
    expect(existsSync(at("elsewhere/manifest.json"))).toBe(true);
  });

  test("what a table without an extension or with tabs lists", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => `HAM_${i >> 1}\tISIC_${i}\t${i < 10 ? "nv" : "mel"}`);
    const zip = await writeZip(
      at("HAM10000_images_part_1.zip"),
      many(20, (i) => `ISIC_${i}.jpg`),
    );
    for (const name of ["HAM10000_metadata", "HAM10000_metadata.tab"]) {
      writeFileSync(at(name), ["lesion_id\timage_id\tdx", ...rows].join("\r\n"));
      const result = await prepare([zip, at(name)], { preset: "ham10000", outputDir: at(`out-${name}`) });
      expect(result.images).toBe(20);
    }
  });
});

test("prepareData keeps what a table says beside the class, of those columns that it has", async () => {
  const zip = await writeZip(
    at("HAM10000_images_part_1.zip"),
    many(20, (i) => `ISIC_${i}.jpg`),
  );
  const rows = Array.from(
    { length: 20 },
    (_, i) => `HAM_${i},ISIC_${i},${i < 10 ? "nv" : "mel"},${i === 3 ? "" : 40 + i},male`,
  );
  writeFileSync(at("HAM10000_metadata.csv"), ["lesion_id,image_id,dx,Age,sex", ...rows].join("\n"));
  await prepare([zip, at("HAM10000_metadata.csv")], { preset: "ham10000", outputDir: at("told") });
  const [titles, ...lines] = readFileSync(at("told/dataset.csv"), "utf8").trimEnd().split("\n");
  expect(titles).toBe("path,label,split,lesion_id,age,sex");
  expect(lines).toContainEqual(expect.stringMatching(/ISIC_17\.jpg,mel,\w+,HAM_17,57,male$/));
  expect(lines).toContainEqual(expect.stringMatching(/ISIC_3\.jpg,nv,\w+,HAM_3,,male$/));
});

describe("prepareData on an output folder that is there", () => {
  test("says that the same set stands there, as long as its files are untouched", async () => {
    const archives = await btmd();
    await prepare(archives);
    const again = await prepare(archives);
    expect(again).toMatchObject({ alreadyPrepared: true, images: 80, splits: { train: 36, val: 4, test: 40 } });
    writeFileSync(at("out/test/glioma/3.jpg"), "changed");
    rmSync(at("out/test/glioma/4.jpg"));
    await expect(prepare(archives)).rejects.toThrow(/2 files missing or changed \(test\/glioma\/3\.jpg, /);
  });

  test.each([
    ["another seed", { seed: 1 }, /other options/],
    ["another share", { valSplit: 0.1 }, /other options/],
    ["another preset", { preset: "busi" }, /data set btmd made before/],
  ] as const)("refuses it for %s", async (_, options, message) => {
    const archives = await btmd();
    await prepare(archives);
    await expect(prepare(archives, options)).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(message),
    });
  });

  test("refuses it for other archives, and a folder of other things", async () => {
    await prepare(await btmd());
    await expect(prepare(await btmd(btmdFiles(11), "new.zip"))).rejects.toThrow(/made of other archives/);
    mkdirSync(at("mine"));
    writeFileSync(at("mine/thesis.txt"), "x");
    await expect(prepare(await btmd(), { outputDir: at("mine") })).rejects.toThrow(/other files \(thesis\.txt\)/);
    expect(read("mine/thesis.txt")).toBe("x");
  });

  test("replaces the set that stands there when asked to, but no folder with other things", async () => {
    const archives = await btmd();
    await prepare(archives);
    writeFileSync(at("out/mine.txt"), "x");
    await expect(prepare(archives, { overwrite: true, seed: 1 })).rejects.toThrow(/other files \(mine\.txt\)/);
    rmSync(at("out/mine.txt"));
    const smaller = await btmd(btmdFiles(8), "smaller.zip");
    const result = await prepare(smaller, { overwrite: true });
    expect(result).toMatchObject({ images: 64, alreadyPrepared: false });
    expect(existsSync(at("out/test/glioma/9.jpg"))).toBe(false);
    expect(await prepare(smaller)).toMatchObject({ images: 64, alreadyPrepared: true });
  });
});

describe("prepareData leaves nothing behind", () => {
  test("when it is stopped", async () => {
    const stop = new AbortController();
    const onEvent = (event: RunEvent) => {
      if (event.type === "phase" && event.name === "writing images") setTimeout(() => stop.abort(), 0);
    };
    const run = prepare(await btmd(btmdFiles(100)), {}, { onEvent, signal: stop.signal });
    await expect(run).rejects.toMatchObject({ code: "Interrupted" });
    expect(readdirSync(at("."))).toEqual(["archive.zip"]);
  });

  test("when a file of an archive is damaged, under strict", async () => {
    const [path = ""] = await btmd();
    const zip = readFileSync(path);
    const name = "Testing/notumor/7.jpg";
    // Behind the name in the entry's own header stand its deflated bytes.
    const content = zip.indexOf(name) + name.length;
    zip.writeUInt8(zip.readUInt8(content + 5) ^ 0xff, content + 5);
    writeFileSync(path, zip);
    await expect(prepare([path], { strict: true })).rejects.toMatchObject({ code: "Data" });
    expect(readdirSync(at("."))).toEqual(["archive.zip"]);
  });

  test("where the disk has too little room", async () => {
    await expect(checkDisk(at("."), 2 ** 60)).rejects.toThrow(/expected 1152921504\.6 GB of free space/);
  });
});

describe("prepareData refuses", () => {
  test("an output folder inside of the folder it reads, which the next run would read too", async () => {
    mkdirSync(at("downloads"));
    await writeZip(at("downloads/archive.zip"), btmdFiles());
    const run = prepare([at("downloads")], { outputDir: at("downloads/out") });
    await expect(run).rejects.toMatchObject({ code: "Config", message: expect.stringContaining("inside of") });
    expect((await prepare([at("downloads")], { outputDir: at("downloads-out") })).images).toBe(80);
  });

  test("archives of another data set, naming the preset they look like", async () => {
    const archives = await btmd();
    await expect(prepare(archives, { preset: "ham10000" })).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/archive\.zip with 80 files \(Training\/glioma\/0\.jpg.*looks? like preset btmd/),
    });
    const other = await writeZip(at("other.zip"), { "readme.txt": "hello" });
    for (const preset of ["messidor2", "btmd", "deeplesion", "chestxray2017", "busi", "kvasir-seg", "isic"] as const) {
      const run = prepare([other], { preset });
      await expect(run).rejects.toMatchObject({
        code: "Data",
        message: expect.stringContaining(`preset ${preset} takes`),
      });
    }
  });

  test("two different files for one row of a table, under strict", async () => {
    const archives = [
      await writeZip(at("a.zip"), { "ISIC_1.jpg": "one", "ISIC_2.jpg": "two" }),
      await writeZip(at("b.zip"), { "ISIC_1.jpg": "another" }),
      at("HAM10000_metadata.csv"),
    ];
    writeFileSync(at("HAM10000_metadata.csv"), "lesion_id,image_id,dx\nH1,ISIC_1,nv\nH2,ISIC_2,mel\n");
    await expect(prepare(archives, { preset: "ham10000", strict: true })).rejects.toThrow(
      /a\.zip: ISIC_1\.jpg: expected every file to be in order \(strict\).*b\.zip: ISIC_1\.jpg \(left out: one of several/,
    );
  });

  test("the same archive under two names, but mentions one that is of no use", async () => {
    const archives = [...(await btmd()), ...(await btmd(btmdFiles(), "copy.zip"))];
    await expect(prepare(archives)).rejects.toMatchObject({ code: "Config" });
    const other = await writeZip(at("other.zip"), { "photo.jpg": "x" });
    const result = await prepare([...(await btmd()), other]);
    expect(result.notes).toContain("nothing of other.zip is used");
  });

  test("tables it cannot read, naming what is missing", async () => {
    const zip = await writeZip(at("images.zip"), { "ISIC_1.jpg": "one" });
    const table = at("HAM10000_metadata.csv");
    for (const [text, message] of [
      ["image_id,dx\nISIC_1,nv\n", /without lesion_id/],
      ["lesion_id,image_id,dx\n", /without rows/],
      ["lesion_id,image_id,dx\nH1,ISIC_1\n", /2 fields instead of 3 in line 2/],
      ["lesion_id,image_id,dx\nH1,ISIC_1,../x\n", /row 2, column dx/],
    ] as const) {
      writeFileSync(table, text);
      await expect(prepare([zip, table], { preset: "ham10000" })).rejects.toMatchObject({
        code: "Data",
        message: expect.stringMatching(message),
      });
    }
  });

  test.each([
    ["an unknown preset", { preset: "mnist" as "btmd" }, /preset: expected one of messidor2, btmd/],
    ["no archives", { archives: [] }, /archives: expected one or more/],
    ["a share of 1", { valSplit: 1 }, /valSplit/],
    ["a window where nothing is windowed", { window: "40,400" }, /none for preset btmd/],
    ["a window that is none", { preset: "deeplesion", window: "40" } as const, /window/],
  ])("%s as a Config error", async (_, options, message) => {
    await expect(prepare(await btmd(), options)).rejects.toMatchObject({
      code: "Config",
      message: expect.stringMatching(message),
    });
  });
});
