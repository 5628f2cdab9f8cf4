import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymiseDicom } from "../../../../src/curation/anonymise/index.ts";
import { openArchives } from "../../../../src/curation/archives/index.ts";
import { openDataset } from "../../../../src/data/dataset.ts";
import { imagesBelow } from "../../../../src/data/folders/image-files.ts";
import { factsOf } from "../../../../src/data/index/file-facts.ts";
import { readImageTable } from "../../../../src/data/layouts/table.ts";
import { decodeImage } from "../../../../src/data/pictures/decode-image.ts";
import { encodeNpy } from "../../../../src/formats/npy.ts";
import { listPictures } from "../../../../src/inference/list-pictures.ts";
import { readSafetensorsFile } from "../../../../src/interop/safetensors-file.ts";
import {
  FileTooLarge,
  openRegular,
  openRegularSync,
  readRegular,
  readStart,
} from "../../../../src/support/files/regular-file.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-regular-"));
const at = (name: string) => join(folder, name);
const windows = process.platform === "win32";
let server: Server;
beforeAll(async () => {
  writeFileSync(at("sound.npy"), encodeNpy(Uint8Array.of(1, 2, 3, 4), [2, 2], "uint8"));
  mkdirSync(at("folder.png"));
  symlinkSync(at("nowhere"), at("dangling.png"));
  if (windows) return;
  execFileSync("mkfifo", [at("pipe.png")]);
  server = createServer().listen(at("socket.png"));
  await new Promise((resolve) => server.once("listening", resolve));
});
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

const ODD: readonly [name: string, says: RegExp][] = [
  ["folder.png", /a folder/],
  ["dangling.png", /ENOENT/],
  ["absent.png", /ENOENT/],
  ["pipe.png", /a named pipe/],
  ["socket.png", /a socket/],
];

describe.skipIf(windows)(`what is no regular file${windows ? " SKIPPED: this system has no pipes" : ""}`, () => {
  test.each([...ODD, ["/dev/zero", /a device/] as const])(
    "%s is refused by whatever opens files",
    async (name, says) => {
      const path = name.startsWith("/") ? name : at(name);
      expect(() => openRegularSync(path)).toThrow(says);
      await expect(openRegular(path)).rejects.toThrow(says);
      await expect(readRegular(path, 100)).rejects.toThrow(says);
      await expect(readStart(path, 100)).rejects.toThrow(says);
      const data = { code: "Data", parts: { where: path, got: expect.stringMatching(says) } };
      await expect(decodeImage(path)).rejects.toMatchObject(data);
      await expect(readImageTable(path, {}, "data")).rejects.toMatchObject(data);
      await expect(readSafetensorsFile(path)).rejects.toMatchObject({ ...data, code: "Checkpoint" });
      if (name === "folder.png") return;
      await expect(openArchives([path])).rejects.toMatchObject({ code: "Data", message: expect.stringMatching(says) });
      const anonymised = anonymiseDicom({ inputs: [path], outputDir: at("anonymous") });
      await expect(anonymised).rejects.toMatchObject({ code: "Data" });
      expect(await listPictures([path], { slices: "all", sliceAxis: "axial" })).toEqual([{ path }]);
    },
  );

  test("files of the system that have no size count as empty", async () => {
    if (!existsSync("/proc/self/status")) return;
    expect(await readRegular("/proc/self/status", 100)).toHaveLength(0);
    await expect(factsOf("/proc/self/maps")).resolves.toMatchObject({ counts: [0, 0, 0] });
  });
});

describe("readRegular", () => {
  test("gives the bytes of files read at once and in pieces", async () => {
    for (const size of [0, 5, 2 ** 20, 2 ** 20 + 1]) {
      const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, i) => i % 251));
      writeFileSync(at("bytes"), bytes);
      expect((await readRegular(at("bytes"), size)).equals(bytes)).toBe(true);
      expect((await readStart(at("bytes"), 3)).equals(bytes.subarray(0, 3))).toBe(true);
      await expect(readRegular(at("bytes"), size - 1)).rejects.toThrow(FileTooLarge);
    }
  });

  test.each([
    ["shorter", () => truncateSync(at("changing"), 10), /got shorter|changed while it was read/],
    ["longer", () => appendFileSync(at("changing"), "more"), /changed while it was read/],
  ])("a file that gets %s while it is read is no file to go by", async (_, change, says) => {
    writeFileSync(at("changing"), Buffer.alloc(2 ** 22));
    const reading = readRegular(at("changing"), 2 ** 30);
    // The file is open by now, and its size is known; what is left happens in another thread.
    change();
    await expect(reading).rejects.toThrow(says);
  });
});

describe("folders with links", () => {
  const root = at("set");
  beforeAll(() => {
    for (const name of ["A", "B"]) {
      mkdirSync(join(root, name), { recursive: true });
      writeFileSync(join(root, name, "1.npy"), encodeNpy(Uint8Array.of(1, 2, 3, 4), [2, 2], "uint8"));
      writeFileSync(join(root, name, "2.npy"), encodeNpy(Uint8Array.of(1, 2, 3, 5), [2, 2], "uint8"));
    }
    symlinkSync(root, join(root, "A/up"));
    symlinkSync(join(root, "A"), join(root, "A/same"));
    symlinkSync(join(root, "B"), join(root, "A/other"));
    symlinkSync(join(root, "A"), join(root, "B/back"));
    symlinkSync("circle", join(root, "B/circle"));
  });

  test("a link to a folder above is followed once, a link in a circle never", async () => {
    const { paths } = await imagesBelow(join(root, "A"));
    const names = paths.map((path) => path.slice(root.length + 1));
    // By way of the root, A is above itself; B stands there beside its link.
    expect(names).toEqual(["A/1.npy", "A/2.npy", "A/other/1.npy", "A/other/2.npy", "A/up/B/1.npy", "A/up/B/2.npy"]);
  });

  test("data sets, predict and anonymise end", async () => {
    const dataset = await openDataset(root, { seed: 0 });
    expect(dataset.classNames).toEqual(["A", "B"]);
    const pictures = await listPictures([root], { slices: "all", sliceAxis: "axial" });
    expect(new Set(pictures.map(({ path }) => path)).size).toBe(pictures.length);
    const anonymised = anonymiseDicom({ inputs: [root], outputDir: at("anonymous") });
    await expect(anonymised).rejects.toMatchObject({
      code: "Data",
      message: expect.stringContaining("unreadable ones"),
    });
  });

  test("links that multiply are an error, not ten thousand million folders", async () => {
    const tower = at("tower");
    mkdirSync(join(tower, "0"), { recursive: true });
    for (let level = 0; level < 32; level++) {
      mkdirSync(join(tower, `${level + 1}`));
      for (const name of ["a", "b"]) symlinkSync(join(tower, `${level + 1}`), join(tower, `${level}`, name));
    }
    await expect(imagesBelow(join(tower, "0"))).rejects.toMatchObject({
      code: "Data",
      parts: { expected: "links that lead to a folder at most 64 times" },
    });
  });

  test("of what is no file, names of images are kept for their error and others passed over", async () => {
    if (windows) return;
    const mixed = at("mixed");
    mkdirSync(mixed);
    for (const name of ["a.png", "b"]) execFileSync("mkfifo", [join(mixed, name)]);
    symlinkSync(at("nowhere"), join(mixed, "c.png"));
    symlinkSync(at("nowhere"), join(mixed, "d"));
    expect(await imagesBelow(mixed)).toEqual({
      paths: [join(mixed, "a.png"), join(mixed, "c.png")],
      unknown: [],
      ignored: 2,
    });
  });
});
