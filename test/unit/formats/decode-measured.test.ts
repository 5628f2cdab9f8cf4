import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";
import type { SliceAxis } from "../../../src/formats/source-image.ts";

interface Entry {
  file: string;
  shape: number[];
  dtype: string;
  sha256: string;
  orientation?: string;
  slices?: Record<string, { shape: number[]; sha256?: string; sum?: number }>;
}

// Files of invented values by tifffile, NumPy and nibabel; written by bench/peers/image_files.py.
const entries: Record<string, Entry> = JSON.parse(
  readFileSync(new URL("./fixtures/measured-files.json", import.meta.url), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "msmae-measured-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const sha256 = (values: ArrayBufferView) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");

describe("files of measured values", () => {
  test.each(Object.entries(entries))("%s gives the array that its Python reader gives", async (name, entry) => {
    const file = await openImageFile(write(name, Buffer.from(entry.file, "base64")));
    const { shape, dtype, data } = await file.array();
    const { shape: expectedShape, dtype: expectedType, sha256: expectedHash } = entry;
    expect({ shape, dtype, sha256: sha256(data) }).toEqual({
      shape: expectedShape,
      dtype: expectedType,
      sha256: expectedHash,
    });
    if (entry.orientation) expect(file.header.orientation).toBe(entry.orientation);
    for (const [key, slice] of Object.entries(entry.slices ?? {})) {
      const [axis, index] = key.split(" ") as [SliceAxis, string];
      const { height, width, channels, values } = await file.read(Number(index), axis);
      expect([height, width, ...(channels === 3 ? [3] : [])], key).toEqual(slice.shape);
      if (slice.sha256) expect(sha256(Float64Array.from(values)), key).toBe(slice.sha256);
      else
        expect(
          Float64Array.from(values).reduce((sum, value) => sum + value, 0) / (slice.sum as number),
          key,
        ).toBeCloseTo(1, 10);
    }
  });

  test("a NIfTI file packed with gzip gives what it gives unpacked", async () => {
    const { file, sha256: expected } = entries["big-f8.nii"] as Entry;
    const packed = await openImageFile(write("packed.nii.gz", gzipSync(Buffer.from(file, "base64"))));
    expect(sha256((await packed.array()).data)).toBe(expected);
  });

  test("a NIfTI header finds its voxels in the .img file beside it, and says so where there is none", async () => {
    const { file, sha256: expected } = entries["scaled-i2.nii"] as Entry;
    const single = Buffer.from(file, "base64");
    const header = Buffer.from(single.subarray(0, 352));
    header.write("ni1\0", 344, "latin1");
    header.writeFloatLE(0, 108);
    const path = write("pair.hdr", header);
    await expect(openImageFile(path)).rejects.toMatchObject({
      code: "Data",
      message: expect.stringMatching(/pair\.hdr.*no pair\.img beside it/),
    });
    write("pair.img", single.subarray(352));
    expect(sha256((await (await openImageFile(path)).array()).data)).toBe(expected);
  });

  test("pages of a TIFF are pictures in their order", async () => {
    const file = await openImageFile(
      write("pages.tif", Buffer.from((entries["pages-i2.tif"] as Entry).file, "base64")),
    );
    const { data } = await file.array();
    expect(file.count("axial")).toBe(3);
    expect([...(await file.read(2, "axial")).values]).toEqual([...data].slice(2 * 35));
  });
});
