import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { DataPrepareInput } from "../../../../src/config/index.ts";
import { prepareData } from "../../../../src/curation/prepare/index.ts";
import { writeTar, writeZip } from "../archives/make.ts";
import { filesBelow, many, pixelsOf, png8, png16, rowsOf, temporaryFolder } from "./kit.ts";

const at = temporaryFolder();

const prepare = (options: Omit<DataPrepareInput, "outputDir">) => prepareData({ ...options, outputDir: at("out") });
const dataset = () => rowsOf(at("out/dataset.csv"));
const leftOut = () => rowsOf(at("out/left-out.csv"));
const table = (name: string, lines: readonly string[]) => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};

const zipped = (name: string, lines: readonly string[]) => writeZip(at(`${name}.zip`), { [name]: lines.join("\n") });

/** Which splits each value of a column stands in. */
function splitsBy(column: string): string[][] {
  const groups = Map.groupBy(dataset(), (row) => row[column] ?? "");
  return [...groups.values()].map((rows) => [...new Set(rows.map(({ split }) => split ?? ""))]);
}

describe("messidor2", () => {
  const number = (i: number) => String(i).padStart(6, "0");
  // 20 examinations of two eyes with one grade each, the last not gradable on the right.
  const files = many(40, (i) => `IMAGES/IM${number(i)}.JPG`);
  const grade = (i: number) => (i === 39 ? "IM000039.jpg,,,0" : `IM${number(i)}.jpg,${Math.floor(i / 2) % 5},0,1`);
  const header = "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable";
  const grades = () => table("messidor_data.csv", [header, ...Array.from({ length: 40 }, (_, i) => grade(i))]);
  const pairs = () => {
    const lines = Array.from({ length: 20 }, (_, i) => `IM${number(2 * i)}.JPG;IM${number(2 * i + 1)}.JPG`);
    return table("messidor-2.csv", ["left;right", ...lines]);
  };

  test("grades by name in any case, both eyes of a patient in one split, ungradable images left out", async () => {
    const images = await writeZip(at("IMAGES.zip"), files);
    const result = await prepare({ preset: "messidor2", archives: [images, grades(), pairs()] });
    expect(result.images).toBe(39);
    expect(Object.keys(result.counts.train)).toEqual([
      "0-no-dr",
      "1-mild",
      "2-moderate",
      "3-severe",
      "4-proliferative",
    ]);
    expect(dataset().find(({ path }) => path?.endsWith("IM000004.JPG"))).toMatchObject({
      label: "2-moderate",
      patient_id: "im000004",
    });
    expect(splitsBy("patient_id")).toHaveLength(20);
    for (const splits of splitsBy("patient_id")) expect(splits).toHaveLength(1);
    expect(result.splits.test).toBeGreaterThan(4);
    expect(result.splits.val).toBeGreaterThan(0);
    expect(leftOut()).toEqual([{ name: "im000039", reason: "not gradable" }]);
    expect(result.notes.join()).toContain("1 images that the graders found not gradable");
  });

  test("says what is lost without the pairs", async () => {
    const images = await writeZip(at("IMAGES.zip"), files);
    const result = await prepare({ preset: "messidor2", archives: [images, grades()] });
    expect(result.notes.join()).toContain("without messidor-2.csv");
    expect(Object.keys(dataset()[0] ?? {})).toEqual(["path", "label", "split"]);
  });

  test("refuses a grade that is none", async () => {
    const images = await writeZip(at("IMAGES.zip"), files);
    const bad = table("messidor_data.csv", [header, grade(0), "IM000001.jpg,7,0,1"]);
    await expect(prepare({ preset: "messidor2", archives: [images, bad] })).rejects.toThrow(
      /messidor_data\.csv: row 3, column adjudicated_dr_grade: expected a grade from 0 to 4, got "7"/,
    );
  });
});

