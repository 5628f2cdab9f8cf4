import { type ExportInput, type ExportOptions, resolveOptions, verbs } from "../config/index.ts";
import { inputName } from "../engine/graph/graph.ts";
import { emitPortable, type PortTensor } from "../engine/onnx/portable.ts";
import { describeModelFile, kindOf, type ModelDescription } from "../interop/model-file.ts";
import { exportedInput, inputNodes } from "../method/input-nodes.ts";
import type { ModelKind } from "../method/kinds/kind.ts";
import { attentionMapGraph } from "../method/models/attention-maps.ts";
import { MsmaeError } from "../support/errors.ts";
import type { RunHooks } from "../support/events.ts";
import { OutputFile } from "../support/files/output-file.ts";
import { packageVersion } from "../support/version.ts";
import { meaningGraph } from "./exported-outputs.ts";
import { loadFeatureModel } from "./feature-model.ts";
import { encoderOf, type LoadedModel, loadModel } from "./session.ts";

/** What was written for other programs. */
export interface ExportResult {
  path: string;
  /** Extents that are known when the model runs have a name. */
  inputs: readonly PortTensor[];
  outputs: readonly PortTensor[];
  /** By metric, what quantising took from it; empty, since nothing is quantised. */
  drop: Readonly<Record<string, number>>;
}

/**
 * Writes a model as ONNX with its weights, for batches of any size, in standard operators of version 17.
 *
 * @throws MsmaeError Checkpoint when the checkpoint cannot be used; Config for options that do not fit its kind; Data where
 * the file may not be written.
 */
export async function exportModel(input: ExportInput | ExportOptions, hooks: RunHooks = {}): Promise<ExportResult> {
  const options = resolveOptions(verbs.exportModel, input);
  const { checkpoint, output, overwrite, preprocess } = options;
  if (!output.endsWith(".onnx")) {
    const [expected, todo] = ["a file name that ends in .onnx", "give it that ending"];
    throw new MsmaeError("Config", { where: "output", expected, got: output, todo });
  }
  const file = await OutputFile.claim(output, { option: "OUT", overwrite, inputs: [checkpoint] });
  const { kind, description, store } = await modelOf(options, hooks);
  const { config, mean, std } = description;
  const encoder = options.attention ? encoderOf(checkpoint, { kind, description }) : undefined;
  const fed = exportedInput(config, preprocess);
  const normalization = preprocess ? { mean, std } : undefined;
  const takesPatches = meaningGraph(kind, description, 1).inputs.some((value) => inputName(value) === "patches");
  const { bytes, outputs } = emitPortable({
    name: description.model,
    graphs: (batch) => [
      meaningGraph(kind, description, batch),
      ...(encoder ? [attentionMapGraph(encoder, batch)] : []),
    ],
    input: fed,
    before: (e) => inputNodes(e, config, { normalization, takes: takesPatches ? "patches" : "images" }),
    weights: (name) => store.parameter(name),
    producerVersion: packageVersion,
    metadata: metadataOf(kind, description),
  });
  await file.write(bytes);
  return { path: output, inputs: [fed], outputs, drop: {} };
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
function metadataOf(kind: ModelKind, description: ModelDescription): Record<string, string> {
  const { model, classNames, target, temperature, mean, std, config, reading, licence } = description;
  const { inputHeight, inputWidth, inChans } = config;
  return {
    ...{ kind: kind.name, model, classes: JSON.stringify(classNames) },
    ...(target && { target: JSON.stringify(target) }),
    temperature: String(temperature ?? 1),
    ...{ mean: JSON.stringify(mean), std: JSON.stringify(std), channels: String(inChans) },
    input_size: JSON.stringify([inputHeight, inputWidth]),
    ...{ window: reading.window, slice_axis: reading.axis, alpha: reading.alpha },
    ...{ licence, msmae_version: description.msmaeVersion },
    card: `${kind.card.use} It gives ${kind.card.output(classNames)}. Not for use on patients.`,
  };
}
