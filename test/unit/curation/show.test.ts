import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DataShowInput } from "../../../src/config/index.ts";
import { describeShown } from "../../../src/curation/show/describe.ts";
import { showImageFile } from "../../../src/curation/show/show.ts";
import { showWatched } from "../../../src/curation/show/show-watched.ts";
import { decodeImage } from "../../../src/data/pictures/decode-image.ts";
import { decodeNpy, encodeNpy } from "../../../src/formats/npy.ts";
import { slowVolume } from "../formats/volume-files.ts";

const entries: Record<string, { file: string; sha256: string }> = JSON.parse(
  readFileSync(new URL("../formats/fixtures/measured-files.json", import.meta.url), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "msmae-show-"));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

function fixture(name: string): string {
  const content = Buffer.from((entries[name] as { file: string }).file, "base64");
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

describe("showWatched", () => {
  test("tells and writes the same as without a thread", async () => {
    const asked = (name: string): DataShowInput => ({
      file: fixture("scaled-i2.nii"),
      array: inFolder(`${name}.npy`),
      png: inFolder(`${name}.png`),
      slice: 1,
    });
    const { array, png, ...shown } = await showWatched(asked("watched"));
    expect(shown).toEqual({ ...(await showImageFile(asked("alone"))), array: undefined, png: undefined });
    expect(readFileSync(array as string)).toEqual(readFileSync(asked("alone").array as string));
    expect(readFileSync(png as string)).toEqual(readFileSync(asked("alone").png as string));
  });

  test("errors keep their code and parts", async () => {
    const file = fixture("scaled-i2.nii");
    const parts = { where: file, got: "99" };
    await expect(showWatched({ file, slice: 99 })).rejects.toMatchObject({ code: "Data", parts });
    await expect(showWatched({ file, window: "1,2,3" })).rejects.toMatchObject({ code: "Config" });
  });

  test("a file that takes too long is given up", async () => {
    const file = inFolder("slow.nii.gz");
    writeFileSync(file, slowVolume());
    await expect(showWatched({ file }, 0.1)).rejects.toMatchObject({
      code: "Data",
      parts: { where: file, got: expect.stringContaining("no end of decoding after 0.1 s") },
    });
  });
});

describe("showImageFile", () => {
  test("every step of a scaled NIfTI volume is told", async () => {
    const file = fixture("scaled-i2.nii");
    const shown = await showImageFile({ file, sliceAxis: "coronal", slice: 1, window: "range:-100,100" });
    expect(shown).toMatchObject({
      path: file,
      format: "NIfTI-1",
      shape: [3, 4, 5],
      dtype: "float64",
      header: {
        storedType: "int16",
        slope: expect.closeTo(-0.37, 6),
        intercept: 12.5,
        orientation: expect.any(String),
      },
      picture: { item: 1, axis: "coronal", channels: 1, dtype: "float64", inverted: false },
      window: { from: "range asked for", shape: "RANGE", center: 0, width: 200 },
    });
    expect(shown.spacing).toHaveLength(3);
    expect(shown.header.spacing).toBeUndefined();
    expect(shown.range).toEqual({ min: expect.any(Number), max: expect.any(Number) });
  });

  test("the middle slice is shown where none is named", async () => {
    const { picture } = await showImageFile({ file: fixture("little-i2.nii"), sliceAxis: "sagittal" });
    expect(picture?.item).toBe(Math.floor((picture?.count as number) / 2));
  });

  test("the array is written as its reader has it, the picture as models see it", async () => {
    const file = fixture("scaled-i2.nii");
    const array = inFolder("array.npy");
    const png = inFolder("picture.png");
    const result = await showImageFile({ file, array, png });
    expect(result).toMatchObject({ array, png });
    const written = decodeNpy(readFileSync(array), 2 ** 20);
    expect(written).toMatchObject({ shape: [3, 4, 5], dtype: "float64" });
    expect(Math.min(...(written.data as Float64Array))).toBe(result.range?.min);
    expect((await decodeImage(png)).pixels).toEqual((await decodeImage(file)).pixels);
  });

  test("colours of named bytes are written with their names", async () => {
    const array = inFolder("rgb.npy");
    await showImageFile({ file: fixture("rgb.nii"), array });
    const bytes = readFileSync(array);
    expect(bytes.toString("latin1", 10, 128)).toContain("[('R', '|u1'), ('G', '|u1'), ('B', '|u1')]");
    expect(bytes).toHaveLength(128 + 3 * 60);
  });

  test("the lines name format, array, rescaled picture, window and displayed picture in turn", async () => {
    const file = inFolder("small.npy");
    writeFileSync(file, encodeNpy(Int16Array.of(-5, 0, 5, 10), [2, 2], "int16"));
    const lines = describeShown(await showImageFile({ file, window: "full" }));
    expect(lines[0]).toBe(`${file}: NumPy`);
    expect(lines.slice(-4)).toEqual([
      "decoded array: int16 [2, 2], values -5 to 10",
      "after rescaling: 2×2, grey, values -5 to 10",
      "window: centre 2.5, width 15, the smallest to the largest value of the picture",
      "displayed: 2×2×1, 8 bits, values 0 to 255",
    ]);
  });

  test("a window of no form, a picture that is not there and a file in a folder's place are errors of their kind", async () => {
    const file = fixture("little-i2.nii");
    await expect(showImageFile({ file, window: "1,2,3" })).rejects.toMatchObject({ code: "Config" });
    await expect(showImageFile({ file, slice: 99 })).rejects.toMatchObject({ code: "Data" });
    await expect(showImageFile({ file, array: join(file, "array.npy") })).rejects.toMatchObject({ code: "Data" });
    await expect(showImageFile({ file: inFolder("absent.nii") })).rejects.toMatchObject({ code: "Data" });
  });

  const surface = join(process.env.MSMAE_DATA ?? "../shared/data", "nifti/fs_LR.32k.LR.curvature.dscalar.nii");
  const present = existsSync(surface);
  test.skipIf(!present)(
    `surface data have an array but no picture${present ? "" : " SKIPPED: no ../shared/data/nifti"}`,
    async () => {
      const shown = await showImageFile({ file: surface });
      expect(shown).toMatchObject({ format: "NIfTI-2", shape: [1, 59_412], dtype: "float32" });
      expect(shown.picture).toBeUndefined();
      expect(describeShown(shown)).toContain("no pictures in this file");
      const reason = { code: "Data", message: expect.stringContaining("CIFTI") };
      await expect(showImageFile({ file: surface, png: inFolder("none.png") })).rejects.toMatchObject(reason);
      await expect(decodeImage(surface)).rejects.toMatchObject(reason);
    },
  );
});