describe("chestxray2017", () => {
  const files = (root: string) => ({
    ...many(20, (i) => `${root}train/PNEUMONIA/person${i >> 1}_bacteria_${i}.jpeg`),
    ...many(20, (i) => `${root}train/NORMAL/IM-${1000 + (i >> 1)}-000${i % 2}.jpeg`),
    ...many(4, (i) => `${root}test/PNEUMONIA/person${100 + i}_virus_${i}.jpeg`),
    ...many(4, (i) => `${root}test/NORMAL/NORMAL2-IM-${2000 + i}-0001.jpeg`),
  });

  test("draws val by patient where none is published, and skips what a Mac left behind", async () => {
    const junk = { "chest_xray/.DS_Store": "x", "__MACOSX/chest_xray/train/NORMAL/._IM-1000-0000.jpeg": "x" };
    const zip = await writeZip(at("ChestXRay2017.zip"), { ...junk, ...files("chest_xray/") });
    const result = await prepare({ preset: "chestxray2017", archives: [zip], valSplit: 0.2 });
    expect(result.splits).toEqual({ train: 32, val: 8, test: 8 });
    for (const splits of splitsBy("patient_id")) expect(splits).toHaveLength(1);
    const patients = new Map(dataset().map((row) => [row.path?.split("/").at(-1), row.patient_id]));
    expect(patients.get("person3_bacteria_7.jpeg")).toBe("person3");
    expect(patients.get("IM-1001-0000.jpeg")).toBe("IM-1001");
    expect(patients.get("NORMAL2-IM-2003-0001.jpeg")).toBe("NORMAL2-IM-2003");
  });

  test("keeps the published val, or joins it to train where a share is asked for", async () => {
    const published = {
      ...files("chest_xray/"),
      ...many(2, (i) => `chest_xray/val/NORMAL/NORMAL2-IM-300${i}-0001.jpeg`),
      ...many(2, (i) => `chest_xray/val/PNEUMONIA/person300${i}_virus_1.jpeg`),
    };
    // Kaggle's archive holds everything a second time in a folder of the same name.
    const nested = Object.fromEntries(Object.entries(published).map(([name, text]) => [`chest_xray/${name}`, text]));
    const zip = await writeZip(at("archive.zip"), { ...published, ...nested });
    const kept = await prepare({ preset: "chestxray2017", archives: [zip] });
    expect(kept.splits).toEqual({ train: 40, val: 4, test: 8 });
    expect(kept.leftOut).toEqual([{ reason: "the same file again", count: 52 }]);
    expect(kept.notes.join()).toContain("the published val holds 4 images only");
    const redrawn = await prepareData({
      preset: "chestxray2017",
      archives: [zip],
      outputDir: at("redrawn"),
      valSplit: 0.5,
    });
    expect(redrawn.splits.train + redrawn.splits.val).toBe(44);
    expect(Math.abs(redrawn.splits.val - 22)).toBeLessThan(3);
    expect(redrawn.splits.test).toBe(8);
  });

  test("tells of patients in several published splits, and refuses to draw a published test anew", async () => {
    const zip = await writeZip(at("x.zip"), { ...files("chest_xray/"), "test/PNEUMONIA/person3_virus_1.jpeg": "x" });
    const result = await prepare({ preset: "chestxray2017", archives: [zip] });
    expect(result.notes.join()).toContain("1 patients or lesions stand in more than one of the published splits");
    const again = { preset: "chestxray2017", archives: [zip], outputDir: at("other"), testSplit: 0.1 } as const;
    await expect(prepareData(again)).rejects.toMatchObject({ code: "Config" });
  });
});

