import { expect, test } from "vitest";
import { readNiftiHeader } from "../../../../src/formats/nifti/header.ts";
import { niftiFile } from "../volume-files.ts";

test("an axis of size 0 beyond the slices has one volume; before, there are no voxels", () => {
  expect(readNiftiHeader(niftiFile([5, 6, 4, 0], new Uint8Array(120))).shape).toEqual([5, 6, 4, 1]);
  expect(() => readNiftiHeader(niftiFile([5, 6, 0], new Uint8Array(120)))).toThrow(/5×6×0 voxels/);
});
