import { mkdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { type ConvertInput, type ConvertOptions, resolveOptions, verbs } from "../config/index.ts";
import { initialStore } from "../engine/parameters/initial-store.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import type { EncoderConfig, ImageModelConfig } from "../method/models/config.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFile } from "../support/files/output-file.ts";
import { packageVersion } from "../support/version.ts";
import { type Checkpoint, type ForeignSource, forChannels, readCheckpoint } from "./checkpoint.ts";
import { writeTorchFile } from "./containers/torch-save.ts";
import { foreignModel } from "./foreign-model.ts";
import { loadLine } from "./load-line.ts";
import { loadWeights, type WeightMapping } from "./load-weights.ts";
import { kindOf, type ModelDescription, writeModelFile } from "./model-file.ts";
import { destinations } from "./outgoing/registry.ts";
import type { TensorToStore } from "./safetensors.ts";
import { writeSafetensorsFile } from "./safetensors-file.ts";
import { fitted } from "./starting-weights.ts";

/** What conversion made of a checkpoint. */
export interface Conversion {
  /** Of the checkpoint that was read. */
  layout: string;
  /** Whose classes load what was written. */
  to: ConvertOptions["to"];
  path: string;
  /** Files that were written beside it. */
  beside: readonly string[];
  kind: string;
  /** The preset's name; "unknown" where the sizes are those of none. */
  model: string;
  /** How many were written. */
  tensors: number;
  /** Keys of our model that the checkpoint lacks: zero, or a fixed table. */
  missing: readonly string[];
  /** Keys that were left out: of the checkpoint, and of our model where it leaves. */
  unexpected: readonly string[];
  /** Our keys of tensors that were brought to another size. */
  reshaped: readonly string[];
  /** What was computed, a phrase each. */
  notes: readonly string[];
  mean: readonly number[];
  std: readonly number[];
  /** The class of another program that loads it, and how it is made; absent for one of ours. */
  loads?: string;
}

/**
 * Converts a checkpoint: of another program to one of ours that describes itself, and of ours, or of one program, to that of
 * another.
 *
 * @throws MsmaeError Checkpoint for a damaged file or a model that cannot be brought over, Config for options that do not fit
 * it, Data where the output may not be written.
 */
export async function convert(input: ConvertInput | ConvertOptions, hooks: RunHooks = {}): Promise<Conversion> {
  const options = resolveOptions(verbs.convert, input);
  const { checkpoint: path, output, overwrite, to } = options;
  const torch = isTorchName(options);
  const claim = (file: string) => OutputFile.claim(file, { option: "OUT", overwrite, inputs: [path] });
  await claim(output);
  const checkpoint = await readCheckpoint(path, options);
  const { kind, description } = described(path, checkpoint, options);
  const { tensors, report } = rebuilt(path, checkpoint, { kind, description }, options);
  const { mean, std, config } = description;
  const here = { mean, std, normEpsilon: kind.encoder(config)?.normEpsilon };
  hooks.onEvent?.({ type: "note", message: loadLine(path, report.start, report, here) });

  const { source } = checkpoint;
  const departure = to === "msmae" ? undefined : destinations[to].depart({ where: path, description, tensors });
  const facts = { ...factsOf(description), ...departure?.facts };
  const told = torch ? { [`${basename(output, extname(output))}.json`]: facts } : {};
  const beside = Object.entries({ ...told, ...departure?.beside }).map(
    ([name, value]) => [join(dirname(output), name), value] as const,
  );
  const claimed = await Promise.all(beside.map(async ([file, value]) => [await claim(file), value] as const));
  await mkdir(dirname(output), { recursive: true });
  if (departure && torch) await writeTorchFile(output, departure.tensors, departure.under);
  else if (departure) await writeSafetensorsFile(output, departure.tensors, metadataOf(facts));
  else await writeModelFile(output, description, tensors);
  for (const [file, value] of claimed) await file.write(`${JSON.stringify(value, null, 2)}\n`);
  return {
    ...{ layout: source?.layout ?? "msmae", to, path: output, beside: beside.map(([file]) => file) },
    ...{ kind: kind.name, model: description.model, tensors: (departure?.tensors ?? tensors).size },
    missing: [...report.fresh, ...(source?.zero ?? [])],
    unexpected: [...(source?.dropped ?? []), ...report.dropped, ...(departure?.dropped ?? [])],
    reshaped: [...report.start.resized.keys()],
    notes: [...(source?.notes ?? []), ...report.start.resized.values()],
    ...{ mean, std, ...(departure && { loads: departure.loads }) },
  };
}

interface Described {
  kind: ModelKind;
  description: ModelDescription;
}

/** The model that is to come of a checkpoint. */
function described(path: string, { description, source, tensors }: Checkpoint, options: ConvertOptions): Described {
  if (description) {
    const config = { ...description.config, ...sizesOf(options, description.config) };
    const { mean, std } = normalization(description, config, options);
    return { kind: kindOf(description), description: { ...description, config, mean, std } };
  }
  if (!source) throw notForeign(path);
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const { inputSize, numHeads = source.facts.numHeads, decoderNumHeads = source.facts.decoderHeads } = options;
  const unsaid = { ...source.facts, numHeads, decoderHeads: decoderNumHeads, otherwise: inputSize };
  const { kind, model, config: own, classes } = foreignModel(path, shapes, unsaid);
  const config = { ...own, ...sizesOf(options, own) };
  return { kind, description: foreignDescription(source, { kind, model, config, classes }, options) };
}

