import { z } from "zod";
import { imageFields, maskingFields, runtimeFields } from "./common.ts";
import { field } from "./fields.ts";
import type { WithResolved } from "./resolved.ts";

/** Options of `flops`: operations and time of a classifier, masked and full. */
export const flopsSchema = z.strictObject({
  model: field(z.string().min(1).default("vit_base_patch16"), "Name of the model to count.", { placeholder: "name" }),
  inputSize: imageFields.inputSize,
  patchSize: imageFields.patchSize,
  inChans: imageFields.inChans,
  numClasses: field(z.int().min(1).max(100_000).default(5), "Number of classes of the head.", {
    aliases: ["nbClasses"],
  }),
  maskRatio: maskingFields.maskRatio,
  throwRatio: maskingFields.throwRatio,
  batchSize: field(z.int().min(1).default(1), "Images per timed batch."),
  repeats: field(
    z.int().min(0).default(5),
    "Timed runs of each case, whose median is shown; 0 counts operations only.",
  ),
  ...runtimeFields,
});

/** Options of `demo`: the whole method on images it draws itself. */
export const demoSchema = z.strictObject({
  outputDir: field(z.string().min(1).default("runs/demo"), "Folder for the images, the run and the report.", {
    placeholder: "dir",
  }),
  workers: field(
    z.int().min(0).max(64).default(2),
    "Threads that read and augment images; 0 does it on the calling thread.",
  ),
  ...runtimeFields,
});

/** Options of `inspect`: what a checkpoint says of itself. */
export const inspectSchema = z.strictObject({
  checkpoint: field(z.string().min(1), "Checkpoint file (safetensors) to describe.", {
    positional: true,
    placeholder: "checkpoint",
  }),
  ...runtimeFields,
});

export type FlopsInput = z.input<typeof flopsSchema>;
export type FlopsOptions = WithResolved<z.output<typeof flopsSchema>, "inputSize" | "patchSize">;
export type DemoInput = z.input<typeof demoSchema>;
export type DemoOptions = z.output<typeof demoSchema>;
export type InspectInput = z.input<typeof inspectSchema>;
export type InspectOptions = z.output<typeof inspectSchema>;
