import { z } from "zod";
import { ATTENDED_ROLES } from "../method/masking/policy.ts";
import { HEAD_FUSIONS, MAP_BLOCKS } from "../method/models/config.ts";
import { field } from "./fields.ts";

export const maskingFields = {
  maskRatio: field(z.number().min(0).lt(1).default(0.45), "Share of all patches that attention-driven masking masks."),
  throwRatio: field(
    z.number().min(0).lt(1).default(0.3),
    "Share of all patches thrown away: neither seen nor reconstructed.",
  ),
};

export const mapCropField = field(
  z.enum(["aligned", "reference"]).default("aligned"),
  "How a stored attention map follows a random crop: with the image, or by the published program's rounding that sees the top-left cells only.",
);

/** Where the weights of patches come from, beside the paper's attention. */
export const MAP_SOURCES = ["attention", "entropy", "mask"] as const;
export type MapSource = (typeof MAP_SOURCES)[number];

/** How attention is read as a map. */
export const mapHeadsField = field(
  z.enum(HEAD_FUSIONS).optional(),
  "How the heads' attention becomes one map: each scaled to its own least and greatest value before they are averaged, as in the paper (min-max), or averaged as it is (mean), so that heads that look everywhere alike add nothing.",
  { defaultText: "min-max; mean in the small recipe" },
);

export const mapBlocksField = field(
  z.enum(MAP_BLOCKS).optional(),
  "Whose attention makes a map: the last block's, as in the paper, or that of all blocks together, for an encoder that has gathered the lesion before its last block.",
  { defaultText: "last; all in the small recipe" },
);

/** How maps decide what is masked, thrown away and kept. The paper's are those of its recipe. */
export const policyFields = {
  mapSource: field(
    z.enum(MAP_SOURCES).default("attention"),
    "Where the maps come from: the model's own attention, the entropy of each patch's grey values, or the given masks of lesions (the upper bound of what maps can earn). The last two need no training and are made once.",
  ),
  mapHeads: mapHeadsField,
  mapBlocks: mapBlocksField,
  attended: field(
    z.enum(ATTENDED_ROLES).optional(),
    "What becomes of the patches attended most: hidden from the encoder as in the paper (hide), shown to it (keep), or either for each image, drawn anew in each epoch (alternate).",
    { defaultText: "hide; keep in the small recipe" },
  ),
  randomShare: field(
    z.number().min(0).max(1).default(0),
    "Share of the images of attention-driven epochs whose patches are drawn uniformly instead.",
  ),
};
