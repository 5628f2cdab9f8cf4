import { type ExportInput, type ExportOptions, resolveOptions, verbs } from "../config/index.ts";
import type { PortTensor } from "../engine/onnx/portable.ts";
import { describeModelFile, kindOf } from "../interop/model-file.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFile } from "../support/files/output-file.ts";
import { type Draft, written } from "./exporting/draft.ts";
import { beyond, dropOf, Measure, type Measured } from "./exporting/measure.ts";
import { type Plan, planOf, type Quantization } from "./exporting/quantization.ts";
import { trainingDataOf } from "./exporting/training-data.ts";
import { loadFeatureModel } from "./feature-model.ts";
import { encoderOf, type LoadedModel, loadModel } from "./session.ts";

/** What was written for other programs. */
export interface ExportResult {
  path: string;
  /** Extents that are known when the model runs have a name. */
  inputs: readonly PortTensor[];
  outputs: readonly PortTensor[];
  bytes: number;
  /** What quantising took from each metric, and `seconds` from the time of an image; empty where nothing was measured. */
  drop: Readonly<Record<string, number>>;
  /** Present where the model was quantised. */
  quantization?: Quantization;
  /** What `drop` is made from. Present where a data set was given. */
  measured?: Comparison;
}

/** A model in float32 and quantised, on the same images. */
interface Comparison {
  split: ExportOptions["split"];
  /** Images that were read. */
  n: number;
  fp32: FileFigures;
  quantized: FileFigures;
}

/** What one of the files is found to be. */
interface FileFigures {
  metrics: Record<string, number>;
  /** For an image, in batches of the options' size. */
  seconds: number;
}

/**
 * Writes a model as ONNX with its weights, for batches of any size, in standard operators: of version 17, or 21 for weights in 4 bits.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used, or quantising takes more from it than is allowed; Config
 * for options that do not fit its kind; Data where the file may not be written, or the images cannot be read; Device; the
 * signal's reason.
 */
export async function exportModel(input: ExportInput | ExportOptions, hooks: RunHooks = {}): Promise<ExportResult> {
  const options = resolveOptions(verbs.exportModel, input);
  const { checkpoint, output, overwrite, preprocess, dataPath, keepRatio } = options;
  if (!output.endsWith(".onnx")) {
    const [expected, todo] = ["a file name that ends in .onnx", "give it that ending"];
    throw new MsmaeError("Config", { where: "output", expected, got: output, todo });
  }
  const file = await OutputFile.claim(output, { option: "OUT", overwrite, inputs: [checkpoint] });
  const model = await modelOf(options, hooks);
  const encoder = options.attention ? encoderOf(checkpoint, model) : undefined;
  const trainingData = options.trainingData ?? (await trainingDataOf(checkpoint));
  const draft: Draft = { model, encoder, keepRatio, metadata: metadataOf(model, { ...options, trainingData }) };
  const measure = dataPath === undefined ? undefined : await Measure.open(model, { ...options, dataPath }, hooks);
  const plan = await planOf(draft, options, measure, hooks);
  const compared = measure && plan ? await compare(measure, draft, plan, options) : undefined;
  const metadata = { ...draft.metadata, ...(plan && { quantization: JSON.stringify(plainly(plan.told)) }) };
  const { bytes, outputs, input: fed } = written({ ...draft, metadata }, { precision: plan?.precision, preprocess });
  await file.write(bytes);
  return {
    ...{ path: output, inputs: [fed], outputs, bytes: bytes.length, drop: compared?.drop ?? {} },
    ...(plan && { quantization: plan.told }),
    ...(compared && { measured: compared.measured }),
  };
}

/** What a file says of how it was quantised. */
function plainly({ sensitivity: _, ...rest }: Quantization): Omit<Quantization, "sensitivity"> {
  return rest;
}

/** What quantising takes. @throws MsmaeError Checkpoint where that is more than is allowed. */
async function compare(
  measure: Measure,
  draft: Draft,
  { precision }: Plan,
  { split, maxDrop, checkpoint }: ExportOptions,
): Promise<Pick<ExportResult, "drop"> & { measured: Comparison }> {
  const files = [written(draft).bytes, written(draft, { precision }).bytes] as const;
  const plain = await measure.of(files[0], split, "float32");
  const quantized = await measure.of(files[1], split, "quantized");
  const drop = dropOf(plain, quantized);
  const lost = beyond(drop, maxDrop);
  if (lost.length > 0) throw tooMuchLost(checkpoint, lost, { plain, quantized, maxDrop });
  const [before, after] = await measure.seconds(files);
  return {
    drop: { ...drop, seconds: before - after },
    measured: {
      ...{ split, n: plain.n },
      fp32: { metrics: plain.metrics, seconds: before },
      quantized: { metrics: quantized.metrics, seconds: after },
    },
  };
}

function tooMuchLost(
  where: string,
  lost: readonly string[],
  { plain, quantized, maxDrop }: { plain: Measured; quantized: Measured; maxDrop: number },
): MsmaeError {
  const figure = ({ metrics }: Measured, name: string) => (metrics[name] as number).toFixed(4);
  const told = lost.map((name) => `${name} ${figure(quantized, name)} instead of ${figure(plain, name)}`);
  return new MsmaeError("Checkpoint", {
    where,
    expected: `quantising to take at most ${maxDrop} (--max-drop)`,
    got: told.join(", "),
    todo: "keep the most sensitive layers in float32 (--scan val, or --keep-fp32), or allow more",
  });
}

/** The model that is asked for: of a checkpoint without a head its encoder, as where features are. */
async function modelOf(options: ExportOptions, hooks: RunHooks): Promise<LoadedModel> {
  const { checkpoint } = options;
  const { description } = await describeModelFile(checkpoint);
  const features = options.features ?? (kindOf(description).forward ? undefined : "cls");
  if (features === undefined) return loadModel(checkpoint, undefined, { allowPartial: false }, hooks);
  return loadFeatureModel({ checkpoint, features }, hooks);
}

/** What a program must know to use the model, and a reader to judge it. */
function metadataOf(
  { kind, description }: LoadedModel,
  {
    keepRatio,
    licence = description.licence,
    trainingData,
  }: Pick<ExportOptions, "keepRatio" | "licence" | "trainingData">,
): Record<string, string> {
  const { model, classNames, target, temperature, mean, std, config, reading } = description;
  const { inputHeight, inputWidth, inChans } = config;
  return {
    ...{ kind: kind.name, model, classes: JSON.stringify(classNames) },
    ...(target && { target: JSON.stringify(target) }),
    temperature: String(temperature ?? 1),
    ...{ mean: JSON.stringify(mean), std: JSON.stringify(std), channels: String(inChans) },
    input_size: JSON.stringify([inputHeight, inputWidth]),
    ...{ window: reading.window, slice_axis: reading.axis, alpha: reading.alpha },
    ...(keepRatio !== undefined && { keep_ratio: String(keepRatio) }),
    ...(trainingData !== undefined && { training_data: trainingData }),
    ...{ licence, msmae_version: description.msmaeVersion },
    card: `${kind.card.use} It gives ${kind.card.output(classNames)}. Not for use on patients.`,
  };
}