describe("busi", () => {
  const root = "Dataset_BUSI_with_GT";
  async function archive(): Promise<Record<string, string | Uint8Array>> {
    const files: Record<string, string | Uint8Array> = {};
    for (const label of ["benign", "malignant", "normal"]) {
      for (let i = 1; i <= 10; i++) {
        files[`${root}/${label}/${label} (${i}).png`] = await png8(2, 2, [i, label.length, 0, 0]);
        files[`${root}/${label}/${label} (${i})_mask.png`] = await png8(2, 2, [0, 255, 0, 0]);
      }
    }
    files[`${root}/benign/benign (4)_mask_1.png`] = await png8(2, 2, [0, 0, 127, 128]);
    return files;
  }

  test("images with their classes, several masks of one image united", async () => {
    const result = await prepare({ preset: "busi", archives: [await writeZip(at("busi.zip"), await archive())] });
    expect(result.splits).toEqual({ train: 21, val: 3, test: 6 });
    expect(dataset().find(({ path }) => path === "images/benign (4).png")).toMatchObject({
      label: "benign",
      mask: "masks/1/benign (4).png",
    });
    expect(await pixelsOf(at("out/masks/1/benign (4).png"))).toEqual([0, 255, 0, 255]);
    expect(await pixelsOf(at("out/masks/1/benign (5).png"))).toEqual([0, 255, 0, 0]);
    expect(filesBelow(at("out/masks"))).toHaveLength(30);
    expect(result.notes.join()).toContain("the masks of 1 images with several lesions are united");
  });

  test("leaves out what has no partner", async () => {
    const files = await archive();
    delete files[`${root}/normal/normal (1)_mask.png`];
    delete files[`${root}/normal/normal (2).png`];
    await prepare({ preset: "busi", archives: [await writeZip(at("busi.zip"), files)] });
    expect(leftOut()).toEqual([
      { name: `${root}/normal/normal (1).png`, reason: "no mask" },
      { name: `${root}/normal/normal (2)_mask.png`, reason: "a mask without an image" },
    ]);
  });
});

