import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { readTags } from "../../../../src/formats/node/dicom.ts";
import { readDicomDir } from "../../../../src/formats/node/dicomdir.ts";
import { type BuiltElement, buildDicom, greyImage } from "./dicom-builder.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-dicom-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, bytes);
  return path;
};
const pixels: BuiltElement = [0x7fe00010, "OB", Uint8Array.of(1, 2)];
const image = (...others: BuiltElement[]) =>
  greyImage(1, 2, pixels, Object.fromEntries(others.map((element) => [element[0], element])));

describe("readTags", () => {
  const KEYWORDS = ["PatientID", "Rows", "WindowCenter", "NumberOfFrames", "StudyDate", "TransferSyntaxUID"] as const;
  const described = image([0x00100020, "LO", "ID 7 "], [0x00281050, "DS", "40\\-600"], [0x00280008, "IS", "2"]);

  test("gives numbers and text, of bytes and of a path, whatever the encoding", () => {
    const expected = {
      PatientID: ["ID 7"],
      Rows: [1],
      WindowCenter: [40, -600],
      NumberOfFrames: [2],
      StudyDate: [],
      TransferSyntaxUID: ["1.2.840.10008.1.2.1"],
    };
    const bytes = buildDicom(described);
    expect(readTags(bytes, KEYWORDS)).toEqual(expected);
    expect(readTags(write("plain.dcm", bytes), KEYWORDS)).toEqual(expected);
    const implicit = buildDicom(described, { implicit: true, syntax: "1.2.840.10008.1.2" });
    expect(readTags(implicit, KEYWORDS)).toEqual({ ...expected, TransferSyntaxUID: ["1.2.840.10008.1.2"] });
  });

  test("reads on where a header is longer than the first part of the file, deflated or not", () => {
    const long = image([0x00091001, "UN", new Uint8Array(100_000)], [0x00280008, "IS", "5"]);
    expect(readTags(write("long.dcm", buildDicom(long)), ["NumberOfFrames"])).toEqual({ NumberOfFrames: [5] });
    const noise = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7919 + ((at * at) >> 5)) & 255);
    const head = buildDicom([], { syntax: "1.2.840.10008.1.2.1.99" });
    const body = buildDicom(image([0x00091001, "UN", noise], [0x00280008, "IS", "6"]), {
      preamble: false,
      meta: false,
    });
    const deflated = write("deflated.dcm", Buffer.concat([head, deflateRawSync(body)]));
    expect(readTags(deflated, ["NumberOfFrames"])).toEqual({ NumberOfFrames: [6] });
  });

  test("takes text in the file's character set", () => {
    const latin = image([0x00080005, "CS", "ISO_IR 100"], [0x00081030, "LO", "Sch\u00e4del"]);
    expect(readTags(buildDicom(latin), ["StudyDescription"])).toEqual({ StudyDescription: ["Sch\u00e4del"] });
    const utf8 = Buffer.from("头部", "utf8").toString("latin1");
    const unicode = image([0x00080005, "CS", "ISO_IR 192"], [0x00081030, "LO", utf8]);
    expect(readTags(buildDicom(unicode), ["StudyDescription"])).toEqual({ StudyDescription: ["头部"] });
  });

  test("names a missing file, and one that is no DICOM", () => {
    expect(() => readTags(join(folder, "none.dcm"), ["Rows"])).toThrow(/none\.dcm: expected a readable file/);
    expect(() => readTags(write("text.dcm", Buffer.from("hello there, this is text")), ["Rows"])).toThrow(
      "a DICOM file",
    );
  });
});

describe("readDicomDir", () => {
  const record = (type: string, id?: string): BuiltElement[] => [
    [0x00041430, "CS", type],
    ...(id === undefined ? [] : ([[0x00041500, "CS", id]] as BuiltElement[])),
  ];
  const directory = (...records: BuiltElement[][]) => buildDicom([[0x00041220, "SQ", records]]);

  test("matches names in any case, with a version or an extension behind them, images alone and once each", async () => {
    write("cd/images/one.dcm", buildDicom(image()));
    write("cd/images/TWO;1", buildDicom(image()));
    const path = write(
      "cd/DICOMDIR",
      directory(
        record("PATIENT"),
        record("IMAGE", "IMAGES\\ONE"),
        record("IMAGE", "IMAGES\\TWO"),
        record("IMAGE", "IMAGES\\ONE"),
        record("SR DOCUMENT", "IMAGES\\NONE"),
      ),
    );
    const found = await readDicomDir(path);
    expect(found.map((file) => relative(join(folder, "cd"), file))).toEqual(["images/one.dcm", "images/TWO;1"]);
  });

  test("files that are missing are named, and so are those outside the medium", async () => {
    write("secret.dcm", buildDicom(image()));
    const path = write("cd2/DICOMDIR", directory(record("IMAGE", "A\\B"), record("IMAGE", "..\\SECRET.DCM")));
    await expect(readDicomDir(path)).rejects.toThrow(
      "expected 2 files beside the DICOMDIR, got 2 of them missing: A/B, ../",
    );
    const reported: string[] = [];
    expect(await readDicomDir(path, (files) => reported.push(...files))).toEqual([]);
    expect(reported).toEqual(["A/B", "../SECRET.DCM"]);
    await expect(readDicomDir(write("cd2/x.dcm", buildDicom(image())))).rejects.toThrow("without directory records");
    await expect(readDicomDir(join(folder, "cd2/none"))).rejects.toThrow("a readable DICOMDIR");
  });

  const source = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom/pydicom/dicomdirtests");
  const missing = !existsSync(source);
  const variants = ["", "-bigEnd", "-implicit", "-nooffset", "-nopatient", "-reordered"];
  test.skipIf(missing).each(variants)(
    `pydicom's DICOMDIR%s${missing ? " (SKIPPED: no test files)" : ""}`,
    async (variant) => {
      const found = await readDicomDir(join(source, `DICOMDIR${variant}`));
      expect(found.length).toBe(31);
      expect(new Set(found).size).toBe(31);
      for (const path of found) expect(readTags(path, ["Rows"]).Rows).toEqual([16]);
    },
  );
});
