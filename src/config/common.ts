import { z } from "zod";
import { parseSliceRule } from "../data/pictures/slice-rule.ts";
import { parseColumns } from "../data/tables/columns.ts";
import { isEncoding } from "../data/tables/text.ts";
import { ALPHA_RULES } from "../formats/source-image.ts";
import { parseWindow } from "../images/window-rule.ts";
import { LAYOUT_CHOICES } from "./checkpoint-layouts.ts";
import { field, infoOf } from "./fields.ts";
import { sizeSchema } from "./size.ts";

/** Every verb has these. */
export const runtimeFields = {
  seed: field(
    z.int().min(0).max(0xffffffff).default(0),
    "Seed of every random draw; the same seed and options give the same run.",
  ),
  threads: field(z.int().min(0).max(1024).default(0), "CPU threads for computing; 0 takes one per core."),
  device: field(
    z.enum(["cpu", "webgpu", "cuda"]).default("cpu"),
    "Where the graphs run; cuda needs Linux x64 with the CUDA 12 libraries.",
  ),
};

export const imageFields = {
  inputSize: field(sizeSchema.optional(), "Height and width in pixels to which images are resized.", {
    defaultText: "224",
    expected: "a size in pixels such as 224 or 224x320 (height x width)",
    placeholder: "HxW",
  }),
  patchSize: field(z.int().min(1).max(1024).optional(), "Side of a square patch in pixels.", {
    defaultText: "from the model's name",
  }),
  inChans: field(
    z.union([z.literal(1), z.literal(3)]).default(3),
    "Channels of the model's input: 1 reads images as grey, 3 as RGB.",
    { expected: "1 or 3", placeholder: "1|3" },
  ),
  mean: field(z.array(z.number()).optional(), "Mean per channel, on pixels scaled to [0, 1], that is subtracted.", {
    defaultText: "the checkpoint's that training starts from, else ImageNet's",
    placeholder: "m,m,m",
  }),
  std: field(z.array(z.number()).optional(), "Standard deviation per channel, on pixels scaled to [0, 1].", {
    defaultText: "the checkpoint's that training starts from, else ImageNet's",
    placeholder: "s,s,s",
  }),
};

/** The name of the model that is trained, with the usual one. */
export function modelField(description: string, usual: string) {
  return field(z.string().min(1).optional(), description, {
    defaultText: `that of the checkpoint that training starts from, else ${usual}`,
    placeholder: "name",
  });
}

const ofCheckpoint = "; that of the checkpoint that training starts from, where no model is named";

/** As {@link imageFields}, of a model that may start from a checkpoint. */
export const trainedImageFields = {
  ...imageFields,
  inputSize: field(imageFields.inputSize, infoOf(imageFields.inputSize).description, {
    ...infoOf(imageFields.inputSize),
    defaultText: `224${ofCheckpoint}`,
  }),
  inChans: field(imageFields.inChans.unwrap().optional(), infoOf(imageFields.inChans).description, {
    ...infoOf(imageFields.inChans),
    defaultText: `3${ofCheckpoint}`,
  }),
};

export const loadingFields = {
  workers: field(
    z.int().min(0).max(64).default(2),
    "Threads that read and augment images; 0 does it on the calling thread.",
    { aliases: ["numWorkers"] },
  ),
  cacheMb: field(
    z.int().min(0).max(1_000_000).default(512),
    "Memory in MiB for decoded images kept between epochs; 0 keeps none.",
  ),
  strict: field(
    z.boolean().default(false),
    "Fail on the first unreadable image instead of skipping it with a warning.",
  ),
};

/** Whether what is given is of the form that a parser reads. */
export function readBy<T = string>(parse: (given: T) => unknown): (given: T) => boolean {
  return (given) => {
    try {
      parse(given);
      return true;
    } catch {
      return false;
    }
  };
}

export const readingFields = {
  window: field(
    z.string().min(1).refine(readBy(parseWindow)).default("auto"),
    "Values shown as black and white in grey images: auto (the file's own window, else the full range of 8 and 16 bits, else percentiles), full, first, name:LUNG, center,width, percentile:1,99 or range:low,high.",
    {
      expected: "auto, full, first, name:NAME, CENTER,WIDTH, percentile:LOW,HIGH or range:LOW,HIGH",
      placeholder: "rule",
    },
  ),
  sliceAxis: field(
    z.enum(["axial", "coronal", "sagittal"]).default("axial"),
    "Direction in which volumes are cut into slices.",
  ),
  alpha: field(
    z.enum(ALPHA_RULES).default("drop"),
    "What becomes of transparency in PNG, WebP, GIF and TIFF: drop takes the colours as stored, as Pillow's convert does; black and white lay the image over that colour.",
  ),
  slices: field(
    z.string().min(1).refine(readBy(parseSliceRule)).default("all"),
    "Which frames, pages or slices of a file with several are images: all, first, middle, every:N, range:FIRST-LAST, or largest-label (of the mask).",
    {
      aliases: ["frames"],
      expected: "all, first, middle, every:N, range:FIRST-LAST or largest-label",
      placeholder: "rule",
    },
  ),
};