describe("deeplesion", () => {
  const header =
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Coarse_lesion_type,Possibly_noisy,DICOM_windows,Train_Val_Test";
  const row = (patient: number, slice: number, type: number, split: number, noisy = 0, window = "-175, 275") => {
    const series = `${String(patient).padStart(6, "0")}_01_01`;
    const name = `${series}_${String(slice).padStart(3, "0")}.png`;
    return `${name},${patient},1,1,${slice},${type},${noisy},"${window}",${split}`;
  };
  const entry = (patient: number, slice: number) =>
    `Images_png/${String(patient).padStart(6, "0")}_01_01/${String(slice).padStart(3, "0")}.png`;
  const hounsfield = [-175, -174, 50, 275, 3000, -1024];
  const slice = () =>
    png16(
      3,
      2,
      hounsfield.map((value) => value + 32_768),
    );

  /** Two key slices of each of the patients, with neighbours that are no samples. */
  async function images(patients: number): Promise<string> {
    const files: Record<string, Uint8Array> = {};
    for (let patient = 1; patient <= patients; patient++) {
      for (const number of [9, 10, 11, 20]) files[entry(patient, number)] = await slice();
    }
    return writeTar(
      at("Images_png_01.tar.gz"),
      Object.entries(files).map(([name, content]) => ({ name, content: content as never })),
    );
  }

  test("key slices through their own window, in the published splits", async () => {
    const lines = [1, 2, 3, 4].flatMap((patient) => [
      row(patient, 10, 1 + (patient % 2), Math.min(patient, 3)),
      row(patient, 20, 5, Math.min(patient, 3)),
    ]);
    const archives = [await images(4), table("DL_info.csv", [header, ...lines])];
    const result = await prepare({ preset: "deeplesion", archives });
    expect(result.splits).toEqual({ train: 2, val: 2, test: 4 });
    expect(result.counts.test).toEqual({ abdomen: 1, bone: 1, lung: 2 });
    expect(dataset()[0]).toEqual({
      path: "train/abdomen/000001_01_01_010.png",
      label: "abdomen",
      split: "train",
      patient_id: "1",
    });
    const level = (value: number) => Math.round(255 * Math.min(1, Math.max(0, (value + 175) / 450)));
    expect(await pixelsOf(at("out/train/abdomen/000001_01_01_010.png"))).toEqual(hounsfield.map(level));
    expect(result.notes.join()).toContain("8 slices are passed over");
  });

  test("through a window that is asked for", async () => {
    const lines = [row(1, 10, 1, 1), row(2, 10, 2, 3)];
    const archives = [await images(2), table("DL_info.csv", [header, ...lines])];
    await prepare({ preset: "deeplesion", archives, window: "range:-1024,3000" });
    const pixels = hounsfield.map((value) => Math.round((255 * (value + 1024)) / 4024));
    expect(await pixelsOf(at("out/train/bone/000001_01_01_010.png"))).toEqual(pixels);
  });

  test("unknown, doubtful and mixed types are left out; without any in train, val becomes train", async () => {
    const lines = [
      ...Array.from({ length: 10 }, (_, i) => row(i + 1, 10, 1 + (i % 2), 2)),
      ...Array.from({ length: 3 }, (_, i) => row(i + 11, 10, 1 + (i % 2), 3)),
      row(14, 10, -1, 1),
      row(14, 20, 3, 3, 1),
      // Two lesions on one slice: alike, of two types, and one without a type.
      row(1, 20, 4, 2),
      row(1, 20, 4, 2),
      row(2, 20, 4, 2),
      row(2, 20, 5, 2),
      row(3, 20, 4, 2),
      row(3, 20, -1, 2),
    ];
    const archives = [await images(13), table("DL_info.csv", [header, ...lines])];
    const result = await prepare({ preset: "deeplesion", archives, valSplit: 0.25 });
    expect(result.notes.join()).toContain("the published validation split becomes train");
    expect(result.splits.test).toBe(3);
    expect(result.splits.train + result.splits.val).toBe(12);
    expect(result.splits.val).toBeGreaterThan(1);
    for (const splits of splitsBy("patient_id")) expect(splits).toHaveLength(1);
    expect(leftOut()).toEqual([
      { name: "000014_01_01_010", reason: "lesion type unknown (-1)" },
      { name: "000014_01_01_020", reason: "marked as possibly noisy" },
      { name: "000002_01_01_020", reason: "lesions of different types on one slice" },
    ]);
  });

  test("refuses slices of 8 bits and cells it cannot read", async () => {
    const zip = await writeZip(at("x.zip"), { [entry(1, 10)]: await png8(1, 1, [0]) });
    const archives = [zip, table("DL_info.csv", [header, row(1, 10, 1, 1)])];
    await expect(prepare({ preset: "deeplesion", archives })).rejects.toThrow(/expected a grey picture of 16 bits/);
    table("DL_info.csv", [header, row(1, 10, 1, 4)]);
    await expect(prepare({ preset: "deeplesion", archives })).rejects.toThrow(
      /column train_val_test: expected 1, 2 or 3/,
    );
    table("DL_info.csv", [header, row(1, 10, 1, 1, 0, "275, -175")]);
    await expect(prepare({ preset: "deeplesion", archives })).rejects.toThrow(/column dicom_windows/);
  });
});

