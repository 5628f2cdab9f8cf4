import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BuiltElement, buildDicom, greyImage } from "../../formats/dicom/dicom-builder.ts";
import { body, ids, SIDE, TestFolder } from "./image-folder.ts";

let folder: TestFolder;
beforeEach(async () => {
  folder = new TestFolder();
  await folder.fill();
});
afterEach(() => folder.remove());

const dicom = (number: number, others: Record<number, BuiltElement> = {}) =>
  buildDicom(greyImage(SIDE, SIDE, [0x7fe00010, "OW", body(number)], others));

test("attributes that tell who the patient is are named with their files, their values nowhere", async () => {
  folder.put(
    "train/sick/a.dcm",
    dicom(1, {
      1: [0x00080080, "LO", "Planted Hospital"],
      2: [0x00100010, "PN", "Plantedname^Jane"],
      3: [0x00100030, "DA", "19610203"],
      4: [0x00280301, "CS", "YES"],
      5: [0x00290010, "LO", "Plantedmaker"],
    }),
  );
  folder.put("train/sick/b.dcm", dicom(2, { 2: [0x00100010, "PN", "Plantedname^John"] }));
  folder.put("train/sick/c.dcm", dicom(3, { 2: [0x00100010, "PN", "ANONYMOUS"], 3: [0x00100030, "DA", "19000101"] }));
  const result = await folder.check({ outputDir: join(folder.path, "out") });
  expect(result.unreadable).toEqual([]);
  expect(result.dicom).toEqual({
    files: 3,
    identifying: {
      PatientName: 2,
      PatientBirthDate: 1,
      InstitutionName: 1,
      "BurnedInAnnotation YES": 1,
      "private attributes": 1,
    },
  });
  expect(result.findings.find(({ id }) => id === "identifying-attributes")?.title).toContain("PatientName (2 files)");
  for (const path of [result.reportPath, result.resultPath]) {
    const text = readFileSync(path as string, "utf8");
    expect(text).toContain("PatientName");
    expect(text).not.toMatch(/planted|1961/i);
  }
});

test("headers without identity give no finding, but the report says that it looked", async () => {
  folder.put("train/sick/a.dcm", dicom(1, { 1: [0x00100010, "PN", "ANON-17"], 2: [0x00120062, "CS", "YES"] }));
  const result = await folder.check({ outputDir: join(folder.path, "out") });
  expect(result.dicom).toEqual({ files: 1, identifying: {} });
  expect(ids(result)).not.toContain("identifying-attributes");
  expect(readFileSync(result.reportPath as string, "utf8")).toContain("That is no proof");
});

test("DICOM files of one patient in two splits are a leak, and the id is not told", async () => {
  folder.put("train/sick/a.dcm", dicom(1, { 1: [0x00100020, "LO", "PLANTED-77"] }));
  folder.put("test/sick/b.dcm", dicom(2, { 1: [0x00100020, "LO", "PLANTED-77"] }));
  folder.put("test/sick/c.dcm", dicom(3, { 1: [0x00100020, "LO", "OTHER-78"] }));
  const result = await folder.check({ outputDir: join(folder.path, "out") });
  expect(result).toMatchObject({ groupsAcrossSplits: 1, identicalAcrossSplits: 0, leakage: true });
  expect(result.findings[0]?.id).toBe("groups-across-splits");
  for (const path of [result.reportPath, result.resultPath]) {
    expect(readFileSync(path as string, "utf8")).not.toMatch(/planted|other-78/i);
  }
});