function foreignDescription(
  source: ForeignSource,
  { kind, model, config, classes }: Pick<Described, "kind"> & { model: string; config: EncoderConfig; classes: number },
  options: ConvertOptions,
): ModelDescription {
  const named = source.facts.classNames;
  const numbered = Array.from({ length: classes }, (_, index) => `class ${index}`);
  const fact = kind.name === "pretrained" ? { normPixLoss: source.facts.normPixLoss ?? false } : {};
  return {
    kind: kind.name,
    ...{ model, config },
    classNames: named?.length === classes ? [...named] : numbered,
    ...normalization(source.normalization, config, options),
    reading: { window: "auto", axis: "axial", alpha: "drop" },
    ...{ epoch: 0, step: 0, seed: 0, licence: source.facts.licence ?? "other", msmaeVersion: packageVersion },
    ...fact,
  };
}

/** The sizes that were asked for, where they are others. */
function sizesOf({ inputSize, patchSize, inChans }: ConvertOptions, config: ImageModelConfig) {
  return {
    inputHeight: inputSize?.height ?? config.inputHeight,
    inputWidth: inputSize?.width ?? config.inputWidth,
    inChans: inChans ?? config.inChans,
    ...(patchSize !== undefined && { patchSize }),
  };
}

function normalization(
  own: Pick<ModelDescription, "mean" | "std"> | ForeignSource["normalization"],
  { inChans }: ImageModelConfig,
  { mean, std }: ConvertOptions,
) {
  return forChannels({ mean: mean ?? own.mean, std: std ?? own.std }, inChans);
}

/** The model's tensors in float32, under our keys, and what became of the checkpoint's. */
function rebuilt(path: string, checkpoint: Checkpoint, { kind, description }: Described, options: ConvertOptions) {
  const { config } = description;
  const antialias = options.resizePositions === "bicubic-antialias";
  const start = fitted(path, checkpoint, kind.encoder(config), { antialias, resizePatches: options.resizePatches });
  const specs = kind.specs(config);
  // Fixed tables have their values; what else is new is made zero.
  const store = initialStore(specs, 0, { gradients: false, moments: false });
  const mapping = start.resized.has("pos_embed") || start.source ? fromOthers(start.tensors, start.resized) : undefined;
  const loaded = loadWeights(store, start.tensors, { where: path, ...(mapping && { mapping }) });
  for (const key of loaded.fresh) if (key !== "decoder_pos_embed") store.parameter(key).fill(0);
  const tensors = new Map<string, TensorToStore>(
    specs.map(({ name, shape }) => [name, { shape, data: store.parameter(name) }]),
  );
  return { tensors, report: { ...loaded, start } };
}

/** A model to reconstruct with has a head here, which others lack; its decoder's table is that of the grid. */
function fromOthers(tensors: ReadonlyMap<string, unknown>, resized: ReadonlyMap<string, string>): WeightMapping {
  const decoderTable = resized.has("pos_embed") ? "decoder_pos_embed" : undefined;
  const headless = tensors.has("decoder_embed.weight") && !tensors.has("head.weight");
  return {
    rename: (key) => (key === decoderTable ? undefined : key),
    fresh: (key) => key === decoderTable || (headless && key.startsWith("head.")),
  };
}

/** What is to be known of a model beside its weights, where their file does not describe it as ours do. */
function factsOf({ mean, std, classNames, licence }: ModelDescription) {
  return { mean, std, class_names: classNames, licence };
}

function metadataOf(facts: object): Record<string, string> {
  const texts = Object.entries(facts).map(([name, value]) => {
    return [name, typeof value === "string" ? value : JSON.stringify(value)] as const;
  });
  return Object.fromEntries(texts);
}

/**
 * Whether a file of torch.save is to be written, by its name.
 *
 * @throws MsmaeError Config for other names, and for a model of ours, which describes itself in metadata.
 */
function isTorchName({ output, to }: ConvertOptions): boolean {
  if (output.endsWith(".safetensors")) return false;
  const isTorch = [".pth", ".pt", ".bin"].includes(extname(output));
  if (isTorch && to !== "msmae") return true;
  throw new MsmaeError("Config", {
    where: "output",
    expected: isTorch
      ? "a file name that ends in .safetensors, for a model of ours"
      : "a file name that ends in .safetensors, .pth, .pt or .bin",
    got: output,
    todo: isTorch ? "say with --to timm, mae, hf or pytorch whose classes are to load it" : "choose another name",
  });
}

function notForeign(path: string): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where: path,
    expected: "a checkpoint of ours, or one with a vision transformer in a layout of docs/interop.md",
    got: "neither",
    todo: "say its layout with --from; other networks are taken by --finetune alone",
  });
}
