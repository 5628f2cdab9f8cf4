import { z } from "zod";
import type { classifierKind } from "../method/kinds/classifier.ts";
import type { ConfigOf, FactsOf, ModelKind } from "../method/kinds/kind.ts";
import type { pretrainedKind } from "../method/kinds/pretrained.ts";
import { modelKindNamed, modelKinds } from "../method/kinds/registry.ts";
import type { segmenterKind } from "../method/kinds/segmenter.ts";
import { targetSchema } from "../method/kinds/target.ts";
import type { ImageModelConfig } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { StoredTensor, TensorToStore } from "./safetensors.ts";
import { readSafetensorsFile, readSafetensorsHeader, writeSafetensorsFile } from "./safetensors-file.ts";
import { weightsPath } from "./shipped-weights.ts";

/** How training's images were shared out, as far as evaluation must know it to find the same ones held out. */
const splitSchema = z.object({
  valSplit: z.number(),
  group: z.enum(["auto", "none"]),
  slices: z.string(),
  fold: z.int().optional(),
  /** A table said which image is in which split. */
  splitFile: z.boolean(),
  /** Fingerprints of the images of these splits, by their content; see `splitFingerprint`. */
  val: z.string(),
  test: z.string(),
});
export type SplitDescription = z.infer<typeof splitSchema>;

/** What every checkpoint says of itself, whatever its kind. */
const commonSchema = z.object({
  kind: z.string(),
  /** The preset's name. */
  model: z.string(),
  classNames: z.array(z.string()),
  /** What it tells, where that is not one of the classes. */
  target: targetSchema.optional(),
  /** What logits of classes are divided by for probabilities that mean what they say; 1 where there is none. */
  temperature: z.number().positive().optional(),
  /** Per channel, on pixels scaled to [0, 1]. */
  mean: z.array(z.number()),
  std: z.array(z.number()),
  /** How files became 8-bit pixels; checkpoints from before there was a choice have none. */
  reading: z
    .object({
      window: z.string(),
      axis: z.enum(["axial", "coronal", "sagittal"]),
      // Earlier versions laid everything over black.
      alpha: z.enum(["drop", "black", "white"]).default("black"),
    })
    .default({ window: "auto", axis: "axial", alpha: "black" }),
  /** Checkpoints from before it was kept have none. */
  split: splitSchema.optional(),
  /** Epochs and optimiser steps behind these weights. */
  epoch: z.number(),
  step: z.number(),
  seed: z.number(),
  licence: z.string(),
  msmaeVersion: z.string(),
});
const kindSchema = z.object({ kind: z.string() });

/** What a checkpoint says of itself: everything needed to build its model and to use it on images. */
export type ModelDescription<C extends ImageModelConfig = ImageModelConfig> = z.infer<typeof commonSchema> & {
  config: C;
};

/** What a checkpoint of a kind says of itself. */
export type DescriptionOf<K extends ModelKind> = ModelDescription<ConfigOf<K>> & FactsOf<K>;
export type PretrainedDescription = DescriptionOf<typeof pretrainedKind>;
export type ClassifierDescription = DescriptionOf<typeof classifierKind>;
export type SegmenterDescription = DescriptionOf<typeof segmenterKind>;

/** The kind of model that a checkpoint describes. */
export function kindOf({ kind }: ModelDescription): ModelKind {
  const known = modelKindNamed(kind);
  if (!known) throw new Error(`a description of an unknown kind, ${kind}`);
  return known;
}

export interface ModelFile {
  description: ModelDescription;
  tensors: ReadonlyMap<string, StoredTensor>;
}

/** The metadata key under which the description stands, as JSON. */
export const descriptionKey = "msmae";

/** Writes weights with their description, atomically. Python's safetensors reads the file as it is. */
export async function writeModelFile(
  path: string,
  description: ModelDescription,
  tensors: ReadonlyMap<string, TensorToStore>,
): Promise<void> {
  await writeSafetensorsFile(path, tensors, { format: "pt", [descriptionKey]: JSON.stringify(description) });
}

/**
 * Reads and verifies a checkpoint; `own` as for {@link readSafetensorsFile}.
 *
 * @throws MsmaeError Checkpoint when it is damaged or describes no model.
 */
export async function readModelFile(path: string, { own = false } = {}): Promise<ModelFile> {
  const { metadata, tensors } = await readSafetensorsFile(await weightsPath(path), { own });
  return { description: described(path, parseDescription(path, metadata)), tensors };
}

/** What a checkpoint says of itself, without reading the weights. @throws MsmaeError as {@link readModelFile}. */
export async function describeModelFile(path: string): Promise<Pick<ModelFile, "description">> {
  const { metadata } = await readSafetensorsHeader(await weightsPath(path));
  return { description: described(path, parseDescription(path, metadata)) };
}

export interface TensorSummary {
  key: string;
  dtype: string;
  shape: readonly number[];
}

function described(path: string, description: ModelDescription | undefined): ModelDescription {
  if (description) return description;
  throw undescribed(path, "none");
}

function undescribed(path: string, got: string, cause?: unknown): MsmaeError {
  const expected = `metadata "${descriptionKey}" that describes the model`;
  return new MsmaeError(
    "Checkpoint",
    { where: path, expected, got, todo: "use a checkpoint written by msmae" },
    { cause },
  );
}

/**
 * What a file's metadata say of its model; undefined where another program wrote them.
 *
 * @throws MsmaeError Checkpoint for a description that cannot be read.
 */
export function parseDescription(
  path: string,
  metadata: Readonly<Record<string, string>>,
): ModelDescription | undefined {
  const text = metadata[descriptionKey];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw undescribed(path, "text that is not JSON", cause);
  }
  const kind = modelKindNamed(kindSchema.safeParse(value).data?.kind ?? "");
  if (!kind)
    throw undescribed(
      path,
      `none of ${modelKinds()
        .map(({ name }) => name)
        .join(", ")} under "kind"`,
    );
  const parsed = commonSchema.extend({ config: kind.config }).and(kind.facts).safeParse(value);
  // What stands beside the common part belongs to the kind, as its name tells.
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw undescribed(path, issues.join("; "));
}
