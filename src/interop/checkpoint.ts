import type { LayoutChoice, LayoutName } from "../config/checkpoint-layouts.ts";
import type { Normalization } from "../images/transforms/normalize.ts";
import type { BesideFacts } from "./beside-facts.ts";
import { factsBeside } from "./beside-files.ts";
import type { Shapes } from "./layouts/layout.ts";
import { ownForm, tensorsOf } from "./layouts/own-form.ts";
import { type Recognised, recognise } from "./layouts/registry.ts";
import { type ModelDescription, parseDescription } from "./model-file.ts";
import type { StoredTensor } from "./safetensors.ts";
import { readTensorFile } from "./tensor-file.ts";
import { unwrapped } from "./unwrapping.ts";

/** What is known of another program's vision transformer. */
export interface ForeignSource {
  layout: LayoutName;
  /** The layout for messages. */
  title: string;
  /** Of the file's pixels: as it says itself, else as models of its layout take them. */
  normalization: Normalization;
  facts: BesideFacts;
  /** Keys of the file that have no place in our models. */
  dropped: readonly string[];
  /** Our keys that it does without, which are zero. */
  zero: readonly string[];
  /** What was computed of its tensors, a phrase each. */
  notes: readonly string[];
}

/** The tensors of a file under our keys. */
export interface Checkpoint {
  tensors: ReadonlyMap<string, StoredTensor>;
  /** What one of our own files says of itself; another program's says nothing. */
  description: ModelDescription | undefined;
  /** Of another program's vision transformer; undefined for ours, and for models of other kinds. */
  source: ForeignSource | undefined;
}

export interface ReadAs {
  /** The layout that the file is said to have; found by its keys unless said. */
  from?: LayoutChoice | undefined;
  /** Images in pixels that the model may have been made for. */
  inputSize?: { height: number; width: number } | undefined;
}

/**
 * Reads a checkpoint, ours or another program's, whose keys become ours.
 *
 * @throws MsmaeError Checkpoint for a damaged file, a description that is none, or a model that ours cannot be.
 */
export async function readCheckpoint(path: string, { from, inputSize }: ReadAs = {}): Promise<Checkpoint> {
  const { tensors, metadata } = await readTensorFile(path);
  const description = parseDescription(path, metadata);
  if (description) return { tensors, description, source: undefined };
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const found = recognise(shapes, from);
  if (!found) return { tensors: unwrapped(tensors), description: undefined, source: undefined };
  const facts = await factsBeside(path);
  const sizes = [inputSize, facts.inputSize].filter((size) => size !== undefined);
  const form = ownForm(path, shapes, found, sizes);
  const { name: layout, title, normalization } = found.layout;
  const { dropped, zero, notes } = form;
  const source = { layout, title, normalization: facts.normalization ?? normalization, facts, dropped, zero, notes };
  return { tensors: tensorsOf(form, tensors), description: undefined, source };
}

/** What is known of a checkpoint without its weights. */
export interface CheckpointHead {
  path: string;
  description: ModelDescription | undefined;
  /** Of another program's vision transformer; undefined for ours, and for models of other kinds. */
  foreign: { shapes: Shapes; found: Recognised; facts: BesideFacts } | undefined;
}

/**
 * Reads what a checkpoint, ours or another program's, says of its model; its weights are not read.
 *
 * @throws MsmaeError Checkpoint for a damaged file or a description that is none.
 */
export async function readHead(path: string, from?: LayoutChoice): Promise<CheckpointHead> {
  const { metadata, entries } = await readTensorFile(path, { keep: () => false });
  const description = parseDescription(path, metadata);
  if (description) return { path, description, foreign: undefined };
  const shapes: Shapes = new Map([...entries].map(([key, { shape }]) => [key, shape]));
  const found = recognise(shapes, from);
  return { path, description, foreign: found && { shapes, found, facts: await factsBeside(path) } };
}

/**
 * Mean and deviation of the pixels that a checkpoint's model takes, by what it or its layout says; undefined where neither
 * does.
 */
export function normalizationOf({ description, foreign }: CheckpointHead): Normalization | undefined {
  return description ?? (foreign && (foreign.facts.normalization ?? foreign.found.layout.normalization));
}

/** For another number of channels: the mean over them for one, the same for each of several. */
export function forChannels({ mean, std }: Normalization, channels: number): { mean: number[]; std: number[] } {
  const spread = (values: readonly number[]) => {
    if (values.length === channels) return [...values];
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    return new Array<number>(channels).fill(average);
  };
  return { mean: spread(mean), std: spread(std) };
}
