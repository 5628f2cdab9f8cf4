import { describe, expect, test } from "vitest";
import { readNiftiHeader } from "../../../../src/formats/nifti/header.ts";
import { NiftiLabels } from "../../../../src/formats/nifti/label-volume.ts";
import { Planes } from "../../../../src/formats/nifti/planes.ts";
import {
  gzip,
  type ImageFile,
  type LabelVolume,
  openImageBytes,
  type SliceAxis,
} from "../../../../src/formats/node/index.ts";
import { allStorages, makeNifti, type Storage, storeAs } from "./made.ts";

const SIZE = [4, 5, 3] as const;
/** Oblique, with voxels of three sizes. */
const WORLD = [
  [0.9, 0.1, 0, -30],
  [-0.12, 1.4, 0.2, 12.5],
  [0.05, -0.1, 3.1, 7],
];
const AXES = ["axial", "coronal", "sagittal"] as const;

async function imageStoredAs(storage: Storage): Promise<{ bytes: Uint8Array; file: ImageFile }> {
  const bytes = makeNifti(storeAs(storage, SIZE, (x, y, z) => 1 + x + 4 * (y + 5 * z), WORLD));
  return { bytes, file: await openImageBytes(bytes.slice()) };
}

/** Labels every picture along an axis with the picture's own values, whatever they are. */
async function labelled(file: ImageFile, axis: SliceAxis): Promise<LabelVolume> {
  const labels = file.labelVolume?.() as LabelVolume;
  for (let index = 0; index < file.count(axis); index++) {
    labels.put(index, axis, Uint8Array.from((await file.read(index, axis)).values));
  }
  return labels;
}

describe.each(AXES)("labels of %s pictures", (axis) => {
  test("lie on their image's voxels, however it is stored", async () => {
    for (const storage of allStorages()) {
      const { bytes, file } = await imageStoredAs(storage);
      const written = (await labelled(file, axis)).encode();
      expect(written.subarray(352)).toEqual(bytes.subarray(352));
      const [from, to] = [readNiftiHeader(bytes), readNiftiHeader(written)];
      expect(to).toMatchObject({ shape: from.shape, srow: from.srow, sformCode: 1, qformCode: 0, pixdim: from.pixdim });
      expect(to).toMatchObject({
        intentCode: 1002,
        scaling: undefined,
        type: { dtype: "uint8" },
        version: 1,
        pair: false,
      });
    }
  });

  test("show the same pictures as the image when they are opened", async () => {
    const { file } = await imageStoredAs(allStorages()[29] as Storage);
    const packed = await gzip((await labelled(file, axis)).encode());
    expect([...packed.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    const again = await openImageBytes(packed);
    for (let index = 0; index < file.count(axis); index++) {
      const [image, label] = [await file.read(index, axis), await again.read(index, axis)];
      expect(label.values).toEqual(image.values);
      expect(label.spacing).toEqual(image.spacing);
    }
  });
});

test("pictures that nobody labelled have label 0", async () => {
  const { file } = await imageStoredAs(allStorages()[0] as Storage);
  const labels = file.labelVolume?.() as LabelVolume;
  labels.put(1, "axial", new Uint8Array(20).fill(3));
  const planes = [...labels.encode().subarray(352)];
  expect(planes).toEqual([...new Array(20).fill(0), ...new Array(20).fill(3), ...new Array(20).fill(0)]);
});

test("later volumes have labels of their own", async () => {
  const voxels = Uint8Array.from({ length: 48 }, (_, at) => at);
  const file = await openImageBytes(makeNifti({ shape: [2, 3, 4, 2], affine: WORLD, voxels }));
  const written = (await labelled(file, "coronal")).encode();
  expect(written.subarray(352)).toEqual(voxels);
  expect(readNiftiHeader(written).shape).toEqual([2, 3, 4, 2]);
});

test("a qform, its handedness, the unit and the place are kept", async () => {
  const bytes = makeNifti({ shape: SIZE, voxels: new Uint8Array(60) });
  const view = new DataView(bytes.buffer);
  [-1, 0.5, 0.75, 2].forEach((value, at) => {
    view.setFloat32(76 + 4 * at, value, true);
  });
  view.setUint8(123, 3);
  view.setInt16(252, 2, true);
  [0.1, -0.2, 0.3, 5, -6, 7].forEach((value, at) => {
    view.setFloat32(256 + 4 * at, value, true);
  });
  const file = await openImageBytes(bytes.slice());
  const written = (await labelled(file, "axial")).encode();
  const { qformCode, quaternion, qoffset, pixdim, spatialUnit } = readNiftiHeader(bytes);
  expect(readNiftiHeader(written)).toMatchObject({ qformCode, quaternion, qoffset, pixdim, spatialUnit, sformCode: 0 });
  expect(qformCode).toBe(2);
  expect(spatialUnit).toBe("um");
});

test("labels of another size, and of pictures that are not there, are refused", async () => {
  const { file } = await imageStoredAs(allStorages()[0] as Storage);
  const labels = file.labelVolume?.() as LabelVolume;
  const message = /label volume: expected 20 labels of a picture from 0 to 2, got/;
  expect(() => labels.put(0, "axial", new Uint8Array(19))).toThrow(message);
  expect(() => labels.put(3, "axial", new Uint8Array(20))).toThrow(message);
  expect(() => labels.put(-1, "axial", new Uint8Array(20))).toThrow(message);
});

test("an axis that NIfTI-1 cannot tell is refused before any memory is taken", () => {
  const header = {
    ...readNiftiHeader(makeNifti({ shape: [1, 1, 1], voxels: new Uint8Array(1) })),
    shape: [40000, 9, 9],
  };
  const planes = new Planes([40000, 9, 9], { axes: [0, 1, 2], flipped: [false, false, false] });
  expect(() => new NiftiLabels(header, planes)).toThrow(/at most 32767 voxels along an axis.*40000×9×9/);
});