/** How tables of images are read. */
export const tableFields = {
  columns: field(
    z.string().min(1).refine(readBy(parseColumns)).optional(),
    "Which columns of a CSV file say what, where their names leave it open: path, label, split, patient_id, lesion_id, slice, mask or fold = the column's name.",
    {
      placeholder: "a=b,c=d",
      defaultText: "by their usual names",
      expected: "pairs such as path=image,label=diagnosis",
    },
  ),
  encoding: field(
    z.string().min(1).refine(isEncoding).optional(),
    "Character encoding of CSV files that are not UTF-8 and have no byte order mark, such as windows-1252 or utf-16le.",
    { placeholder: "name", defaultText: "utf-8", expected: "the name of an encoding, such as utf-8 or windows-1252" },
  ),
  mergeLabels: field(
    z.boolean().default(false),
    "Take names of classes, patients and lesions that differ only in case, spaces or Unicode form for one, instead of refusing them.",
  ),
};

export const dataFields = {
  dataPath: field(
    z.string().min(1),
    "Data set: a folder of train/, optionally val/, and test/ with one folder of images per class; a folder with dataset.csv, an MSD or nnU-Net dataset.json or images/ and masks/; or a CSV file.",
    { placeholder: "path" },
  ),
  splitFile: field(
    z.string().min(1).optional(),
    "CSV of msmae data split (path, split and more) that says which image is in which split.",
    { placeholder: "file", defaultText: "as the data set says" },
  ),
  fold: field(
    z.int().min(0).max(1000).optional(),
    "Fold of the split file, or of the data set's own CSV, that is the validation set; the others are for training.",
    { defaultText: "none" },
  ),
  group: field(
    z.enum(["auto", "none"]).default("auto"),
    "Whether images of one patient or lesion are kept in one split: auto where the data set names them, none only those of one file.",
  ),
  valSplit: field(
    z.number().min(0).max(0.9).default(0.1),
    "Share of each class of train/ held out for validation where val/ is missing; the seed decides which images, so pre-training and fine-tuning with one seed hold out the same.",
  ),
  labelShare: field(
    z.number().gt(0).max(1).default(1),
    "Share of each class's training images whose label is used, at least one of each class; the seed decides which, so pre-training and fine-tuning with one seed use the same. Pre-training only reconstructs the others, all else leaves them out.",
  ),
  numClasses: field(
    z.int().min(2).max(100_000).optional(),
    "Number of classes the data must have; data with another number is refused.",
    { aliases: ["nbClasses"], defaultText: "as many as the data has" },
  ),
  ...tableFields,
};

/** Verbs that write into a folder or a file refuse what stands there. It has no default, so that no run's config.yaml asks for it again. */
export const overwriteField = field(
  z.boolean().optional(),
  "Replace an earlier result that stands there; it stays until the new one is there.",
  { defaultText: "refused" },
);

export const outputFields = {
  outputDir: field(z.string().min(1), "Folder for checkpoints, logs and the resolved configuration.", {
    placeholder: "dir",
  }),
  overwrite: overwriteField,
  saveEvery: field(
    z.int().min(1).default(20),
    "Epochs between numbered checkpoints; last and best are always kept as well.",
  ),
};

/** Passes over the training images: the paper's number, or that of a run which goes on. */
export function epochsField(paper: number) {
  return field(
    z.int().min(1).optional(),
    "Passes over the training images; with --resume, another number makes the run longer or shorter.",
    { defaultText: `${paper}; with --resume as the run began` },
  );
}

/** How a checkpoint's weights are brought to a model's sizes. Without defaults: of most runs there is nothing to say. */
export const fittingFields = {
  resizePositions: field(
    z.enum(["bicubic", "bicubic-antialias"]).optional(),
    "How positions of another grid are interpolated: as MAE does, or with antialias as timm does.",
    { defaultText: "bicubic" },
  ),
  resizePatches: field(
    z.boolean().optional(),
    "Bring the kernel of patches to another patch size by FlexiViT's pseudo-inverse.",
    { defaultText: "another patch size is refused" },
  ),
};

export const startFields = {
  finetune: field(
    z.string().min(1).optional(),
    "Checkpoint whose weights the model starts from; msmae:NAME for one of @msmae/weights.",
    {
      placeholder: "file",
    },
  ),
  // Without a default, as below.
  from: field(z.enum(LAYOUT_CHOICES).optional(), "Layout of another program's checkpoint; auto tells it by its keys.", {
    defaultText: "auto",
  }),
  init: field(
    z.enum(["scratch", "checkpoint"]).optional(),
    "Where the first weights come from: drawn from the seed, or read from --finetune.",
    { defaultText: "checkpoint where one is given" },
  ),
  resume: field(
    z.string().min(1).optional(),
    "Run folder, or checkpoint inside one, whose training goes on where it stopped.",
    { placeholder: "path" },
  ),
  allowPartial: field(
    z.boolean().default(false),
    "Load a checkpoint although some of its weights are missing, unexpected or of another shape.",
  ),
  ...fittingFields,
};

export const optimiserFields = {
  accumIter: field(z.int().min(1).default(1), "Batches whose gradients are averaged before one optimiser step."),
  blr: field(
    z.number().gt(0).default(1e-3),
    "Base learning rate per 256 images: the rate is blr x batch size x accum iter / 256.",
  ),
  lr: field(z.number().gt(0).optional(), "Peak learning rate itself; takes the place of blr.", {
    defaultText: "from blr",
  }),
  weightDecay: field(
    z.number().min(0).default(0.05),
    "Decoupled weight decay of AdamW, per unit of learning rate, on tensors of rank 2 and more.",
  ),
  clipGrad: field(
    z.number().gt(0).optional(),
    "Largest allowed norm of all gradients together; longer ones are scaled down.",
    { defaultText: "no limit" },
  ),
  emaDecay: field(
    z.number().gt(0).lt(1).optional(),
    "Decay per optimiser step of a moving average of the weights, kept beside them.",
    { defaultText: "no average" },
  ),
};
