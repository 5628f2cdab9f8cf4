import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AnonymiseOption } from "../../../../src/config/verbs/data-anonymise.ts";
import { anonymiseDicom } from "../../../../src/curation/anonymise/index.ts";
import type { RunEvent } from "../../../../src/support/events.ts";
import { dicomFile, type Given, image } from "./build.ts";

const EXPLICIT = "1.2.840.10008.1.2.1";
const key = "a key of the hospital";
let root: string;
let input: string;
let outputDir: string;

const instance = (number: number, over: readonly Given[] = []) =>
  dicomFile(image([[0x00080018, "UI", `1.9.8.7.100.${number}`], ...over]), EXPLICIT);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-anonymise-"));
  input = join(root, "Miller Jane");
  outputDir = join(root, "out");
  mkdirSync(join(input, "study of 1951"), { recursive: true });
  writeFileSync(join(input, "miller-1.dcm"), instance(1));
  writeFileSync(join(input, "study of 1951", "MILLER2"), instance(2));
  writeFileSync(join(input, "study of 1951", "other"), instance(3, [[0x00100020, "LO", "ID-4712"]]));
});
afterEach(() => rmSync(root, { recursive: true }));

const filesUnder = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
const fingerprint = (folder: string) =>
  filesUnder(folder).map(
    (name) =>
      name +
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
  );

describe("anonymiseDicom", () => {
  test("writes all images under names without meaning, a folder per patient, study and series", async () => {
    const before = fingerprint(input);
    const events: RunEvent[] = [];
    const result = await anonymiseDicom(
      { inputs: [input], outputDir, key },
      { onEvent: (event) => events.push(event) },
    );
    expect(result).toEqual({
      outputDir,
      files: 3,
      written: 3,
      patients: 2,
      studies: 2,
      series: 2,
      leftOut: [],
      failed: [],
      review: [],
    });
    const written = filesUnder(outputDir);
    expect(written).toHaveLength(3);
    for (const name of written) {
      expect(name).toMatch(/^patient-[0-9a-f]{12}\/study-[0-9a-f]{8}\/series-[0-9a-f]{8}\/image-[0-9a-f]{12}\.dcm$/);
      expect(readFileSync(join(outputDir, name)).includes("Miller")).toBe(false);
    }
    expect(fingerprint(input)).toEqual(before);
    expect(events).toEqual([
      { type: "phase", name: "anonymise", total: 3 },
      ...[1, 2, 3].map((done) => ({ type: "phase-progress", done })),
    ]);
  });

  test("a key makes it repeatable, without one nothing is", async () => {
    const run = async (name: string, given: { key?: string }) => {
      await anonymiseDicom({ inputs: [input], outputDir: join(root, name), ...given });
      return fingerprint(join(root, name));
    };
    expect(await run("a", { key })).toEqual(await run("b", { key }));
    expect(await run("c", {})).not.toEqual(await run("d", {}));
  });

  test("other files and DICOMDIRs are left out, broken ones told, and neither ends the run", async () => {
    writeFileSync(join(input, "notes.txt"), "Jane Miller has been here before, in 1951");
    const directory: Given[] = [[0x00041130, "CS", "SET"]];
    const bytes = dicomFile(directory, EXPLICIT);
    const at = bytes.indexOf("1.2.840.10008.5.1.4.1.1.2");
    bytes.write("1.2.840.10008.1.3.10\0\0\0\0\0", at, "latin1");
    writeFileSync(join(input, "DICOMDIR"), bytes);
    writeFileSync(join(input, "cut.dcm"), instance(4).subarray(0, -3));
    const result = await anonymiseDicom({ inputs: [input], outputDir, key });
    expect(result).toMatchObject({ files: 6, written: 3 });
    expect(result.leftOut).toEqual([
      { path: join(input, "DICOMDIR"), reason: expect.stringContaining("DICOMDIR") },
      { path: join(input, "notes.txt"), reason: "no DICOM file" },
    ]);
    expect(result.failed).toEqual([
      { path: join(input, "cut.dcm"), reason: expect.stringContaining("expected a whole file") },
    ]);
    expect(filesUnder(outputDir)).toHaveLength(3);
  });

  test("two files of one instance are both written", async () => {
    writeFileSync(join(input, "again.dcm"), instance(1));
    const result = await anonymiseDicom({ inputs: [input], outputDir, key });
    expect(result.written).toBe(4);
    expect(filesUnder(outputDir).filter((name) => name.endsWith("-2.dcm"))).toHaveLength(1);
  });

  test("files that may still tell are named, with a warning", async () => {
    writeFileSync(join(input, "us.dcm"), instance(5, [[0x00280301, "CS", "YES"]]));
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const { review } = await anonymiseDicom({ inputs: [input], outputDir, key }, { onEvent });
    expect(review).toEqual([
      { path: expect.stringContaining(outputDir), reason: expect.stringContaining("burned into its pixels") },
    ]);
    expect(warnings).toEqual([expect.stringContaining("1 files may still tell")]);
  });

  test("options reach the files", async () => {
    await anonymiseDicom({ inputs: [input], outputDir, key, keep: ["uids"] });
    const all = filesUnder(outputDir).map((name) => readFileSync(join(outputDir, name)).toString("latin1"));
    expect(all.every((text) => text.includes("1.9.8.7.100."))).toBe(true);
  });
});

