import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../../src/data/dataset.ts";
import { labelAreasOf } from "../../../../src/data/index/label-areas.ts";
import { gridOf, openMask } from "../../../../src/data/index/mask-file.ts";
import { openImageFile } from "../../../../src/formats/node/open-image-file.ts";
import type { SliceAxis } from "../../../../src/formats/source-image.ts";
import { type BuiltElement, buildDicom, greyImage } from "../../formats/dicom/dicom-builder.ts";
import { allStorages, type MadeNifti, makeNifti, type Storage, storeAs } from "../../formats/nifti/made.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-space-"));
afterAll(() => rmSync(folder, { recursive: true }));
function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const SIZE = [3, 4, 5] as const;
const valueAt = (x: number, y: number, z: number) => 1 + x + 3 * y + 12 * z;
// Turned by more than half a right angle's half and of unequal voxels, so that no axis is exactly the body's.
const WORLD = [
  [1.7, -0.9, 0.2, -40],
  [0.9, 1.6, -0.3, 12],
  [0.1, 0.3, 2.9, -7],
] as const;
const RAS: Storage = { axes: [0, 1, 2], flips: [false, false, false] };
const made = (storage: Storage, world: readonly (readonly number[])[] = WORLD): MadeNifti =>
  storeAs(storage, SIZE, valueAt, world);
const AXES: readonly SliceAxis[] = ["axial", "coronal", "sagittal"];

/** Every picture along every axis. */
async function pictures(file: Awaited<ReturnType<typeof openImageFile>>) {
  const all = AXES.map(async (axis) => {
    const own = Array.from({ length: file.count(axis) }, (_, k) => file.read(k, axis));
    return (await Promise.all(own)).map(({ width, height, values }) => ({ width, height, values: [...values] }));
  });
  return Promise.all(all);
}
const together = async (image: string, mask: string) => pictures(await openMask(mask, await gridOf(image)));

describe("a mask lies on its image, pixel on pixel", () => {
  const reference = write("ras.nii", makeNifti(made(RAS)));

  test("for all 48 ways to store it", async () => {
    const expected = await pictures(await openImageFile(reference));
    for (const [k, storage] of allStorages().entries()) {
      expect(await together(reference, write(`mask-${k}.nii`, makeNifti(made(storage))))).toEqual(expected);
    }
  });

  test("for all 48 ways to store its image", async () => {
    for (const [k, storage] of allStorages().entries()) {
      const image = write(`image-${k}.nii`, makeNifti(made(storage)));
      expect(await together(image, reference)).toEqual(await pictures(await openImageFile(image)));
    }
  });

  test("where axes lie between two directions of the body, and headers round differently", async () => {
    const angle = Math.PI / 4;
    const turned = (more: number) => [
      [Math.cos(angle + more), -Math.sin(angle + more), 0, 0],
      [Math.sin(angle + more), Math.cos(angle + more), 0, 0],
      [0, 0, 1, 0],
    ];
    const image = write("turned.nii", makeNifti(made(RAS, turned(1e-6))));
    const mask = write("turned-mask.nii", makeNifti(made(RAS, turned(-1e-6))));
    expect(await together(image, mask)).toEqual(await pictures(await openImageFile(image)));
  });

  test("where the mask's header tells no places, by the order of voxels", async () => {
    const { affine: _, ...without } = made(RAS);
    const mask = write("placeless.nii", makeNifti(without));
    expect(await together(reference, mask)).toEqual(await pictures(await openImageFile(reference)));
  });

  test("where the mask covers more than the image", async () => {
    const wider = storeAs(
      { axes: [1, 2, 0], flips: [true, false, true] },
      [5, 6, 7],
      (x, y, z) => {
        const inside = x >= 1 && x < 4 && y >= 1 && y < 5 && z >= 1 && z < 6;
        return inside ? valueAt(x - 1, y - 1, z - 1) : 0;
      },
      WORLD.map(([a, b, c, d]) => [a, b, c, d - a - b - c]),
    );
    const mask = write("wider.nii", makeNifti(wider));
    expect(await together(reference, mask)).toEqual(await pictures(await openImageFile(reference)));
  });

  const shifted = (by: number) => WORLD.map(([a, b, c, d]) => [a, b, c, d + by * a]);
  test("up to a quarter of a voxel, and not beyond", async () => {
    await together(reference, write("near.nii", makeNifti(made(RAS, shifted(0.2)))));
    const far = write("far.nii", makeNifti(made(RAS, shifted(0.45))));
    await expect(together(reference, far)).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/far\.nii.*3×4×5.*quarter of a voxel.*0\.45 voxels off/),
    });
  });

  test.each<[string, MadeNifti, RegExp]>([
    ["a whole voxel off", made(RAS, shifted(1)), /do not cover/],
    [
      "of other voxels",
      made(
        RAS,
        WORLD.map((row) => row.map((value, k) => (k === 2 ? value * 1.3 : value))),
      ),
      /voxels off/,
    ],
    ["of fewer slices", { ...made(RAS), shape: [3, 4, 4] }, /3×4×4 voxels that do not cover the 3×4×5/],
    ["of other axes without places", { shape: [4, 3, 5], voxels: new Uint8Array(60) }, /without a common place/],
  ])("%s is refused", async (name, mask, message) => {
    const path = write(`${name.replaceAll(" ", "-")}.nii`, makeNifti(mask));
    await expect(together(reference, path)).rejects.toThrow(message);
  });
});

