/** The smallest files that hold several pictures, for tests. */
import { gzipSync } from "node:zlib";
import { makeNifti } from "./nifti/made.ts";

/** A NIfTI-1 file of uint8 voxels, the first axis fastest, whose axes run left, anterior and superior. */
export function niftiFile(shape: readonly number[], voxels: Uint8Array): Uint8Array {
  return makeNifti({ shape, voxels });
}

/** The header of a bitmap of 24 bits a pixel. */
export function bmpHeader(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(54);
  bytes.write("BM");
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

/**
 * A sound volume of 1.9 GB, packed into 2 MB: nothing is wrong with it but the second and more that unpacking it takes.
 */
export function slowVolume(): Uint8Array {
  const shape = [1024, 1024, 1792];
  const head = niftiFile(shape, new Uint8Array(0));
  // Members of a gzip stream follow one another.
  const member = gzipSync(new Uint8Array(2 ** 24), { level: 1 });
  return Buffer.concat([gzipSync(head), ...new Array<Uint8Array>(112).fill(member)]);
}

/** An explicit little-endian DICOM file of 2×2 grey frames. */
export function dicomFile(patient: string, frames = 1, { pixels = true } = {}): Uint8Array {
  const elements = [
    element(0x0010_0020, "LO", patient),
    element(0x0020_000d, "UI", "1.2.3"),
    ...(pixels
      ? [
          element(0x0028_0002, "US", 1),
          element(0x0028_0004, "CS", "MONOCHROME2"),
          element(0x0028_0008, "IS", `${frames}`),
          element(0x0028_0010, "US", 2),
          element(0x0028_0011, "US", 2),
          element(0x0028_0100, "US", 8),
          element(0x0028_0101, "US", 8),
          element(0x0028_0102, "US", 7),
          element(0x0028_0103, "US", 0),
          element(0x7fe0_0010, "OB", new Uint8Array(4 * frames).fill(9)),
        ]
      : []),
  ];
  const syntax = element(0x0002_0010, "UI", "1.2.840.10008.1.2.1");
  const length = element(0x0002_0000, "UL", syntax.length);
  return Buffer.concat([new Uint8Array(128), Buffer.from("DICM"), length, syntax, ...elements]);
}

function element(tag: number, vr: string, value: string | number | Uint8Array): Uint8Array {
  const body = bodyOf(vr, value);
  const long = vr === "OB";
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, "latin1");
  if (long) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

function bodyOf(vr: string, value: string | number | Uint8Array): Uint8Array {
  if (typeof value === "number") {
    const body = Buffer.alloc(vr === "UL" ? 4 : 2);
    if (vr === "UL") body.writeUInt32LE(value);
    else body.writeUInt16LE(value);
    return body;
  }
  if (typeof value !== "string") return value;
  return Buffer.from(value.length % 2 === 0 ? value : value + (vr === "UI" ? "\0" : " "), "latin1");
}
