import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { AnonymiseOption } from "../../../../src/config/verbs/data-anonymise.ts";
import { anonymiseBytes, type FileOptions } from "../../../../src/curation/anonymise/file.ts";
import { actionOf, standardVr, tableTags } from "../../../../src/curation/anonymise/profile.ts";
import { Pseudonyms } from "../../../../src/curation/anonymise/pseudonyms.ts";
import { cleanText, shiftDates } from "../../../../src/curation/anonymise/values.ts";
import { looksLikeDicom, parseFile } from "../../../../src/formats/node/dicom.ts";
import { dicomFile, type Given, image } from "./build.ts";

const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const DEFLATED = "1.2.840.10008.1.2.1.99";
const BIG = "1.2.840.10008.1.2.2";

const optionsOf = (keep: AnonymiseOption[] = [], key = "one key of many"): FileOptions => ({
  options: new Set(keep),
  pseudonyms: new Pseudonyms(key),
  decodedBytes: 2 ** 30,
});
function anonymise(bytes: Uint8Array, options = optionsOf()) {
  const file = anonymiseBytes(bytes, "in.dcm", options);
  if (file === undefined) throw new Error("a DICOMDIR");
  const written = Buffer.concat(file.chunks);
  return { ...file, written, parsed: parseFile(written, "out.dcm", { decodedBytes: 2 ** 30 }) };
}
/** The text of an attribute of the result. */
function text({ parsed }: ReturnType<typeof anonymise>, tag: number): string | undefined {
  const element = parsed.dataSet.elements.get(tag);
  return (
    element &&
    Buffer.from(parsed.dataSet.raw(element))
      .toString("latin1")
      .replace(/[ \0]+$/, "")
  );
}

/** What must not be found in any result. */
const PLANTED = ["PHI", "19510203", "111213", "067Y", "31415", "27182", "1.9.8.7"];

/** A value that identifies, for any representation. */
function planted(tag: number, vr: string): Given {
  const mark = `PHI${tag.toString(16).padStart(8, "0")}`;
  const values: Record<string, string> = {
    AS: "067Y",
    DA: "19510203",
    DT: "19510203111213",
    TM: "111213",
    DS: "31415.9",
    IS: "27182",
    UI: `1.9.8.7.${tag}\\1.9.8.7.9`,
  };
  if (vr === "SQ") {
    const person: Given = [0x00100010, "PN", mark];
    // Of a sequence of references, the table keeps all but the UIDs and what it names by itself.
    const referring = actionOf(tag, new Set()) === "U";
    const item: Given[] = referring
      ? [person, [0x00081155, "UI", "1.9.8.7.5"]]
      : [person, [0x00080104, "LO", mark], [0x0040a160, "UT", mark]];
    return [tag, vr, [item]];
  }
  return [tag, vr, values[vr] ?? (/^O|UN/.test(vr) ? Buffer.from(`${mark} `) : mark)];
}

