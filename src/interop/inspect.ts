import { type InspectInput, type InspectOptions, resolveOptions, verbs } from "../config/index.ts";
import { sameShape, sizeOf } from "../engine/graph/shape.ts";
import type { Normalization } from "../images/transforms/normalize.ts";
import { classifierKind } from "../method/kinds/classifier.ts";
import { networkKinds } from "../method/kinds/networks.ts";
import { modelKinds } from "../method/kinds/registry.ts";
import { modelShape } from "../method/kinds/shape.ts";
import { messageOf } from "../support/errors.ts";
import { factsBeside } from "./beside-files.ts";
import type { Shapes } from "./layouts/layout.ts";
import { ownForm } from "./layouts/own-form.ts";
import { recognise } from "./layouts/registry.ts";
import { type ModelDescription, parseDescription, type TensorSummary } from "./model-file.ts";
import { readTensorFile } from "./tensor-file.ts";

/** What a checkpoint holds. What another program's file does not say is guessed from its keys, or left empty. */
export interface Inspection {
  /**
   * The kind of model, `pretrained` with a decoder or `classifier` with a head, `resnet` and others by name; `encoder` for a
   * vision transformer that is none of these; `training-state` is what a run keeps beside its weights; `unknown` holds no
   * model under timm's keys.
   */
  kind: string;
  /** The preset's name; "unknown" where the sizes are those of none. */
  model: string;
  /** 0 without a head. */
  numClasses: number;
  classNames: readonly string[];
  /** Pixels; null where the file does not say and the grid is not square. */
  inputSize: { height: number; width: number } | null;
  /** Per channel, on pixels scaled to [0, 1]; of another program's model as it, or its layout, has them. */
  mean: readonly number[];
  std: readonly number[];
  /** Elements of all tensors together, fixed position tables included. */
  parameters: number;
  /** Whether the file describes itself; else what stands here was read off its keys. */
  described: boolean;
  /** Everything else the file says of its model. */
  details: Readonly<Record<string, unknown>>;
  keys: readonly TensorSummary[];
}

/**
 * Says what a checkpoint of any format holds, given by its path or as the verb's options. Its weights are read only to compare
 * them with the checksum, where there is one.
 *
 * @throws MsmaeError Checkpoint when the file is of no known format, is cut short, altered, or describes itself wrongly.
 */
export async function inspect(input: InspectInput | InspectOptions | string): Promise<Inspection> {
  const { checkpoint: path } = resolveOptions(verbs.inspect, typeof input === "string" ? { checkpoint: input } : input);
  const { metadata, entries } = await readTensorFile(path, { keep: () => false });
  const keys = [...entries].map(([key, { dtype, shape }]) => ({ key, dtype, shape }));
  const description = parseDescription(path, metadata);
  if (description) return describedInspection(description, keys);
  return guessNetwork(keys, metadata) ?? guess(keys, metadata, await foreignModelIn(path, keys));
}

function describedInspection(description: ModelDescription, keys: TensorSummary[]): Inspection {
  const { kind, model, classNames, mean, std, config, ...rest } = description;
  const { inputHeight, inputWidth, numClasses, ...sizes } = config;
  return {
    kind,
    model,
    numClasses,
    classNames,
    inputSize: { height: inputHeight, width: inputWidth },
    mean,
    std,
    parameters: countElements(keys),
    described: true,
    details: { ...sizes, ...rest },
    keys,
  };
}

/** A network of another program, by the keys and shapes of its tensors; undefined for anything else. */
function guessNetwork(keys: TensorSummary[], metadata: Readonly<Record<string, string>>): Inspection | undefined {
  const shapes = new Map(keys.map(({ key, shape }) => [key, shape]));
  const names = new Set(shapes.keys());
  const kind = networkKinds.find(({ recognises }) => recognises(names));
  const numClasses = kind && shapes.get(`${kind.head}weight`)?.[0];
  if (!kind || numClasses === undefined) return undefined;
  const own = new Map(keys.map(({ key, shape }) => [kind.rename(key, names), shape]));
  const inChans = keys.find(({ shape }) => shape.length === 4)?.shape[1] ?? 0;
  const inputSize = { height: usualSide, width: usualSide };
  const model = Object.keys(kind.presets).find((name) =>
    kind
      .specs(modelShape(kind, { model: name, inputSize, inChans, numClasses }))
      .every(({ name: key, shape }) => sameShape(own.get(key) ?? [], shape)),
  );
  return {
    kind: kind.name,
    model: model ?? "unknown",
    numClasses,
    classNames: [],
    inputSize: null,
    mean: [],
    std: [],
    parameters: countElements(keys),
    described: false,
    details: { inChans, metadata },
    keys,
  };
}

