import { z } from "zod";
import { dataFields, readingFields } from "./common.ts";
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

/** A model remembers how the images it was trained on were shared out. */
export const sharing = {
  splitFile: dataFields.splitFile,
  fold: dataFields.fold,
  group: field(dataFields.group.unwrap().optional(), infoOf(dataFields.group).description, asTrained),
  valSplit: field(dataFields.valSplit.unwrap().optional(), infoOf(dataFields.valSplit).description, asTrained),
};
