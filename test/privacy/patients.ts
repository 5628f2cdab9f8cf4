import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { RandomStream } from "../../src/support/random.ts";
import { buildDicom, greyImage } from "../unit/formats/dicom/dicom-builder.ts";
import { niftiFile } from "../unit/formats/volume-files.ts";

/** What the headers of the files say of people and places; nothing that is written may. */
export const identifiers = {
  name: "Quellmalz^Xanthippe",
  birthDate: "19310427",
  institution: "Zwiebelturm-Klinik",
  physician: "Dr^Ohnesorg",
  accession: "ACC-7788-41",
  study: "2.25.338201",
  studyDate: "20190822",
  comment: "lives in Nirgendheim",
  device: "SN-0815-4711",
};
/** Numbers of all of them. */
export const patients = Array.from({ length: 14 }, (_, patient) => `MRN-55019-${100 + patient}`);
const COUNT = { train: 4, val: 1, test: 2 };
const CLASSES = { benign: 60, malignant: 160 };

/** In names of folders above the data; no file meant for others may hold it. */
export const place = "geheimer-ort";
/** In names of files: tables by file hold it, models and their descriptions never. */
export const fileName = "quellmalz-x";

const SIDE = 32;

/**
 * Two classes of DICOM images of known patients, two images of each, those of one patient in one split, and two cut off
 * in the middle. Gives back files of other kinds that can say whose they are.
 */
export async function writePatients(root: string): Promise<string[]> {
  const dataPath = join(root, place, "study");
  let patient = 0;
  for (const [label, brightness] of Object.entries(CLASSES)) {
    for (const [split, patients] of Object.entries(COUNT)) {
      const folder = join(dataPath, split, label);
      mkdirSync(folder, { recursive: true });
      for (let n = 0; n < patients; n++, patient++) {
        for (const view of [1, 2]) {
          writeFileSync(join(folder, `${fileName}-${patient}-${view}.dcm`), dicomOf(patient, view, brightness));
        }
      }
    }
  }
  const damaged = dicomOf(0, 3, CLASSES.benign).subarray(0, -SIDE);
  for (const split of ["train", "test"]) writeFileSync(join(dataPath, split, "benign", `${fileName}-cut.dcm`), damaged);
  const others = [`${fileName}.nii`, `${fileName}.png`, `${fileName}.jpg`].map((name) => join(root, place, name));
  const [volume = "", ...pictures] = others;
  writeFileSync(volume, volumeOf());
  const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
  for (const path of pictures) {
    const exif = { IFD0: { Artist: identifiers.name, ImageDescription: identifiers.comment } };
    await sharp(pixelsOf(7, 90), { raw }).withExif(exif).toFile(path);
  }
  return others;
}

/** A volume of two slices whose header's description and database name are the patient's. */
function volumeOf(): Uint8Array {
  const bytes = niftiFile([SIDE, SIDE, 2], new Uint8Array([...pixelsOf(8, 90), ...pixelsOf(9, 90)]));
  const text = new TextEncoder();
  bytes.set(text.encode(patients[7] as string), 14);
  bytes.set(text.encode(identifiers.name), 148);
  return bytes;
}

/** Noise about a grey level. */
function pixelsOf(key: number, brightness: number): Uint8Array {
  const stream = RandomStream.for(key, "phantom");
  return Uint8Array.from({ length: SIDE * SIDE }, () => brightness + Math.floor(60 * stream.uniform()));
}

function dicomOf(patient: number, view: number, brightness: number): Uint8Array {
  const { name, birthDate, institution, physician, accession, study, studyDate, comment, device } = identifiers;
  const uid = `${study}.${patient}`;
  return buildDicom([
    [0x00080018, "UI", `${uid}.1.${view}`],
    [0x00080020, "DA", studyDate],
    [0x00080050, "SH", accession],
    [0x00080080, "LO", institution],
    [0x00080090, "PN", physician],
    [0x00100010, "PN", name],
    [0x00100020, "LO", patients[patient] as string],
    [0x00100030, "DA", birthDate],
    [0x00104000, "LT", comment],
    [0x00181000, "LO", device],
    [0x0020000d, "UI", uid],
    [0x0020000e, "UI", `${uid}.1`],
    ...greyImage(SIDE, SIDE, [0x7fe00010, "OW", pixelsOf(patient * 10 + view, brightness)]),
  ]);
}