describe("is refused", () => {
  const fails = (over: Partial<Parameters<typeof anonymiseDicom>[0]>, message: RegExp) =>
    expect(anonymiseDicom({ inputs: [input], outputDir, key, ...over })).rejects.toThrow(message);

  test("the inputs' own folder, inside or around it, also through a link", async () => {
    await fails({ outputDir: input }, /originals are never overwritten/);
    await fails({ outputDir: join(input, "out", "deep") }, /originals are never overwritten/);
    await fails({ outputDir: root }, /which holds/);
    symlinkSync(input, join(root, "link"));
    await fails({ outputDir: join(root, "link", "out") }, /originals are never overwritten/);
    await fails({ inputs: [join(input, "miller-1.dcm")], outputDir: input }, /which holds/);
  });

  test("a folder with something in it", async () => {
    mkdirSync(outputDir);
    writeFileSync(join(outputDir, "old.dcm"), "");
    await fails({}, /new or empty folder.*other files \(old\.dcm\)/);
    await fails({ overwrite: true }, /other files \(old\.dcm\)/);
    expect(filesUnder(root).filter((name) => !name.startsWith("Miller"))).toEqual(["out/old.dcm"]);
  });

  test("a folder of earlier copies, unless they are to be replaced: then all of them are, at the end", async () => {
    await anonymiseDicom({ inputs: [input], outputDir });
    const before = fingerprint(outputDir);
    await fails({}, /anonymised copies.*--overwrite/);
    const stop = { signal: AbortSignal.abort() };
    await expect(anonymiseDicom({ inputs: [input], outputDir, overwrite: true }, stop)).rejects.toThrow(/stop/);
    expect(fingerprint(outputDir)).toEqual(before);
    await anonymiseDicom({ inputs: [join(input, "miller-1.dcm")], outputDir, overwrite: true });
    expect(filesUnder(outputDir)).toHaveLength(1);
    expect(readdirSync(outputDir)).toHaveLength(1);
    expect(before.join()).not.toContain(filesUnder(outputDir)[0]);
  });

  test("options that the standard does not have, or that exclude each other, and keys that can be guessed", async () => {
    await fails({ keep: ["names" as AnonymiseOption] }, /keep: expected some of uids, .*got \["names"\]/);
    await fails({ keep: ["full-dates", "modified-dates"] }, /either full-dates or modified-dates/);
    await fails({ key: "1234567" }, /at least 8 characters/);
    expect(readdirSync(root)).not.toContain("out");
  });

  test("inputs without DICOM files, or that do not exist", async () => {
    writeFileSync(join(root, "a.txt"), "text");
    await fails({ inputs: [join(root, "a.txt")] }, /expected DICOM files, got 1 files that are none/);
    await fails({ inputs: [join(root, "absent")] }, /expected a file or folder, got none/);
    await fails({ inputs: [] }, /inputs: expected one or more DICOM files or folders/);
  });

  test("work goes on no further than the signal lets it", async () => {
    const signal = AbortSignal.abort();
    await expect(anonymiseDicom({ inputs: [input], outputDir, key }, { signal })).rejects.toMatchObject({
      code: "Interrupted",
    });
  });
});
