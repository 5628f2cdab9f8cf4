import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/formats/limits.ts";
import { openDicom } from "../../../src/formats/node/dicom.ts";
import { openImageBytes } from "../../../src/formats/node/index.ts";
import { type BuiltElement, buildDicom, greyImage } from "./dicom/dicom-builder.ts";
import { makeNifti } from "./nifti/made.ts";

const SHAPE = [4, 5, 3] as const;
const voxels = new Uint8Array(60);
const AXES = ["axial", "coronal", "sagittal"] as const;

async function spacings(bytes: Uint8Array) {
  const file = await openImageBytes(bytes);
  return Promise.all(AXES.map(async (axis) => (await file.read(0, axis)).spacing));
}

describe("the pixels of a volume's slices", () => {
  test("are as large as its voxels in the plane of the cut, rows first", async () => {
    // Stored front, top, right: 2 mm, 3 mm and, along an oblique axis, 5 mm.
    const affine = [
      [0, 0, 4, 0],
      [2, 0, 3, 0],
      [0, 3, 0, 0],
    ];
    const [axial, coronal, sagittal] = await spacings(makeNifti({ shape: SHAPE, affine, voxels }));
    expect(axial).toEqual([2, 5]);
    expect(coronal).toEqual([3, 5]);
    expect(sagittal).toEqual([3, 2]);
  });

  test("without a place in the body, have a size where the header names its unit", async () => {
    const bytes = makeNifti({ shape: SHAPE, voxels });
    const view = new DataView(bytes.buffer);
    [0.5, 2, 0.25].forEach((size, at) => {
      view.setFloat32(80 + 4 * at, size, true);
    });
    expect(await spacings(bytes.slice())).toEqual([undefined, undefined, undefined]);
    view.setUint8(123, 1);
    expect(await spacings(bytes)).toEqual([
      [2000, 500],
      [250, 500],
      [250, 2000],
    ]);
  });
});

describe("the pixels of a DICOM file", () => {
  const pixels: BuiltElement = [0x7fe00010, "OB", Uint8Array.of(1, 2)];
  const IMAGER: BuiltElement = [0x00181164, "DS", "0.2\\0.2"];
  const open = (...elements: BuiltElement[]) => {
    const others = Object.fromEntries(elements.map((element) => [element[0], element]));
    return openDicom(buildDicom(greyImage(1, 2, pixels, others)), "built", DEFAULT_LIMITS);
  };

  test("are as large as it says of the patient, rows first, also in its header", async () => {
    const file = await open(IMAGER, [0x00280030, "DS", "0.7\\0.4"]);
    expect((await file.read(0, "axial")).spacing).toEqual([0.7, 0.4]);
    expect(file.header.spacing).toEqual([0.7, 0.4]);
  });

  test("have no size in the body where only the detector's is known", async () => {
    const file = await open(IMAGER);
    expect(await file.read(0, "axial")).not.toHaveProperty("spacing");
    expect(file.header.spacing).toEqual([0.2, 0.2]);
    expect((await open()).header.spacing).toBeNull();
  });
});
