import { imagenetNormalization } from "../images/transforms/normalize.ts";
import type { Size } from "./size.ts";

/** Side in pixels to which images are resized unless said otherwise, as in the paper. */
const defaultInputSize = 224;

/** Fills in the sizes that a model's name and the paper decide. */
export function completeSizes(
  presets: Readonly<Record<string, { patchSize?: number }>>,
  options: { model?: string; patchSize?: number; inputSize?: Size },
): void {
  options.patchSize ??= presets[options.model ?? ""]?.patchSize;
  options.inputSize ??= { height: defaultInputSize, width: defaultInputSize };
}

/** Fills in the mean and standard deviation of pixels. */
export function completeMoments(options: { inChans?: 1 | 3; mean?: number[]; std?: number[] }): void {
  const { mean, std } = imagenetNormalization(options.inChans === 1 ? 1 : 3);
  options.mean ??= [...mean];
  options.std ??= [...std];
}
