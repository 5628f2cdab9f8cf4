import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { drawings, outputNames } from "../../../src/inference/output-names.ts";

const refs = (...paths: string[]) => paths.map((path) => ({ path }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msmae-names-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("outputs bear their input's name; inputs of one name get numbers, in order", async () => {
  const out = join(folder, "deep", "out");
  const paths = await outputNames(refs("x/scan.png", "y/scan.jpg", "scan-2.png", "z/SCAN"), out, [".a", ".b"]);
  const names = ["scan", "scan-2", "scan-2-2", "SCAN-3"];
  expect(paths).toEqual(names.map((name) => [`${name}.a`, `${name}.b`]));
});

test("a slice's number stands in the name, and .nii.gz counts as one extension", async () => {
  const inputs = [{ path: "a/ct.nii.gz", item: 3 }, { path: "a/ct.nii.gz", item: 12 }, { path: "a/ct.dcm" }];
  const paths = await outputNames(inputs, folder, ["-map.png"]);
  const names = ["ct-slice-3", "ct-slice-12", "ct"];
  expect(paths).toEqual(names.map((name) => [`${name}-map.png`]));
});

test("an output never is an input, also when the folder is reached through a link", async () => {
  mkdirSync(join(folder, "images"));
  writeFileSync(join(folder, "images", "scan-map.png"), "");
  symlinkSync(join(folder, "images"), join(folder, "link"));
  const inputs = refs(join(folder, "images", "scan.png"), join(folder, "images", "scan-map.png"));
  const paths = await outputNames(inputs, join(folder, "link"), ["-map.png"]);
  expect(paths).toEqual([["scan-2-map.png"], ["scan-map-map.png"]]);
});

test("what an earlier run left does not count", async () => {
  writeFileSync(join(folder, "scan-map.png"), "");
  expect(await outputNames(refs("scan.png"), folder, ["-map.png"])).toEqual([["scan-map.png"]]);
});

test("drawings of an earlier run are told by their names, but never one that is to be drawn of itself", async () => {
  mkdirSync(join(folder, "images"));
  for (const name of ["a-map.png", "images/b-map.png", "notes.txt"]) writeFileSync(join(folder, name), "");
  const earlier = (where: string, ...files: string[]) =>
    drawings("maps", /-map\.png$/, files).earlier(join(folder, where));
  expect(await earlier(".", "scan.png")).toEqual(["a-map.png"]);
  expect(await earlier(".", join(folder, "a-map.png"))).toEqual([]);
  expect(await earlier("images", "scan.png")).toEqual(["b-map.png"]);
  expect(await earlier("images", join(folder, "images"))).toEqual([]);
});
