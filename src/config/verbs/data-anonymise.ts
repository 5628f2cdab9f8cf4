import { z } from "zod";
import type { ErrorParts } from "../../support/errors.ts";
import { overwriteField, runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of the standard that keep or clean more than the basic profile does. */
export const ANONYMISE_OPTIONS = [
  "uids",
  "device",
  "institution",
  "patient-characteristics",
  "full-dates",
  "modified-dates",
  "descriptors",
  "structured-content",
] as const;
export type AnonymiseOption = (typeof ANONYMISE_OPTIONS)[number];

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
  checks: [checkKeep, checkKey],
});

export type DataAnonymiseInput = InputOf<typeof dataAnonymise>;
export type DataAnonymiseOptions = OptionsOf<typeof dataAnonymise>;

function checkKeep({ keep = [] }: { keep?: readonly AnonymiseOption[] }): ErrorParts[] {
  if (!keep.includes("full-dates") || !keep.includes("modified-dates")) return [];
  return [
    { where: "--keep", expected: "either full-dates or modified-dates", got: "both", todo: "leave out one of them" },
  ];
}

function checkKey({ key }: { key?: string }): ErrorParts[] {
  if (key === undefined || key.length >= 8) return [];
  const expected = "a key of at least 8 characters, which nobody can guess";
  return [{ where: "--key", expected, got: `${key.length}`, todo: "give a longer one" }];
}
