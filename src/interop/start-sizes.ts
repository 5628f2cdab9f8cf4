import { sameSized } from "../config/names.ts";
import type { CheckpointHead } from "./checkpoint.ts";
import { foreignModel } from "./foreign-model.ts";
import { ownForm } from "./layouts/own-form.ts";
import { kindOf } from "./model-file.ts";

/** Which model can start from a checkpoint without bringing anything to another size. */
export interface StartSizes {
  model: string;
  patchSize: number;
  inChans: 1 | 3;
  /** Pixels; absent where another program's file does not say on which it was trained. */
  inputSize?: { height: number; width: number };
}

/**
 * Which of the models named can start from a checkpoint as it is; undefined where none can, or where it has no vision transformer.
 *
 * @param otherwise pixels, where the positions of another program's checkpoint are those of no square.
 * @throws MsmaeError Checkpoint for a model that ours cannot be.
 */
export function startSizes(
  { path, description, foreign }: CheckpointHead,
  models: readonly string[],
  otherwise?: StartSizes["inputSize"],
): StartSizes | undefined {
  if (description) {
    const encoder = kindOf(description).encoder(description.config);
    const inputSize = encoder && { height: encoder.inputHeight, width: encoder.inputWidth };
    return encoder && sizesOf(description.model, encoder, models, inputSize);
  }
  if (!foreign) return undefined;
  const { shapes, found, facts } = foreign;
  const { inputSize } = facts;
  const { tensors } = ownForm(
    path,
    shapes,
    found,
    [otherwise, inputSize].filter((size) => size !== undefined),
  );
  const own = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const { model, config } = foreignModel(path, own, { ...facts, otherwise });
  return sizesOf(model, config, models, inputSize);
}

function sizesOf(
  name: string,
  { patchSize, inChans }: { patchSize: number; inChans: number },
  models: readonly string[],
  inputSize: StartSizes["inputSize"],
): StartSizes | undefined {
  const model = models.includes(name) ? name : sameSized(name, models);
  if (model === undefined || !(inChans === 1 || inChans === 3)) return undefined;
  return { model, patchSize, inChans, ...(inputSize && { inputSize }) };
}
