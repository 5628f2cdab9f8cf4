import { z } from "zod";
import { overwriteField, runtimeFields, startFields } from "../common.ts";
import { field, infoOf } from "../fields.ts";
import { mapBlocksField, mapHeadsField } from "../masking.ts";
import { checkpoint, drawingsDir, files, modelReading } from "../model-fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `maps`: where the last block's cls token looks. */
export const maps = verbOptions({
  name: "maps",
  schema: z.strictObject({
    checkpoint,
    files,
    outputDir: drawingsDir,
    overwrite: overwriteField,
    mapHeads: field(mapHeadsField, infoOf(mapHeadsField).description, {
      defaultText: "as the model was trained with",
    }),
    mapBlocks: field(mapBlocksField, infoOf(mapBlocksField).description, {
      defaultText: "as the model was trained with",
    }),
    batchSize: field(z.int().min(1).default(16), "Images per batch."),
    allowPartial: startFields.allowPartial,
    ...modelReading,
    ...runtimeFields,
  }),
});

export type MapsInput = InputOf<typeof maps>;
export type MapsOptions = OptionsOf<typeof maps>;