/** Pixels of a side for which other programs' networks are made unless they say otherwise. */
const usualSide = 224;

/** Another program's vision transformer: under our keys where we have a model for it. */
interface ForeignModelIn {
  shapes: Shapes;
  prefix: string;
  layout: string;
  normalization: Normalization;
  classNames: readonly string[];
  /** Why no model of ours can be it. */
  refused?: string;
}

async function foreignModelIn(path: string, keys: readonly TensorSummary[]): Promise<ForeignModelIn | undefined> {
  const file = new Map(keys.map(({ key, shape }) => [key, shape]));
  const found = recognise(file);
  if (!found) return undefined;
  const { layout, wrapper: prefix } = found;
  const { name, normalization } = layout;
  try {
    const facts = await factsBeside(path);
    const { tensors } = ownForm(path, file, found, facts.inputSize ? [facts.inputSize] : []);
    const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
    const said = facts.normalization ?? normalization;
    return { shapes, prefix, layout: name, normalization: said, classNames: facts.classNames ?? [] };
  } catch (error) {
    const refused = messageOf(error);
    return { shapes: found.shapes, prefix, layout: name, normalization, classNames: [], refused };
  }
}

function guess(
  keys: TensorSummary[],
  metadata: Readonly<Record<string, string>>,
  foreign: ForeignModelIn | undefined,
): Inspection {
  const { prefix = "", layout, refused } = foreign ?? {};
  const shapes = foreign?.shapes ?? new Map(keys.map(({ key, shape }) => [key, shape]));
  const kernel = shapes.get("patch_embed.proj.weight");
  const [embedDim = 0, inChans = 0, patchSize = 0] = kernel ?? [];
  const depth = new Set([...shapes.keys()].map((key) => /^blocks\.(\d+)\./.exec(key)?.[1]).filter(Boolean)).size;
  const known = kernel && modelKinds().find(({ recognises }) => recognises(new Set(shapes.keys())));
  const grid = squareGrid(shapes.get("pos_embed"));
  const found = { embedDim, depth, patchSize };
  const preset = Object.entries((known ?? classifierKind).presets).find(([, sizes]) => isMatch(sizes, found));
  return {
    kind: isTrainingState(keys) ? "training-state" : kernel ? (known?.name ?? "encoder") : "unknown",
    model: preset?.[0] ?? "unknown",
    numClasses: shapes.get("head.weight")?.[0] ?? shapes.get("head.1.weight")?.[0] ?? 0,
    classNames: foreign?.classNames ?? [],
    inputSize: kernel && grid ? { height: grid * patchSize, width: grid * patchSize } : null,
    mean: foreign?.normalization.mean ?? [],
    std: foreign?.normalization.std ?? [],
    parameters: countElements(keys),
    described: false,
    details: {
      ...(layout && { layout }),
      ...(refused && { refused }),
      ...(kernel && { embedDim, depth, patchSize, inChans }),
      ...(prefix && { prefix }),
      metadata,
    },
    keys,
  };
}

function isTrainingState(keys: readonly TensorSummary[]): boolean {
  return keys.some(({ key }) => key.startsWith("firstMoment/"));
}

/** Whether a preset has these sizes. */
function isMatch(preset: object, sizes: Readonly<Record<string, number>>): boolean {
  return Object.entries(sizes).every(([name, size]) => name in preset && preset[name as keyof typeof preset] === size);
}

/** Patches per side of a square grid behind a position table [1, L + 1, D], or undefined where it is not square. */
function squareGrid(table: readonly number[] | undefined): number | undefined {
  const side = Math.sqrt((table?.[1] ?? 0) - 1);
  return Number.isInteger(side) && side > 0 ? side : undefined;
}

function countElements(keys: readonly TensorSummary[]): number {
  return keys.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
