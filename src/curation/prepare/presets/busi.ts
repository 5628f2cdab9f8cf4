import { emptyPictures, strayPictures } from "../matching.ts";
import type { PlannedImage, Preset, SurveyEntry } from "../types.ts";
import { addMask, withMasks } from "./masked.ts";

const PLACE = /(?:^|\/)(benign|malignant|normal)\/([^/]+?)(_mask(?:_\d+)?)?\.png$/i;

/** Breast ultrasound: three classes with the lesions' outlines. */
export const busi: Preset = {
  name: "busi",
  title: "Breast Ultrasound Images Dataset (BUSI)",
  licence: "no licence is stated by its authors (Kaggle's copy says CC0 1.0); cite the publication",
  source: "https://scholar.cu.edu.eg/?q=afahmy/pages/dataset",
  citation:
    "Al-Dhabyani W, Gomaa M, Khaled H, Fahmy A. Dataset of breast ultrasound images. Data in Brief 28, 104863 (2020). doi:10.1016/j.dib.2019.104863",
  expects: ["the archive with Dataset_BUSI_with_GT/{benign,malignant,normal}/ (images and their _mask.png)"],
  caveats: [
    "no patients are named and some images are near copies of others, also across classes: run `msmae data check`",
    "many images carry drawn measures and text that a model can learn instead of the lesion",
  ],
  recognises: (names) => names.some((name) => PLACE.exec(name)?.[3] !== undefined),
  plan(survey) {
    const masks = new Map<string, SurveyEntry[]>();
    const images: PlannedImage[] = [];
    for (const source of survey.pictures) {
      const [, folder = "", stem = "", mask] = PLACE.exec(source.name) ?? [];
      if (folder === "") continue;
      const label = folder.toLowerCase();
      const id = `${label}/${stem.toLowerCase()}`;
      if (mask !== undefined) addMask(masks, id, source);
      else images.push({ source, id, name: source.file, label });
    }
    if (images.length === 0 || masks.size === 0) {
      throw survey.wrongArchives("the folders benign, malignant and normal, with masks named NAME_mask.png");
    }
    const matched = withMasks(images, masks);
    const strays = strayPictures(survey, [...images.map(({ source }) => source), ...[...masks.values()].flat()]);
    const several = matched.images.filter((image) => (image.masks?.length ?? 0) > 1).length;
    return {
      layout: "segmentation",
      images: matched.images,
      leftOut: [...matched.leftOut, ...emptyPictures(survey), ...strays],
      notes: several > 0 ? [`the masks of ${several} images with several lesions are united into one each`] : [],
      sameId: "two",
      maskMeaning: "lesion",
    };
  },
};
