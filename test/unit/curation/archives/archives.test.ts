import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashArchive, openArchives } from "../../../../src/curation/archives/index.ts";
import { ARCHIVE_LIMITS } from "../../../../src/curation/archives/limits.ts";
import { renameBytes, writeTar, writeZip } from "./make.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "msmae-archives-"));
});
afterEach(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);

async function read(
  paths: string[],
  limits = ARCHIVE_LIMITS,
  signal?: AbortSignal,
): Promise<[name: string, content: string][]> {
  const found: [string, string][] = [];
  for (const archive of await openArchives(paths, limits, signal)) {
    for await (const { name, size, open } of archive.entries(signal)) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of open()) chunks.push(chunk);
      const content = Buffer.concat(chunks);
      expect(content.length).toBe(size);
      found.push([name, content.toString()]);
    }
  }
  return found;
}

/** Of the entries, none of which is opened. */
async function names(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const archive of await openArchives([path])) {
    for await (const { name } of archive.entries()) found.push(name);
  }
  return found;
}

const CONTENT = { "a/1.txt": "one", "a/b/2.txt": "two".repeat(1000), "empty.txt": "" };
const PAIRS = Object.entries(CONTENT);

describe("openArchives reads", () => {
  test.each([false, true])("zip files (zip64: %s)", async (zip64) => {
    const path = await writeZip(at("x.zip"), CONTENT, zip64);
    expect(readFileSync(path).includes("PK\u0006\u0006")).toBe(zip64);
    expect(await read([path])).toEqual(PAIRS);
  });

  test.each(["x.tar", "x.tar.gz", "x.tgz"])("%s", async (name) => {
    const files = PAIRS.map(([path, content]) => ({ name: `./${path}`, content }));
    const path = await writeTar(at(name), [{ name: "a/", type: "directory" }, ...files]);
    expect(await read([path])).toEqual(PAIRS);
  });

  test("an archive whatever its name says, each time anew", async () => {
    const [archive] = await openArchives([await writeZip(at("download"), CONTENT)]);
    for (let time = 0; time < 2; time++) {
      const found: string[] = [];
      for await (const { name } of archive?.entries() ?? []) found.push(name);
      expect(found).toEqual(Object.keys(CONTENT));
    }
  });

  test("entries that nobody opens are passed over in tar files too", async () => {
    const path = await writeTar(at("x.tar"), [
      { name: "big", content: "x".repeat(300_000) },
      { name: "last", content: "end" },
    ]);
    expect(await names(path)).toEqual(["big", "last"]);
  });

  test("folders, sorted and through links, but a link to a folder above only once", async () => {
    mkdirSync(at("set/b"), { recursive: true });
    mkdirSync(at("elsewhere"));
    writeFileSync(at("elsewhere/e.txt"), "e");
    writeFileSync(at("set/b/2.txt"), "2");
    writeFileSync(at("set/a.txt"), "a");
    symlinkSync(at("elsewhere"), at("set/linked"));
    symlinkSync(at("set"), at("set/b/up"));
    symlinkSync(at("nowhere"), at("set/broken"));
    expect(await read([at("set")])).toEqual([
      ["a.txt", "a"],
      ["b/2.txt", "2"],
      ["linked/e.txt", "e"],
    ]);
  });

  test("a folder of downloads: its archives and its other files", async () => {
    mkdirSync(at("downloads"));
    await writeZip(at("downloads/x.zip"), { "inside.txt": "i" });
    writeFileSync(at("downloads/table.csv"), "a,b");
    expect(await read([at("downloads"), at("downloads/x.zip")])).toEqual([
      ["table.csv", "a,b"],
      ["inside.txt", "i"],
    ]);
  });

  test("a zip file cut into pieces, named by any of them", async () => {
    const whole = readFileSync(await writeZip(at("whole.zip"), CONTENT));
    const cut = [0, 7, 60, whole.length];
    for (let part = 0; part < 3; part++) {
      writeFileSync(at(`x.zip.00${part + 1}`), whole.subarray(cut[part], cut[part + 1]));
    }
    expect(await read([at("x.zip.002")])).toEqual(PAIRS);
    const [archive] = await openArchives([at("x.zip.001"), at("x.zip.003")]);
    const [plain] = await openArchives([at("whole.zip")]);
    if (!archive || !plain) throw new Error("both are there");
    expect([archive.files.length, archive.bytes]).toEqual([3, whole.length]);
    expect(await hashArchive(archive)).toBe(await hashArchive(plain));
  });

  test("no junk of file managers", async () => {
    const junk = { "__MACOSX/a/._1.txt": "x", "a/.DS_Store": "x", "a/._2.txt": "x", "Thumbs.db": "x" };
    expect(await read([await writeZip(at("x.zip"), { ...junk, "a/1.txt": "1" })])).toEqual([["a/1.txt", "1"]]);
  });
});