describe("nothing planted is left", () => {
  const tags = tableTags().filter((tag) => tag >>> 16 >= 8 && tag !== 0xfffafffa && tag !== 0xfffcfffc);
  const nested: Given[] = [
    [
      0x0040a730,
      "SQ",
      [
        [
          [0x0040a160, "UT", "PHI text"],
          [0x0040a123, "PN", "PHI^Name"],
          [0x0040a730, "SQ", [[[0x0040a160, "UT", "PHI deep"]]]],
        ],
      ],
    ],
    // Kept sequences are searched too.
    [
      0x00081115,
      "SQ",
      [
        [
          [0x0020000e, "UI", "1.9.8.7.2"],
          [0x00080050, "SH", "PHI"],
          [0x00090010, "LO", "PHI"],
        ],
      ],
    ],
    // Private, unknown to the standard, group lengths, curves, overlays, a person that the table does not name.
    [0x00090010, "LO", "PHI CREATOR"],
    [0x00091001, "SQ", [[[0x00100010, "PN", "PHI"]]]],
    [0x00180002, "LO", "PHI"],
    [0x00100000, "UL", Buffer.from("PHI ")],
    [0x50003000, "OW", Buffer.from("PHI ")],
    [0x50102500, "LO", "PHI"],
    [0x60003000, "OW", Buffer.from("PHI ")],
    [0x60021500, "LO", "PHI"],
    [0xfffcfffc, "OB", Buffer.from("PHI ")],
  ];
  const given = [...tags.map((tag) => planted(tag, standardVr(tag) ?? "LO")), ...nested];
  const unique = [...new Map(given.map((one) => [one[0], one])).values()];

  test("the table is the whole table", () => {
    expect(tags.length).toBeGreaterThan(640);
    // Newer than the dictionary: as attributes that nobody knows, they are removed.
    expect(tags.filter((tag) => standardVr(tag) === undefined)).toHaveLength(25);
  });

  test.each([IMPLICIT, EXPLICIT, DEFLATED, BIG])("in transfer syntax %s", (syntax) => {
    const before = dicomFile(image(unique), syntax, "PHI preamble");
    const { written, parsed } = anonymise(before);
    expect(parsed.syntaxUid).toBe(syntax);
    // Those of a deflated data set are inflated.
    const found = [written, Buffer.from(parsed.dataSet.bytes)];
    for (const word of PLANTED) expect(found.map((bytes) => bytes.includes(word))).toEqual([false, false]);
    // The search itself finds what is there.
    const start = 132 + 12 + before.readUInt32LE(140);
    const readable = syntax === DEFLATED ? inflateRawSync(before.subarray(start)) : before;
    for (const word of PLANTED) expect(readable.includes(word)).toBe(true);
  });

  test("a sequence of unknown representation is searched, and stays implicit inside", () => {
    const item = Buffer.concat([
      Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x10, 0x00, 0x10, 0x00, 4, 0, 0, 0]),
      Buffer.from("PHI "),
      Buffer.from([0x08, 0x00, 0x00, 0x01, 4, 0, 0, 0]),
      Buffer.from("CODE"),
      Buffer.from([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]),
    ]);
    const { written, parsed } = anonymise(dicomFile(image([[0x00081115, "UN", item]]), EXPLICIT));
    expect(written.includes("PHI")).toBe(false);
    const sequence = parsed.dataSet.elements.get(0x00081115);
    expect(sequence?.vr).toBe("UN");
    const inner = sequence?.items?.[0];
    const code = inner?.elements.get(0x00080100);
    expect(code && inner && Buffer.from(inner.raw(code)).toString()).toBe("CODE");
  });
});

describe("what stays", () => {
  test.each([IMPLICIT, EXPLICIT, DEFLATED, BIG])("pixels and kept values are the same bytes in %s", (syntax) => {
    const before = parseFile(dicomFile(image(), syntax), "in.dcm", { decodedBytes: 2 ** 20 });
    const { parsed } = anonymise(dicomFile(image(), syntax));
    for (const tag of [0x00080016, 0x00080060, 0x00080070, 0x00280010, 0x7fe00010]) {
      const [old, now] = [before, parsed].map(({ dataSet }) => {
        const element = dataSet.elements.get(tag);
        return element && [...dataSet.raw(element)];
      });
      expect(now).toEqual(old);
      expect(now?.length).toBeGreaterThan(0);
    }
  });

  test("compressed pixels stay as they are", () => {
    const item = (bytes: Buffer) =>
      Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0, bytes.length, 0, 0, 0]), bytes]);
    const value = Buffer.concat([item(Buffer.alloc(0)), item(Buffer.from([0xff, 0xd8, 0xff, 0xd9]))]);
    const header = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    const plain = dicomFile(image().slice(0, -1), "1.2.840.10008.1.2.4.50");
    const { written } = anonymise(Buffer.concat([plain, header, value, end]));
    expect(written.subarray(-(value.length + 20))).toEqual(Buffer.concat([header, value, end]));
  });

  test("the file says that and how it was de-identified", () => {
    const result = anonymise(dicomFile(image([[0x00120063, "LO", "by PHI"]]), EXPLICIT), optionsOf(["device"]));
    expect(text(result, 0x00120062)).toBe("YES");
    expect(text(result, 0x00120063)).toBe("Basic Application Confidentiality Profile\\Retain Device Identity Option");
    expect(text(result, 0x00280303)).toBe("REMOVED");
    const codes = result.parsed.dataSet.elements.get(0x00120064)?.items?.map((item) => {
      const code = item.elements.get(0x00080100);
      return code && Buffer.from(item.raw(code)).toString().trim();
    });
    expect(codes).toEqual(["113100", "113109"]);
  });

  test("the meta information is new and fits", () => {
    const { parsed, sopInstance } = anonymise(dicomFile(image(), EXPLICIT));
    const element = parsed.meta?.elements.get(0x00020003);
    expect(
      element &&
        Buffer.from(parsed.meta?.raw(element) ?? [])
          .toString()
          .replace("\0", ""),
    ).toBe(sopInstance);
    expect(text({ parsed } as ReturnType<typeof anonymise>, 0x00080018)).toBe(sopInstance);
    expect(parsed.meta?.elements.has(0x00020016)).toBe(false);
  });
});

