import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { openImageFile } from "../../../src/formats/node/open-image-file.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-foreign-"));
afterAll(() => rmSync(folder, { recursive: true }));

function bigEndian(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeInt32BE(number, at * 4);
  return bytes;
}
const padded = (start: string | Buffer) =>
  Buffer.concat([Buffer.from(start as string, "latin1"), Buffer.alloc(400, 9)]);

test.each<[string, Buffer, RegExp]>([
  ["a.nrrd", padded("NRRD0004\ntype: short\n"), /an NRRD volume, which is not read: save it as NIfTI/],
  ["a.mha", padded("ObjectType = Image\n"), /a MetaImage volume/],
  ["a.mgz", gzipSync(padded(bigEndian(1, 256, 256, 256))), /an MGH volume/],
  ["a.nii", padded(Buffer.from([0x5c, 1, 0, 0])), /an Analyze header: name it \.hdr/],
  ["a.h5", padded("\x89HDF\r\n\x1a\n"), /an HDF5 file/],
  ["a.jp2", padded("\0\0\0\x0cjP  \r\n\x87\n"), /a JPEG 2000 file, which is read within DICOM only/],
  ["a.j2k", padded("\xff\x4f\xff\x51"), /a JPEG 2000 file/],
  ["a.heic", padded("\0\0\0\x18ftypheic"), /an AVIF or HEIC picture/],
  ["a.pgm", padded("P5 2 2 255\n"), /a PNM picture/],
  ["a.pdf", padded("%PDF-1.7"), /a PDF document/],
  ["a.png", padded("PK\x03\x04"), /a zip archive: unpack it/],
  ["b.png", padded("version https://git-lfs.github.com/spec/v1\n"), /a Git LFS pointer .* git lfs pull/],
  ["c.png", padded("../../.git/annex/objects/ab/cd"), /a git-annex pointer/],
  ["d.png", padded("/annex/objects/MD5E-s1--0.png"), /a git-annex pointer/],
  ["e.jpg", padded("\n<!DOCTYPE html><html>"), /a web page or XML text/],
  ["f.dcm", Buffer.alloc(400), /nothing but zeros at its start/],
  ["g.dcm", padded("something else"), /starts as none of PNG/],
])("what stands in the place of an image is named: %s", async (name, bytes, message) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  await expect(openImageFile(path)).rejects.toMatchObject({
    code: "Data",
    message: expect.stringMatching(message),
  });
});
