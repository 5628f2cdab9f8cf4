import type { Graph } from "../../engine/graph/graph.ts";
import { inputName } from "../../engine/graph/graph.ts";
import { emitPortable, linearWeights, type PortTensor, type Precision } from "../../engine/onnx/portable.ts";
import { exportedInput, inputNodes } from "../../method/input-nodes.ts";
import { attentionMapGraph } from "../../method/models/attention-maps.ts";
import type { EncoderConfig } from "../../method/models/config.ts";
import { packageVersion } from "../../support/version.ts";
import { meaningGraph } from "../exported-outputs.ts";
import type { LoadedModel } from "../session.ts";

/** What is written of a model, but for how its weights are. */
export interface Draft {
  model: LoadedModel;
  /** Whose attention is an output too; none where it is undefined. */
  encoder?: EncoderConfig | undefined;
  /** Share of the patches that a classifier runs on but for its first blocks; all of them where it is undefined. */
  keepRatio?: number | undefined;
  metadata: Readonly<Record<string, string>>;
}

/** How a draft is written. */
export interface Writing {
  precision?: Precision;
  /** Take the pixels of files. */
  preprocess?: boolean;
  /** Outputs beside the model's own, for a batch. */
  further?(graphs: readonly Graph[]): Graph;
}

/** A written model. */
export interface Written {
  bytes: Uint8Array;
  input: PortTensor;
  outputs: readonly PortTensor[];
}

/** Writes a model for other programs. @throws MsmaeError as {@link emitPortable} does. */
export function written(draft: Draft, { precision = {}, preprocess = false, further }: Writing = {}): Written {
  const { description, store } = draft.model;
  const { config, mean, std } = description;
  const input = exportedInput(config, preprocess);
  const normalization = preprocess ? { mean, std } : undefined;
  const takesPatches = forwardOf(draft, 1).inputs.some((value) => inputName(value) === "patches");
  const file = emitPortable({
    name: description.model,
    graphs: (batch) => {
      const graphs = graphsOf(draft, batch);
      return further ? [...graphs, further(graphs)] : graphs;
    },
    input,
    before: (e) => inputNodes(e, config, { normalization, takes: takesPatches ? "patches" : "images" }),
    weights: (name) => store.parameter(name),
    producerVersion: packageVersion,
    metadata: draft.metadata,
    precision,
  });
  return { ...file, input };
}

/** The weights of its linear layers, in their order. */
export function weightsOfLayers(draft: Draft): string[] {
  return linearWeights(graphsOf(draft, 1));
}

function graphsOf(draft: Draft, batch: number): Graph[] {
  const forward = forwardOf(draft, batch);
  return draft.encoder ? [forward, attentionMapGraph(draft.encoder, batch)] : [forward];
}

function forwardOf({ model, keepRatio }: Draft, batch: number): Graph {
  return meaningGraph(model.kind, model.description, batch, keepRatio);
}
