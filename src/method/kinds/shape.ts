import { MsmaeError } from "../../support/errors.ts";
import type { EncoderConfig, ImageModelConfig } from "../models/config.ts";
import type { ModelKind } from "./kind.ts";

/** What is chosen of a model beside the sizes that its name stands for. */
export interface ShapeChoices {
  /** The preset's name. */
  model: string;
  /** Pixels. */
  inputSize: { height: number; width: number };
  /** Pixels, where the model sees patches. */
  patchSize?: number | undefined;
  inChans: number;
  numClasses: number;
}

/** A model's shape: the preset's sizes, with what is chosen. @throws MsmaeError Config for an unknown name. */
export function modelShape<P extends object>(
  { presets }: Pick<ModelKind<ImageModelConfig, object, P>, "presets">,
  { model, inputSize, patchSize, inChans, numClasses }: ShapeChoices,
): P & ImageModelConfig {
  const preset = presets[model];
  if (preset) {
    const { height: inputHeight, width: inputWidth } = inputSize;
    return { ...preset, ...(patchSize !== undefined && { patchSize }), inputHeight, inputWidth, inChans, numClasses };
  }
  throw new MsmaeError("Config", {
    where: "model",
    expected: `one of ${Object.keys(presets).join(", ")}`,
    got: model,
    todo: "choose one of these",
  });
}

/** How a model's attention is to be read as a map, where that is not as in the paper. */
export function mapReading({
  mapHeads,
  mapBlocks,
}: Required<Pick<EncoderConfig, "mapHeads" | "mapBlocks">>): Pick<EncoderConfig, "mapHeads" | "mapBlocks"> {
  return { ...(mapHeads !== "min-max" && { mapHeads }), ...(mapBlocks !== "last" && { mapBlocks }) };
}
