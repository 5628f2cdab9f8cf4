import { z } from "zod";
import { ANONYMISE_OPTIONS } from "../../curation/anonymise/options.ts";
import { overwriteField, runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `data anonymise`: DICOM files without identity. */
export const dataAnonymise = verbOptions({
  name: "data anonymise",
  schema: z.strictObject({
    inputs: field(z.array(z.string().min(1)).min(1), "DICOM files, or folders that are searched for them.", {
      positional: true,
      placeholder: "path",
      expected: "one or more DICOM files or folders",
    }),
    outputDir: field(z.string().min(1), "New folder for the copies.", { placeholder: "dir" }),
    overwrite: overwriteField,
    keep: field(
      z.array(z.enum(ANONYMISE_OPTIONS)).optional(),
      `What to keep or only clean beyond the basic profile, of ${ANONYMISE_OPTIONS.join(", ")}.`,
      { placeholder: "a,b", defaultText: "nothing", expected: `some of ${ANONYMISE_OPTIONS.join(", ")}` },
    ),
    key: field(
      z.string().min(1).optional(),
      "Secret that makes replacements repeatable: the same patient and study get the same ones in another run.",
      { placeholder: "text", defaultText: "drawn anew each time" },
    ),
    ...runtimeFields,
  }),
});

export type DataAnonymiseInput = InputOf<typeof dataAnonymise>;
export type DataAnonymiseOptions = OptionsOf<typeof dataAnonymise>;