describe("openArchives refuses", () => {
  test.each([
    ["a step out of the folder", "aaaaaa.txt", "a/../b.txt"],
    ["an absolute path", "aaaaaa.txt", "/aaaaa.txt"],
    ["a drive letter", "aaaaaa.txt", "C:aaaa.txt"],
    ["a backslash", "aaaaaa.txt", "a\\aaaa.txt"],
    ["a control character", "aaaaaa.txt", "aaa\naa.txt"],
  ])("%s in a zip file and in a tar file", async (fault, from, to) => {
    const zip = readFileSync(await writeZip(at("x.zip"), { [from]: "content" }));
    writeFileSync(at("x.zip"), renameBytes(zip, from, to));
    const error = { code: "Data", message: expect.stringContaining(fault) };
    await expect(read([at("x.zip")])).rejects.toMatchObject(error);
    await expect(read([await writeTar(at("x.tar.gz"), [{ name: to, content: "c" }])])).rejects.toMatchObject(error);
  });

  test("links in zip and tar files", async () => {
    const linked = { code: "Data", message: expect.stringContaining("(a link)") };
    for (const type of ["symlink", "link"] as const) {
      const path = await writeTar(at("x.tar"), [{ name: "link", type, linkname: "/etc/passwd" }]);
      await expect(read([path])).rejects.toMatchObject(linked);
    }
    const zip = readFileSync(await writeZip(at("x.zip"), { link: "/etc/passwd" }));
    // The mode stands in the high half of the directory's external attributes.
    const mode = zip.indexOf("PK\u0001\u0002", 0, "latin1") + 40;
    zip.writeUInt16LE(0o120777, mode);
    writeFileSync(at("x.zip"), zip);
    await expect(read([at("x.zip")])).rejects.toMatchObject(linked);
  });

  test("devices in a tar file", async () => {
    const path = await writeTar(at("x.tar"), [{ name: "dev", type: "character-device" }]);
    await expect(read([path])).rejects.toThrow(/character-device/);
  });

  test.each(["x.zip", "x.tar", "x.tar.gz"])("a truncated %s", async (name) => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)).toString("latin1");
    if (name.endsWith("zip")) await writeZip(at(name), { "1.txt": content, "2.txt": content });
    else await writeTar(at(name), [{ name: "1.txt", content }]);
    const whole = readFileSync(at(name));
    writeFileSync(at(name), whole.subarray(0, name.endsWith("tar") ? 3000 : whole.length - 40));
    await expect(read([at(name)])).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(/download/) });
  });

  test("a file whose checksum is not its own", async () => {
    const zip = readFileSync(await writeZip(at("x.zip"), { "1.txt": "" }));
    const central = zip.indexOf("PK\u0001\u0002", 0, "latin1");
    zip.writeUInt32LE(0x12345678, central + 16);
    writeFileSync(at("x.zip"), zip);
    await expect(read([at("x.zip")])).rejects.toThrow(/x\.zip: 1\.txt: expected checksum 12345678/);
  });

  test("encrypted files and unknown compression methods", async () => {
    const zip = readFileSync(await writeZip(at("x.zip"), { "1.txt": "text" }));
    const central = zip.indexOf("PK\u0001\u0002", 0, "latin1");
    const encrypted = Buffer.from(zip);
    encrypted.writeUInt16LE(1, central + 8);
    writeFileSync(at("x.zip"), encrypted);
    await expect(read([at("x.zip")])).rejects.toThrow(/encrypted file \(1\.txt\).*password/);
    const deflate64 = Buffer.from(zip);
    deflate64.writeUInt16LE(9, central + 10);
    writeFileSync(at("x.zip"), deflate64);
    await expect(read([at("x.zip")])).rejects.toThrow(/compression method 9/);
  });

  test("more than the limits allow: entries, bytes, all bytes, ratio", async () => {
    const path = await writeZip(at("x.zip"), { a: "x".repeat(100), b: "y".repeat(100) });
    const tar = await writeTar(at("x.tar"), [{ name: "a", content: "x".repeat(100) }, { name: "b" }]);
    for (const file of [path, tar]) {
      await expect(read([file], { ...ARCHIVE_LIMITS, entries: 1 })).rejects.toThrow(/at most 1 entries/);
      await expect(read([file], { ...ARCHIVE_LIMITS, entryBytes: 99 })).rejects.toThrow(/at most 99 bytes in a file/);
    }
    await expect(read([path], { ...ARCHIVE_LIMITS, totalBytes: 199 })).rejects.toThrow(/at most 199 bytes in all/);
    expect(await read([path], { ...ARCHIVE_LIMITS, entryBytes: 100, totalBytes: 200, entries: 2 })).toHaveLength(2);
    const zeros = "\0".repeat(2 ** 24 + 1);
    await expect(read([await writeZip(at("bomb.zip"), { zeros })])).rejects.toThrow(/at most 200 times/);
    const tgz = await writeTar(at("bomb.tgz"), [{ name: "zeros", content: `${zeros}${zeros}` }]);
    await expect(read([tgz])).rejects.toThrow(/at most 200 times/);
  });

  test("entries that share their bytes", async () => {
    const zip = readFileSync(await writeZip(at("x.zip"), { a: "", b: "" }));
    for (let entry = zip.indexOf("PK\u0001\u0002"); entry >= 0; entry = zip.indexOf("PK\u0001\u0002", entry + 1)) {
      zip.writeUInt32LE(150, entry + 20);
      zip.writeUInt32LE(150, entry + 24);
    }
    writeFileSync(at("x.zip"), zip);
    await expect(names(at("x.zip"))).rejects.toThrow(/overlap at b/);
  });

  test.each([
    ["a web page", "x.zip", "<!DOCTYPE html><html>", /a web page.*login/],
    ["a web page as a table", "x.csv", "\n<html>", /a web page/],
    ["RAR", "x.zip", "Rar!\u001a\u0007", /a RAR archive.*unpack it/],
    ["an empty file", "x.zip", "", /an empty file/],
    ["a picture", "x.zip", "\u0089PNG", /a file of another kind/],
  ])("%s, naming what it is", async (_, name, content, message) => {
    writeFileSync(at(name), content, "latin1");
    await expect(read([at(name)])).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(message) });
  });

  test("a gzipped file that is no tar file, and a path that is not there", async () => {
    const { gzipSync } = await import("node:zlib");
    writeFileSync(at("x.tar.gz"), gzipSync("just text ".repeat(100)));
    await expect(read([at("x.tar.gz")])).rejects.toMatchObject({ code: "Data" });
    await expect(read([at("absent.zip")])).rejects.toMatchObject({ code: "Data" });
  });

  test("to go on after an abort", async () => {
    const stop = AbortSignal.abort();
    await expect(read([await writeZip(at("x.zip"), CONTENT)], undefined, stop)).rejects.toMatchObject({
      code: "Interrupted",
    });
  });
});
