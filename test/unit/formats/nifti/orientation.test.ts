import { describe, expect, test } from "vitest";
import { axisCodes, closestOrientation } from "../../../../src/formats/nifti/orientation.ts";
import { Planes } from "../../../../src/formats/nifti/planes.ts";

type Matrix = Parameters<typeof closestOrientation>[0];

describe("closestOrientation", () => {
  test.each<[string, Matrix]>([
    [
      "RAS",
      [
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 3],
      ],
    ],
    [
      "LPS",
      [
        [-2, 0, 0],
        [0, -2, 0],
        [0, 0, 3],
      ],
    ],
    [
      "PIR",
      [
        [0, 0, 4],
        [-1, 0, 0],
        [0, -1, 0],
      ],
    ],
    // Turned by a little less than half a right angle, with unequal voxels.
    [
      "RAS",
      [
        [0.8, -6, 0],
        [0.6, 8, 0],
        [0, 0, 1],
      ],
    ],
    // Two axes lean to the same direction: the stronger takes it.
    [
      "SRA",
      [
        [0.1, 1, 0],
        [0.2, 0, 1],
        [1, 0.3, 0.9],
      ],
    ],
  ])("%s", (codes, matrix) => {
    expect(axisCodes(closestOrientation(matrix))).toBe(codes);
  });

  test.each<[string, Matrix]>([
    [
      "no number",
      [
        [Number.NaN, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    ],
    [
      "nothing but zeros",
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ],
  ])("a matrix of %s leaves the axes as they are", (_, matrix) => {
    expect(axisCodes(closestOrientation(matrix))).toBe("RAS");
  });

  test("an axis that points nowhere takes the direction that is left", () => {
    expect(
      axisCodes(
        closestOrientation([
          [0, -1, 0],
          [0, 0, 0],
          [1, 0, 0],
        ]),
      ),
    ).toBe("SLA");
  });
});

describe("Planes", () => {
  test("a volume of one single slice has that picture along every axis", () => {
    // Stored axes lead to the left, downwards and to the back: a coronal picture.
    const planes = new Planes([7, 5, 1], { axes: [0, 2, 1], flipped: [true, true, true] });
    for (const axis of ["axial", "coronal", "sagittal"] as const) {
      expect(planes.count(axis)).toBe(1);
      expect(planes.at(axis, 0)).toEqual({ start: 0, rows: 5, rowStep: 7, columns: 7, columnStep: 1 });
    }
  });

  test("pictures have the patient's right and front first, and superior at the top", () => {
    const planes = new Planes([2, 3, 4], { axes: [0, 1, 2], flipped: [false, false, false] });
    expect(planes.at("axial", 1)).toEqual({ start: 6 + 4 + 1, rows: 3, rowStep: -2, columns: 2, columnStep: -1 });
    expect(planes.at("coronal", 1)).toEqual({ start: 2 + 18 + 1, rows: 4, rowStep: -6, columns: 2, columnStep: -1 });
    expect(planes.at("sagittal", 1)).toEqual({ start: 1 + 18 + 4, rows: 4, rowStep: -6, columns: 3, columnStep: -2 });
    expect([planes.pixels("axial"), planes.pixels("coronal"), planes.pixels("sagittal")]).toEqual([6, 8, 12]);
  });
});
