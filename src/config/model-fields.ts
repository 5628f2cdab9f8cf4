import { z } from "zod";
import { EMPTY_RULES, SURFACES } from "../results/metrics/index.ts";
import { dataFields, imageFields, readingFields, startFields } from "./common.ts";
import { field, infoOf } from "./fields.ts";

export const checkpoint = field(z.string().min(1), "Checkpoint file (safetensors) to load.", { placeholder: "file" });

export const files = field(z.array(z.string().min(1)).min(1), "Image files, folders of them, or a DICOMDIR.", {
  positional: true,
  placeholder: "file",
  expected: "one or more image files",
});

export const drawingsDir = field(z.string().min(1), "Folder for the pictures and arrays.", { placeholder: "dir" });

export const asTrained = { defaultText: "as the model was trained" };

/** A model remembers how its training images were read. */
export const modelReading = {
  window: field(readingFields.window.unwrap().optional(), infoOf(readingFields.window).description, {
    ...infoOf(readingFields.window),
    ...asTrained,
  }),
  sliceAxis: field(readingFields.sliceAxis.unwrap().optional(), infoOf(readingFields.sliceAxis).description, asTrained),
  alpha: field(readingFields.alpha.unwrap().optional(), infoOf(readingFields.alpha).description, asTrained),
  slices: readingFields.slices,
};

/** Of verbs that take a data set, whose slices are by default those of the training. */
export const slicesAsTrained = field(
  readingFields.slices.unwrap().optional(),
  infoOf(readingFields.slices).description,
  {
    ...infoOf(readingFields.slices),
    ...asTrained,
  },
);

/** A model remembers how the images it was trained on were shared out. */
export const sharing = {
  splitFile: dataFields.splitFile,
  fold: dataFields.fold,
  group: field(dataFields.group.unwrap().optional(), infoOf(dataFields.group).description, asTrained),
  valSplit: field(dataFields.valSplit.unwrap().optional(), infoOf(dataFields.valSplit).description, asTrained),
};

/** What is read of a frozen encoder. */
export const featuresField = field(
  z.enum(["cls", "mean"]).default("cls"),
  "What is read of the encoder: the cls token after the final norm, or the mean of the patch tokens.",
);

const { inputSize, patchSize, inChans, mean, std } = imageFields;

/** What the checkpoint of another program does not say of its encoder. */
export const foreignEncoderFields = {
  /** Without a default: one of ours has none. */
  from: startFields.from,
  model: field(z.string().min(1).optional(), "Of another program's encoder: the name of its size.", {
    defaultText: "as its tensors have it",
    placeholder: "name",
  }),
  numHeads: field(z.int().min(1).max(1024).optional(), "Of another program's encoder: heads of attention.", {
    defaultText: "as stands beside the checkpoint, or usual for its sizes",
  }),
  inputSize: field(inputSize, "Of another program's encoder: height and width in pixels to which images are resized.", {
    ...infoOf(inputSize),
    defaultText: "as the checkpoint says; with --model 224",
  }),
  patchSize: field(patchSize, "Of another program's encoder: side of a square patch in pixels.", infoOf(patchSize)),
  inChans: field(inChans.unwrap().optional(), "Of another program's encoder: channels of its input.", {
    ...infoOf(inChans),
    defaultText: "as the checkpoint says; with --model 3",
  }),
  mean: field(mean, `Of another program's encoder. ${infoOf(mean).description}`, {
    ...infoOf(mean),
    defaultText: "as the checkpoint or its layout has it",
  }),
  std: field(std, `Of another program's encoder. ${infoOf(std).description}`, {
    ...infoOf(std),
    defaultText: "as the checkpoint or its layout has it",
  }),
};

/** How many patches a classifier runs on. */
export const budgetFields = {
  keepRatio: field(
    z.number().gt(0).max(1).optional(),
    "Of a classifier: share of the patches that all but the first quarter of the blocks run on, those that the cls token attends most there.",
    { defaultText: "all patches" },
  ),
};

/** How masks are made of a segmenter's outputs. */
export const maskMakingFields = {
  windowOverlap: field(
    z.number().min(0).lt(1).optional(),
    "Of a segmenter: cut images larger than its input into windows that have this share of their sides in common, and blend them.",
    { defaultText: "images are resized whole" },
  ),
  threshold: field(
    z.number().gt(0).lt(1).optional(),
    "Of a segmenter of one class: from which probability on a pixel is inside.",
    { defaultText: "0.5" },
  ),
};

/** How masks are measured. */
export const maskMeasuringFields = {
  emptyMasks: field(
    z.enum(EMPTY_RULES).optional(),
    "Of a segmenter: what a class counts that is missing in truth or prediction: worst (all wrong, or all right where both lack it), or undefined (left out of the means).",
    { defaultText: "worst" },
  ),
  surface: field(
    z.enum(SURFACES).optional(),
    "Of a segmenter: what the surface of a mask is for distances: its border pixels, or the contour between pixels by its length.",
    { defaultText: "border-pixels" },
  ),
  tolerance: field(
    z.number().min(0).optional(),
    "Of a segmenter: how far surfaces may lie apart for normalised surface Dice, in mm, or pixels where images have no spacing.",
    { defaultText: "2" },
  ),
};
