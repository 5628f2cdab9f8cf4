import { z } from "zod";
import { runtimeFields } from "../common.ts";
import { field } from "../fields.ts";
import { type InputOf, type OptionsOf, verbOptions } from "../verb.ts";

/** Options of `inspect`: what a checkpoint says of itself. */
export const inspect = verbOptions({
  name: "inspect",
  schema: z.strictObject({
    checkpoint: field(z.string().min(1), "Checkpoint to describe, of any format that msmae reads.", {
      positional: true,
      placeholder: "checkpoint",
    }),
    ...runtimeFields,
  }),
});

export type InspectInput = InputOf<typeof inspect>;
export type InspectOptions = OptionsOf<typeof inspect>;
