import { emptyPictures, strayPictures } from "../matching.ts";
import type { PlannedImage, Preset, SurveyEntry } from "../types.ts";
import { addMask, withMasks } from "./masked.ts";

const PLACE = /(?:^|\/)(images|masks)\/[^/]+$/i;

/** Kvasir-SEG: polyps with their outlines. */
export const kvasirSeg: Preset = {
  name: "kvasir-seg",
  title: "Kvasir-SEG",
  licence: "for research and education; commercial use needs the authors' permission",
  source: "https://datasets.simula.no/kvasir-seg/",
  citation:
    "Jha D, et al. Kvasir-SEG: a segmented polyp dataset. MultiMedia Modeling, LNCS 11962, 451-462 (2020). doi:10.1007/978-3-030-37734-2_37",
  expects: ["kvasir-seg.zip with Kvasir-SEG/images/ and Kvasir-SEG/masks/"],
  caveats: ["no patients are named, so frames of one examination may stand in several splits"],
  recognises: (names) => names.some((name) => PLACE.test(name) && /kvasir/i.test(name)),
  plan(survey) {
    const masks = new Map<string, SurveyEntry[]>();
    const images: PlannedImage[] = [];
    for (const source of survey.pictures) {
      const folder = PLACE.exec(source.name)?.[1]?.toLowerCase();
      if (folder === "masks") addMask(masks, source.stem, source);
      else if (folder === "images") images.push({ source, id: source.stem, name: source.file, label: "polyp" });
    }
    if (images.length === 0 || masks.size === 0) throw survey.wrongArchives("Kvasir-SEG/images/ and Kvasir-SEG/masks/");
    const matched = withMasks(images, masks);
    const strays = strayPictures(survey, [...images.map(({ source }) => source), ...[...masks.values()].flat()]);
    return {
      layout: "segmentation",
      images: matched.images,
      leftOut: [...matched.leftOut, ...emptyPictures(survey), ...strays],
      notes: ["a set for segmentation: every image shows a polyp, there is one class"],
      sameId: "ambiguous",
      maskMeaning: "polyp",
    };
  },
};
