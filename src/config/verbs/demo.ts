import { z } from "zod";
import { runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `demo`: the whole method on images it draws itself. */
export const demo = verbOptions({
  name: "demo",
  schema: z.strictObject({
    outputDir: field(z.string().min(1).default("runs/demo"), "Folder for the images, the run and the report.", {
      placeholder: "dir",
    }),
    workers: field(
      z.int().min(0).max(64).default(2),
      "Threads that read and augment images; 0 does it on the calling thread.",
    ),
    ...runtimeFields,
  }),
});

export type DemoInput = InputOf<typeof demo>;
export type DemoOptions = OptionsOf<typeof demo>;