describe("replacements", () => {
  test("are the same for one original, in all files and with the same key", () => {
    const [first, second] = [image(), image([[0x00080018, "UI", "1.9.8.7.4"]])].map((given) =>
      anonymise(dicomFile(given, EXPLICIT)),
    ) as [ReturnType<typeof anonymise>, ReturnType<typeof anonymise>];
    for (const tag of [0x0020000d, 0x0020000e, 0x00100020, 0x00100010])
      expect(text(second, tag)).toBe(text(first, tag));
    expect(text(second, 0x00080018)).not.toBe(text(first, 0x00080018));
    const uid = text(first, 0x0020000d) ?? "";
    expect(uid).toMatch(/^2\.25\.[1-9]\d{0,38}$/);
    expect(uid).not.toBe(text(first, 0x0020000e));
    const other = anonymise(dicomFile(image(), EXPLICIT), optionsOf([], "another key"));
    expect(text(other, 0x0020000d)).not.toBe(uid);
    expect(text(other, 0x00100020)).not.toBe(text(first, 0x00100020));
    const [a, b] = [new Pseudonyms(undefined), new Pseudonyms(undefined)];
    expect(a.uid("1.2.3")).not.toBe(b.uid("1.2.3"));
    expect(a.uid("1.2.840.10008.5.1.4.1.1.2")).toBe("1.2.840.10008.5.1.4.1.1.2");
  });

  test("references follow: an instance that another refers to has the new UID there", () => {
    const reference: Given = [0x00081140, "SQ", [[[0x00081155, "UI", "1.9.8.7.3"]]]];
    const result = anonymise(dicomFile(image([reference]), EXPLICIT));
    const item = result.parsed.dataSet.elements.get(0x00081140)?.items?.[0];
    const element = item?.elements.get(0x00081155);
    expect(
      element &&
        Buffer.from(item?.raw(element) ?? [])
          .toString()
          .replace("\0", ""),
    ).toBe(result.sopInstance);
  });

  test("a text that is kept by the table goes where it names the patient", () => {
    const given = image([[0x00080070, "LO", "Scanner of jane"]]);
    const { written, revealing } = anonymise(dicomFile(given, EXPLICIT));
    expect(revealing).toEqual([0x00080070]);
    expect(written.includes("jane")).toBe(false);
  });
});

describe("options", () => {
  const dated = (date: string, patient = "ID-4711") =>
    image([
      [0x00080020, "DA", date],
      [0x00080030, "TM", "101112.5"],
      [0x0008002a, "DT", `${date}101112.5+0100`],
      [0x00100020, "LO", patient],
      [0x00101010, "AS", "061Y"],
      [0x0008103e, "LO", "MRI Brain Miller AX T2 FLAIR 5mm Dr. Smith"],
      [0x00181000, "LO", "SERIAL"],
      [0x00080080, "LO", "Clinic"],
    ]);
  const run = (given: Given[], keep: AnonymiseOption[]) => anonymise(dicomFile(given, EXPLICIT), optionsOf(keep));
  const day = (date = "") => Date.UTC(+date.slice(0, 4), +date.slice(4, 6) - 1, +date.slice(6, 8)) / 86_400_000;

  test("without any, dates, age, device and description go", () => {
    const result = run(dated("20240131"), []);
    const found = [0x00080020, 0x00080030, 0x00101010, 0x0008103e, 0x00181000].map((tag) => text(result, tag));
    expect(found).toEqual(["", "", undefined, undefined, "ANONYMOUS"]);
  });

  test("full dates are kept", () => {
    const result = run(dated("20240131"), ["full-dates"]);
    expect(text(result, 0x00080020)).toBe("20240131");
    expect(text(result, 0x00280303)).toBe("UNMODIFIED");
  });

  test("modified dates keep their distances within a patient", () => {
    const [first, second, stranger] = [
      run(dated("20240131"), ["modified-dates"]),
      run(dated("20240301"), ["modified-dates"]),
      run(dated("20240131", "ID-4712"), ["modified-dates"]),
    ] as const;
    const [a, b] = [text(first, 0x00080020), text(second, 0x00080020)];
    expect(day(b) - day(a)).toBe(30);
    expect(day(a)).toBeLessThan(day("20240131"));
    expect(text(stranger, 0x00080020)).not.toBe(a);
    expect(text(first, 0x00080030)).toBe("101112.5");
    expect(text(first, 0x0008002a)).toBe(`${a}101112.5+0100`);
    expect(text(first, 0x00280303)).toBe("MODIFIED");
  });

  test("characteristics, device, institution and UIDs are kept by name", () => {
    const result = run(dated("20240131"), ["patient-characteristics", "device", "institution", "uids"]);
    const found = [0x00101010, 0x00181000, 0x00080080, 0x0020000d].map((tag) => text(result, tag));
    expect(found).toEqual(["061Y", "SERIAL", "Clinic", "1.9.8.7.1"]);
  });

  test("cleaned descriptions keep words of imaging only", () => {
    expect(text(run(dated("20240131"), ["descriptors"]), 0x0008103e)).toBe("MRI Brain AX T2 FLAIR 5mm");
    expect(cleanText("CT Chest^Meier 12345678\\X 031270")).toBe("CT Chest\\");
  });

  test("an option that keeps weighs more than one that cleans", () => {
    expect(actionOf(0x00181000, new Set(["device", "descriptors"]))).toBe("K");
    expect(actionOf(0x00081030, new Set(["descriptors"]))).toBe("C");
    expect(actionOf(0x00081030, new Set())).toBe("X");
    expect(actionOf(0x00080060, new Set())).toBeUndefined();
  });

  test("dates that are none become empty", () => {
    expect(shiftDates("20240301\\PHI\\", "DA", 1)).toBe("20240229\\\\");
    expect(shiftDates("2024.03.01", "DA", 1)).toBe("20240229");
    expect(shiftDates("00010101", "DA", 1)).toBe("00001231");
    expect(shiftDates("20240301PHI", "DT", 1)).toBe("20240229");
  });
});

