import type { ModelDescription } from "../../interop/model-file.ts";
import { fitTemperature, temperatureEffect } from "../../results/metrics/index.ts";
import type { TemperatureTold } from "../../results/report/index.ts";
import type { Classification } from "../outcomes/classes.ts";

/**
 * What the checkpoint's temperature does on the images of a result. Where it has none: what one would do that is fitted on
 * validation images, without applying it; nothing without these.
 */
export function temperatureTold(
  { temperature, classNames }: Pick<ModelDescription, "temperature" | "classNames">,
  { logits, labels }: Classification,
  validation: Classification | undefined,
): TemperatureTold | undefined {
  const classes = classNames.length;
  if (temperature !== undefined) {
    return { ...temperatureEffect(logits, labels, classes, temperature), applied: true };
  }
  if (validation === undefined) return undefined;
  const fitted = fitTemperature(validation.logits, validation.labels, classes);
  return {
    ...temperatureEffect(logits, labels, classes, fitted.temperature),
    applied: false,
    fittedOn: fitted.n,
    ...(fitted.reason !== undefined && { reason: fitted.reason }),
  };
}
