import { imagenetNormalization } from "../images/transforms/normalize.ts";
import type { Size } from "./size.ts";

/** Side in pixels to which images are resized unless said otherwise, as in the paper. */
const defaultInputSize = 224;

/** What is known of a model to train, and of where it starts. */
interface ModelOptions {
  model?: string;
  patchSize?: number;
  inputSize?: Size;
  inChans?: 1 | 3;
  finetune?: string;
  resume?: string;
}

/**
 * Fills in which model is trained, and for which images. A run from a checkpoint takes these of that as it begins, unless the
 * model is named; a run that goes on those it began with.
 *
 * @param usual the model where nothing says one.
 */
export function completeModel(
  presets: Readonly<Record<string, { patchSize?: number }>>,
  usual: string,
  options: ModelOptions,
  whole: boolean,
): void {
  const { model, finetune, resume } = options;
  if (!whole && (resume !== undefined || (finetune !== undefined && model === undefined))) return;
  options.model ??= usual;
  completeSizes(presets, options);
  options.inChans ??= 3;
}

/** Fills in the sizes that a model's name and the paper decide. */
export function completeSizes(
  presets: Readonly<Record<string, { patchSize?: number }>>,
  options: { model?: string; patchSize?: number; inputSize?: Size },
): void {
  options.patchSize ??= presets[options.model ?? ""]?.patchSize;
  options.inputSize ??= { height: defaultInputSize, width: defaultInputSize };
}

/**
 * Fills in the mean and standard deviation of pixels: ImageNet's. A run from a checkpoint takes them of that as it begins, and
 * a run that goes on those it began with.
 */
export function completeMoments(
  options: { inChans?: 1 | 3; mean?: number[]; std?: number[]; finetune?: string; resume?: string },
  whole = true,
): void {
  if (!whole && (options.finetune ?? options.resume) !== undefined) return;
  const { mean, std } = imagenetNormalization(options.inChans === 1 ? 1 : 3);
  options.mean ??= [...mean];
  options.std ??= [...std];
}

/**
 * Fills in where the first weights come from: a checkpoint, which a new run must then name, since forgetting it would cost
 * accuracy silently. A run that goes on needs none.
 */
export function completeStart(options: { init?: "scratch" | "checkpoint"; finetune?: string; resume?: string }): void {
  options.init ??= options.finetune === undefined && options.resume !== undefined ? "scratch" : "checkpoint";
}