describe("risks in the pixels are told", () => {
  test.each([
    ["YES", "CT", /says that identifying text/],
    ["", "US", /often have identifying text/],
    ["", "CT", undefined],
    ["NO", "US", undefined],
  ])("burned in %j, modality %s", (burnedIn, modality, expected) => {
    const given = image([
      [0x00280301, "CS", burnedIn],
      [0x00080060, "CS", modality],
    ]);
    const { risks } = anonymise(dicomFile(given, EXPLICIT));
    if (expected === undefined) expect(risks).toEqual([]);
    else expect(risks).toEqual([expect.stringMatching(expected)]);
  });
});

describe("files that cannot be read to their end are refused", () => {
  const whole = dicomFile(image(), EXPLICIT);
  test("cut short", () => {
    expect(() => anonymise(whole.subarray(0, -3))).toThrow(/expected a whole file/);
  });
  test("with other bytes behind", () => {
    const more = Buffer.concat([whole, Buffer.from("PHI secret that is no element")]);
    expect(() => anonymise(more)).toThrow(/in\.dcm: expected/);
    expect(anonymise(Buffer.concat([whole, Buffer.alloc(7)])).written.includes("PHI")).toBe(false);
  });
});

const real = join(process.env.MSMAE_DATA ?? "../shared/data", "dicom");
const files = (() => {
  try {
    return readdirSync(real, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  } catch {
    return [];
  }
})();

describe.skipIf(files.length === 0)(`real files${files.length === 0 ? " (SKIPPED: no test data)" : ""}`, () => {
  test("keep every byte of their pixels, in their transfer syntax, and no private attribute", () => {
    let checked = 0;
    for (const entry of files) {
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      if (!looksLikeDicom(bytes.subarray(0, 132))) continue;
      const before = parseFile(bytes, entry.name, { decodedBytes: 2 ** 30 });
      if (before.cut) continue;
      const file = anonymiseBytes(bytes, entry.name, optionsOf());
      if (file === undefined) continue;
      const after = parseFile(Buffer.concat(file.chunks), entry.name, { decodedBytes: 2 ** 30 });
      for (const tag of [0x7fe00008, 0x7fe00009, 0x7fe00010]) {
        const [old, now] = [before, after].map(({ dataSet }) => {
          const element = dataSet.elements.get(tag);
          return element && Buffer.from(dataSet.raw(element));
        });
        expect(now?.length, entry.name).toBe(old?.length);
        if (old && now) expect(Buffer.compare(old, now), entry.name).toBe(0);
      }
      if (before.syntaxUid !== undefined) expect(after.syntaxUid, entry.name).toBe(before.syntaxUid);
      expect([...after.dataSet.elements.keys()].some((tag) => (tag >>> 16) % 2 === 1)).toBe(false);
      checked++;
    }
    expect(checked).toBeGreaterThan(200);
  });
});
