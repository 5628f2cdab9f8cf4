import { classifierPresets, type Preset, pretrainPresets } from "../method/models/presets.ts";

/** Side in pixels to which images are resized unless said otherwise, as in the paper. */
export const defaultInputSize = 224;

export type ModelKind = "classifier" | "pretraining";

export function presetsOf(kind: ModelKind): Readonly<Record<string, Preset>> {
  return kind === "classifier" ? classifierPresets : pretrainPresets;
}