describe("isic", () => {
  const name = (i: number) => `ISIC_${String(i).padStart(7, "0")}`;

  test("one-hot columns and lesion groups", async () => {
    const zip = await writeZip(at("ISIC_2019_Training_Input.zip"), {
      ...many(40, (i) => `ISIC_2019_Training_Input/${name(i)}.jpg`),
      "ISIC_2019_Training_Input/ATTRIBUTION.txt": "x",
    });
    const truth = (i: number) => (i === 39 ? `${name(i)},0.0,0.0,0.0` : `${name(i)},${i % 2}.0,${1 - (i % 2)}.0,0.0`);
    const archives = [
      zip,
      table("ISIC_2019_Training_GroundTruth.csv", [
        "image,MEL,NV,UNK",
        ...Array.from({ length: 41 }, (_, i) => truth(i)),
      ]),
      // Published as a table, but given here in an archive of its own.
      await zipped("ISIC_2019_Training_Metadata.csv", [
        "image,age_approx,lesion_id",
        ...Array.from({ length: 40 }, (_, i) => `${name(i)},50,${i < 2 ? "" : `L${i >> 2}`}`),
      ]),
    ];
    const result = await prepare({ preset: "isic", archives, testSplit: 0.25 });
    expect(result.images).toBe(39);
    expect(Object.keys(result.counts.train)).toEqual(["MEL", "NV"]);
    expect(result.notes.join()).not.toContain("nothing of");
    expect(leftOut()).toEqual([
      { name: name(39).toLowerCase(), reason: "no class" },
      { name: name(40).toLowerCase(), reason: "no image in the archives" },
    ]);
    const lesions = splitsBy("lesion_id");
    expect(lesions).toHaveLength(11);
    for (const row of Map.groupBy(dataset(), ({ lesion_id }) => lesion_id)) {
      if (row[0] !== "") expect(new Set(row[1].map(({ split }) => split)).size).toBe(1);
    }
    expect(result.splits.test).toBeGreaterThan(5);
  });

  test("image,label in a folder; several truth tables name the splits", async () => {
    const zip = await writeZip(
      at("x.zip"),
      many(12, (i) => `images/${name(i)}.png`),
    );
    const lines = (from: number) =>
      Array.from({ length: 4 }, (_, i) =>
        `${name(from + i)}.png,${i % 2 === 0 ? "Benign, sure" : "Malignant"}`.replace("Benign, sure", '"Benign, sure"'),
      );
    const archives = [
      zip,
      table("Training_GroundTruth.csv", ["image,label", ...lines(0)]),
      table("Validation_GroundTruth.csv", ["image,label", ...lines(4)]),
      table("Test_GroundTruth.csv", ["image,label", ...lines(8)]),
    ];
    const result = await prepare({ preset: "isic", archives });
    expect(result.splits).toEqual({ train: 4, val: 4, test: 4 });
    expect(readFileSync(at("out/dataset.csv"), "utf8")).toContain(
      '"test/Benign, sure/ISIC_0000008.png","Benign, sure",test',
    );
    expect(result.notes.join()).toContain("no lesion or patient is named");
  });

  test("the third class of 2017 is the one without a column", async () => {
    const zip = await writeZip(
      at("x.zip"),
      many(30, (i) => `${name(i)}.jpg`),
    );
    const truth = Array.from({ length: 30 }, (_, i) => `${name(i)},${Number(i % 3 === 1)}.0,${Number(i % 3 === 2)}.0`);
    const archives = [zip, table("Part3_GroundTruth.csv", ["image_id,melanoma,seborrheic_keratosis", ...truth])];
    const { counts } = await prepare({ preset: "isic", archives });
    expect(counts.test).toEqual({ melanoma: 2, nevus: 2, seborrheic_keratosis: 2 });
  });

  test("refuses two classes for one image, and a class that leads out of the folder", async () => {
    const zip = await writeZip(
      at("x.zip"),
      many(2, (i) => `${name(i)}.jpg`),
    );
    const first = table("a_GroundTruth.csv", ["image,label", `${name(0)},a`, `${name(1)},b`]);
    const second = table("b_GroundTruth.csv", ["image,label", `${name(1)},a`]);
    await expect(prepare({ preset: "isic", archives: [zip, first, second] })).rejects.toThrow(
      /one class for isic_0000001/,
    );
    table("a_GroundTruth.csv", ["image,label", `${name(0)},../../etc`]);
    await expect(prepare({ preset: "isic", archives: [zip, first] })).rejects.toThrow(/class name without slashes/);
  });
});
