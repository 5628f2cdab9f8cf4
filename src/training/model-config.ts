import type { FinetuneOptions, PretrainOptions } from "../config/index.ts";
import type { MaeConfig } from "../method/models/config.ts";
import type { Preset } from "../method/models/presets.ts";
import { MsmaeError } from "../support/errors.ts";

/** The model's shape: the preset's sizes, with what the options choose. @throws MsmaeError Config for an unknown name. */
export function modelConfig(
  presets: Readonly<Record<string, Preset>>,
  {
    model,
    inputSize,
    patchSize,
    inChans,
  }: Pick<PretrainOptions | FinetuneOptions, "model" | "inputSize" | "patchSize" | "inChans">,
  numClasses: number,
): MaeConfig {
  const preset = presets[model];
  if (!preset) {
    throw new MsmaeError("Config", {
      where: "--model",
      expected: `one of ${Object.keys(presets).join(", ")}`,
      got: model,
      todo: "choose one of these",
    });
  }
  return { ...preset, patchSize, inputHeight: inputSize.height, inputWidth: inputSize.width, inChans, numClasses };
}
