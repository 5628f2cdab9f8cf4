import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openImageFile } from "../../../../src/formats/node/open-image-file.ts";
import type { SliceAxis } from "../../../../src/formats/source-image.ts";

interface Reference {
  shape: number[];
  dtype: string;
  sha256: string;
  orientation?: string;
  slices?: Record<string, { shape: number[]; sha256?: string; sum?: number }>;
}

// Written by bench/peers/nifti_reference.py.
const reference: { files: Record<string, Reference> } = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
);
const folder = join(process.env.MSMAE_DATA ?? "../shared/data", "nifti");
const present = existsSync(folder);
const sha256 = (values: ArrayBufferView) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");

describe.skipIf(!present)(
  `NIfTI files as nibabel reads them${present ? "" : " SKIPPED: no ../shared/data/nifti"}`,
  () => {
    test.each(Object.entries(reference.files))("%s", async (name, expected) => {
      const file = await openImageFile(join(folder, name));
      const { shape, dtype, data } = await file.array();
      expect({ shape, dtype, sha256: sha256(data) }).toEqual({
        shape: expected.shape,
        dtype: expected.dtype,
        sha256: expected.sha256,
      });
      expect(file.header.orientation).toBe(expected.orientation);
      for (const [key, slice] of Object.entries(expected.slices ?? {})) {
        const [axis, index] = key.split(" ") as [SliceAxis, string];
        const { height, width, channels, values } = await file.read(Number(index), axis);
        expect([height, width, ...(channels === 3 ? [3] : [])], key).toEqual(slice.shape);
        if (slice.sha256) expect(sha256(Float64Array.from(values)), key).toBe(slice.sha256);
        else
          expect(
            Float64Array.from(values).reduce((sum, value) => sum + value, 0) / (slice.sum as number),
            key,
          ).toBeCloseTo(1, 6);
      }
      if (!expected.slices) await expect(file.read(0, "axial")).rejects.toMatchObject({ code: "Data" });
    });
  },
);
