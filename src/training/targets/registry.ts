import { type FinetuneOptions, valueColumnsOf } from "../../config/index.ts";
import type { RunData } from "../setup.ts";
import { classTarget } from "./class-target.ts";
import { findingsTarget } from "./findings-target.ts";
import { gradesTarget } from "./grades-target.ts";
import { numberTarget } from "./number-target.ts";
import type { TrainingTarget } from "./training-target.ts";

/**
 * What a run of fine-tuning is to tell, as its options say.
 *
 * @throws MsmaeError Config or Data where options and data do not fit.
 */
export function trainingTarget(options: FinetuneOptions, data: RunData): TrainingTarget {
  const values = valueColumnsOf(options);
  switch (values?.kind) {
    case undefined:
      return options.grades === undefined ? classTarget(options, data) : gradesTarget(options, data);
    case "findings":
      return findingsTarget(options, data, values.names);
    case "number":
      return numberTarget(options, data, values.names[0] as string);
  }
}
