import type { Split } from "../../../data/dataset.ts";
import { emptyPictures, strayPictures } from "../matching.ts";
import type { PlannedImage, Preset } from "../types.ts";

const PLACE = /(?:^|\/)(train|val|test)\/(NORMAL|PNEUMONIA)\/[^/]+$/;
/** Names of the second version of the data, of the normal images of it, and of the third version. */
const PATIENTS = [
  /^(person\d+)_(?:bacteria|virus)_/i,
  /^((?:NORMAL2-)?IM-\d+)-/i,
  /^(?:BACTERIA|VIRUS|NORMAL)-(\d+)-/i,
];

/** Chest X-rays of children: normal or pneumonia, published splits. */
export const chestxray2017: Preset = {
  name: "chestxray2017",
  title: "Labeled Chest X-Ray Images for Classification (Kermany et al.)",
  licence: "CC BY 4.0",
  source: "https://data.mendeley.com/datasets/rscbjbr9sj",
  citation:
    "Kermany D, Zhang K, Goldbaum M. Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for Classification. Mendeley Data (2018). doi:10.17632/rscbjbr9sj; Kermany DS, et al. Identifying medical diagnoses and treatable diseases by image-based deep learning. Cell 172(5), 1122-1131 (2018). doi:10.1016/j.cell.2018.02.010",
  expects: [
    "ChestXRay2017.zip (or tar.gz, or Kaggle's archive.zip) with chest_xray/{train,test[,val]}/{NORMAL,PNEUMONIA}/",
  ],
  caveats: [
    "patient numbers come from the file names; the publication does not say whether the test folder counts its patients anew, so a number in two splits may or may not be one patient",
  ],
  recognises: (names) => names.some((name) => PLACE.test(name)),
  plan(survey) {
    const images: PlannedImage[] = [];
    for (const source of survey.pictures) {
      const [, split, label] = PLACE.exec(source.name) ?? [];
      if (split === undefined || label === undefined) continue;
      const id = `${split}/${label}/${source.file}`.toLowerCase();
      images.push({ source, id, name: source.file, label, split: split as Split, patient: patientOf(source.file) });
    }
    if (new Set(images.map(({ label }) => label)).size < 2) {
      throw survey.wrongArchives("chest_xray/train and test with the folders NORMAL and PNEUMONIA");
    }
    // Kaggle's archive holds everything twice.
    const val = new Set(images.filter(({ split }) => split === "val").map(({ id }) => id)).size;
    const notes =
      val === 0 || val > 100
        ? []
        : [`the published val holds ${val} images only: --val-split 0.1 joins it to train and draws val by patient`];
    const strays = strayPictures(
      survey,
      images.map(({ source }) => source),
    );
    const leftOut = [...emptyPictures(survey), ...strays];
    return { layout: "folders", images, leftOut, notes, sameId: "two" };
  },
};

function patientOf(file: string): string | undefined {
  for (const pattern of PATIENTS) {
    const id = pattern.exec(file)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
