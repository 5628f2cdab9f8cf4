import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { outputPaths } from "../../../src/inference/output-names.ts";

const refs = (...paths: string[]) => paths.map((path) => ({ path }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-names-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("outputs bear their input's name; inputs of one name get numbers, in order", async () => {
  const out = join(folder, "deep", "out");
  const paths = await outputPaths(refs("x/scan.png", "y/scan.jpg", "scan-2.png", "z/SCAN"), out, [".a", ".b"]);
  const names = ["scan", "scan-2", "scan-2-2", "SCAN-3"];
  expect(paths).toEqual(names.map((name) => [join(out, `${name}.a`), join(out, `${name}.b`)]));
  expect(existsSync(out)).toBe(true);
});

test("a slice's number stands in the name, and .nii.gz counts as one extension", async () => {
  const inputs = [{ path: "a/ct.nii.gz", item: 3 }, { path: "a/ct.nii.gz", item: 12 }, { path: "a/ct.dcm" }];
  const paths = await outputPaths(inputs, folder, ["-map.png"]);
  const names = ["ct-slice-3", "ct-slice-12", "ct"];
  expect(paths).toEqual(names.map((name) => [join(folder, `${name}-map.png`)]));
});

test("an output never is an input, also when the folder is reached through a link", async () => {
  mkdirSync(join(folder, "images"));
  writeFileSync(join(folder, "images", "scan-map.png"), "");
  symlinkSync(join(folder, "images"), join(folder, "link"));
  const inputs = refs(join(folder, "images", "scan.png"), join(folder, "images", "scan-map.png"));
  const paths = await outputPaths(inputs, join(folder, "link"), ["-map.png"]);
  expect(paths).toEqual([[join(folder, "link", "scan-2-map.png")], [join(folder, "link", "scan-map-map.png")]]);
});

test("what an earlier run left does not count", async () => {
  writeFileSync(join(folder, "scan-map.png"), "");
  expect(await outputPaths(refs("scan.png"), folder, ["-map.png"])).toEqual([[join(folder, "scan-map.png")]]);
});

test("an output folder that is a file is refused by name", async () => {
  const path = join(folder, "file");
  writeFileSync(path, "");
  await expect(outputPaths(refs("scan.png"), join(path, "out"), [".a"])).rejects.toMatchObject({ code: "Data" });
});
