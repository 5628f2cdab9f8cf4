import { emptyPictures, strayPictures } from "../matching.ts";
import type { PlannedImage, Preset } from "../types.ts";

const PLACE = /(?:^|\/)(training|testing)\/([^/]+)\/[^/]+$/i;
const CLASSES = ["glioma", "meningioma", "notumor", "pituitary"];

/** Brain Tumor MRI Dataset: four classes, published halves. */
export const btmd: Preset = {
  name: "btmd",
  title: "Brain Tumor MRI Dataset",
  licence: "CC0 1.0 (as stated on Kaggle)",
  source: "https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
  citation: "Nickparvar M. Brain Tumor MRI Dataset. Kaggle, 2021. doi:10.34740/kaggle/dsv/2645886",
  expects: ["archive.zip with Training/<class>/ and Testing/<class>/"],
  caveats: [
    "identical images stand in both published halves: run `msmae data check` before an accuracy is quoted",
    "no patients are named, so slices of one patient may stand in several splits",
  ],
  recognises: (names) => names.some((name) => PLACE.exec(name)?.[1]?.toLowerCase() === "testing"),
  plan(survey) {
    const images: PlannedImage[] = [];
    for (const source of survey.pictures) {
      const [, half = "", label = ""] = PLACE.exec(source.name) ?? [];
      const split = half.toLowerCase() === "testing" ? "test" : "train";
      if (half === "") continue;
      images.push({ source, id: `${split}/${label}/${source.file}`.toLowerCase(), name: source.file, label, split });
    }
    const labels = new Set(images.map(({ label }) => label));
    if (labels.size !== CLASSES.length || !CLASSES.every((name) => labels.has(name))) {
      throw survey.wrongArchives(`Training and Testing with the folders ${CLASSES.join(", ")}`);
    }
    const strays = strayPictures(
      survey,
      images.map(({ source }) => source),
    );
    const leftOut = [...emptyPictures(survey), ...strays];
    return { layout: "folders", images, leftOut, notes: [], sameId: "two" };
  },
};
