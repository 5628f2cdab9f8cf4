/** What is often found where an image should be: its first characters, what it is, and what to do about it. */
const STARTS: readonly (readonly [string | RegExp, string])[] = [
  ["\x5c\x01\0\0", "an Analyze header: name it .hdr, and its voxels .img beside it"],
  ["\0\0\x01\x5c", "an Analyze header: name it .hdr, and its voxels .img beside it"],
  ["NRRD", "an NRRD volume, which is not read: save it as NIfTI"],
  [/^(ObjectType|NDims)\s*=/, "a MetaImage volume, which is not read: save it as NIfTI"],
  ["\0\0\0\x01\0\0", "an MGH volume, which is not read: save it as NIfTI"],
  ["\x89HDF", "an HDF5 file, which is not read: save its pictures as TIFF or NumPy files"],
  ["\0\0\0\x0cjP  ", "a JPEG 2000 file, which is read within DICOM only: save it as PNG or TIFF"],
  ["\xff\x4f\xff\x51", "a JPEG 2000 file, which is read within DICOM only: save it as PNG or TIFF"],
  [/^.{4}ftyp(avi|hei|hev|mif|msf)/s, "an AVIF or HEIC picture, which is not read: save it as PNG or JPEG"],
  [/^P[1-7]\s/, "a PNM picture, which is not read: save it as PNG"],
  ["8BPS", "a Photoshop file, which is not read: save it as PNG or TIFF"],
  ["%PDF-", "a PDF document, which is not read: save its picture as PNG"],
  ["PK\x03\x04", "a zip archive: unpack it"],
  ["version https://git-lfs", "a Git LFS pointer in the place of the file: fetch it with git lfs pull"],
  [/^([./]*\.git)?\/annex\/objects\//, "a git-annex pointer in the place of the file: fetch it with git annex get"],
  [
    /^(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml|!--|head|svg)/i,
    "a web page or XML text, as failed downloads leave it",
  ],
  ["\0".repeat(64), "nothing but zeros at its start, as copies that broke off leave it"],
];

/** In words, what a file is that holds no image of a known format; undefined where nothing is recognised. */
export function foreignFormat(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 256));
  return STARTS.find(([start]) => (typeof start === "string" ? text.startsWith(start) : start.test(text)))?.[1];
}
