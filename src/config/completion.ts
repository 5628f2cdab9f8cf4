import { imagenetNormalization } from "../images/transforms/normalize.ts";
import { defaultInputSize, type ModelKind, presetsOf } from "./models.ts";
import type { Size } from "./size.ts";

/** Fills in the sizes that a model's name and the paper decide. */
export function completeSizes(
  kind: ModelKind,
  options: { model?: string; patchSize?: number; inputSize?: Size },
): void {
  options.patchSize ??= presetsOf(kind)[options.model ?? ""]?.patchSize;
  options.inputSize ??= { height: defaultInputSize, width: defaultInputSize };
}

/** Fills in the mean and standard deviation of pixels. */
export function completeMoments(options: { inChans?: 1 | 3; mean?: number[]; std?: number[] }): void {
  const { mean, std } = imagenetNormalization(options.inChans === 1 ? 1 : 3);
  options.mean ??= [...mean];
  options.std ??= [...std];
}
