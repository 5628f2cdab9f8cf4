import type { LayoutChoice } from "../config/checkpoint-layouts.ts";
import { factsBeside } from "./beside-files.ts";
import { foreignModel } from "./foreign-model.ts";
import { ownForm } from "./layouts/own-form.ts";
import { recognise } from "./layouts/registry.ts";
import { kindOf, parseDescription } from "./model-file.ts";
import { readTensorFile } from "./tensor-file.ts";

/** Which model can start from a checkpoint without bringing anything to another size. */
export interface StartSizes {
  model: string;
  patchSize: number;
  inChans: 1 | 3;
  /** Pixels; absent where another program's file does not say on which it was trained. */
  inputSize?: { height: number; width: number };
}

export interface StartSizesOptions {
  from?: LayoutChoice | undefined;
  /** Pixels, where the positions of another program's checkpoint are those of no square. */
  inputSize?: { height: number; width: number } | undefined;
}

/**
 * Which of the models named can start from a checkpoint as it is; undefined where none can, or where it has no vision transformer.
 * Its weights are not read.
 *
 * @throws MsmaeError Checkpoint for a damaged file, a description that is none, or a model that ours cannot be.
 */
export async function startSizes(
  path: string,
  models: readonly string[],
  { from, inputSize: otherwise }: StartSizesOptions = {},
): Promise<StartSizes | undefined> {
  const { metadata, entries } = await readTensorFile(path, { keep: () => false });
  const description = parseDescription(path, metadata);
  if (description) {
    const encoder = kindOf(description).encoder(description.config);
    const inputSize = encoder && { height: encoder.inputHeight, width: encoder.inputWidth };
    return encoder && sizesOf(description.model, encoder, models, inputSize);
  }
  const shapes = new Map([...entries].map(([key, { shape }]) => [key, shape]));
  const found = recognise(shapes, from);
  if (!found) return undefined;
  const facts = await factsBeside(path);
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
  // Another kind's model of the same size has the same name behind a prefix, or without one.
  const model = models.find((other) => other === name || other.endsWith(`_${name}`) || name.endsWith(`_${other}`));
  if (model === undefined || !(inChans === 1 || inChans === 3)) return undefined;
  return { model, patchSize, inChans, ...(inputSize && { inputSize }) };
}