describe("a mask of a DICOM image", () => {
  const plane = (position: number[], directions: number[]): BuiltElement[] => [
    [0x00200032, "DS", position.join("\\")],
    [0x00200037, "DS", directions.join("\\")],
    [0x00280030, "DS", "2\\3"],
  ];
  // Rows lead to the left and columns to the back, as in DICOM's axes.
  const UPRIGHT = [1, 0, 0, 0, 1, 0];
  const dicom = (frames: number, elements: BuiltElement[], rows = 4, columns = 3) => {
    const keyed = Object.fromEntries(
      [[0x00280008, "IS", `${frames}`] as BuiltElement, ...elements].map((e) => [e[0], e]),
    );
    const pixels = new Uint8Array(rows * columns * frames);
    return buildDicom(greyImage(rows, columns, [0x7fe00010, "OB", pixels], keyed));
  };
  // Right, front, top in steps of 3, 2 and 5 mm; the highest x is the patient's right, DICOM's lowest.
  const mask = write(
    "body.nii",
    makeNifti(
      storeAs({ axes: [2, 0, 1], flips: [true, true, false] }, SIZE, valueAt, [
        [3, 0, 0, 10],
        [0, 2, 0, 20],
        [0, 0, 5, 30],
      ]),
    ),
  );
  const expectedFrame = (z: number) =>
    Array.from({ length: 12 }, (_, at) => valueAt(2 - (at % 3), 3 - Math.floor(at / 3), z));
  const origin = (z: number) => [-16, -26, 30 + 5 * z];

  test("of one frame is the slice of the body that it shows", async () => {
    const image = write("slice.dcm", dicom(1, plane(origin(3), UPRIGHT)));
    const file = await openMask(mask, await gridOf(image));
    expect([file.count("axial"), file.count("sagittal")]).toEqual([1, 1]);
    expect([...(await file.read(0, "coronal")).values]).toEqual(expectedFrame(3));
  });

  test("of frames from the top down follows them", async () => {
    const items = [4, 3, 2].map(
      (z) => [[0x00209113, "SQ", [[[0x00200032, "DS", origin(z).join("\\")]]]]] as BuiltElement[],
    );
    const shared: BuiltElement[] = [
      [0x00209116, "SQ", [[[0x00200037, "DS", UPRIGHT.join("\\")]]]],
      [0x00289110, "SQ", [[[0x00280030, "DS", "2\\3"]]]],
    ];
    const image = write(
      "frames.dcm",
      dicom(3, [
        [0x52009229, "SQ", [shared]],
        [0x52009230, "SQ", items],
      ]),
    );
    const file = await openMask(mask, await gridOf(image));
    expect(file.count("coronal")).toBe(3);
    for (const [frame, z] of [4, 3, 2].entries()) {
      expect([...(await file.read(frame, "axial")).values]).toEqual(expectedFrame(z));
    }
  });

  test("that lies between two slices is refused, and one without a place is left as it is", async () => {
    const between = write("between.dcm", dicom(1, plane(origin(1.5), UPRIGHT)));
    await expect(gridOf(between).then((grid) => openMask(mask, grid))).rejects.toThrow(/voxels off/);
    expect(await gridOf(write("nowhere.dcm", dicom(1, [])))).toBeUndefined();
  });
});

test("a data set's slices have the class of what the mask shows there, and misfits are left out by name", async () => {
  const root = join(folder, "msd");
  for (const name of ["imagesTr", "labelsTr"]) mkdirSync(join(root, name), { recursive: true });
  const LAS: Storage = { axes: [0, 1, 2], flips: [true, false, true] };
  // One voxel of class 1, on the patient's right, at the lowest slice.
  const label = (x: number, _: number, z: number) => Number(x === 2 && z === 0);
  writeFileSync(join(root, "imagesTr", "a.nii"), makeNifti(made(LAS)));
  writeFileSync(join(root, "labelsTr", "a.nii"), makeNifti(storeAs(RAS, SIZE, label, WORLD)));
  writeFileSync(join(root, "imagesTr", "b.nii"), makeNifti(made(RAS)));
  const elsewhere = WORLD.map((row) => row.map((value, k) => (k === 3 ? value + 50 : value)));
  writeFileSync(join(root, "labelsTr", "b.nii"), makeNifti(storeAs(RAS, SIZE, label, elsewhere)));
  const training = ["a", "b"].map((name) => ({ image: `imagesTr/${name}.nii`, label: `labelsTr/${name}.nii` }));
  writeFileSync(join(root, "dataset.json"), JSON.stringify({ labels: { 0: "none", 1: "lesion" }, training }));
  const { splits, leftOut } = await openDataset(root, {
    seed: 1,
    valSplit: 0,
    testSplit: 0,
    cacheDir: join(folder, "cache"),
  });
  expect(splits.train.map(({ label }) => label)).toEqual([1, 0, 0, 0, 0]);
  expect(leftOut).toMatchObject([{ reason: expect.stringContaining("quarter of a voxel") }]);
});

test("areas of a mask without places follow its image's sagittal slices, not its own default", async () => {
  const image = write("right.nii", makeNifti(made(RAS)));
  const { affine: _, ...placeless } = storeAs(RAS, SIZE, (x) => Number(x === 0), WORLD);
  const left = write("left.nii", makeNifti(placeless));
  const areas = await labelAreasOf({ path: left, kind: "labels" }, "sagittal", await gridOf(image));
  expect(areas.map((area) => area.get(1) ?? 0)).toEqual([20, 0, 0]);
});
