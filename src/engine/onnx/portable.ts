import { MsmaeError } from "../../support/errors.ts";
import type { DType } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import { sizeOf } from "../graph/shape.ts";
import { ModelWriter, tensorProto, valueInfo } from "./emit.ts";
import type { Emitter } from "./emitter.ts";
import { onnx } from "./generated/onnx.js";

/** The oldest versions that have every operator: ONNX Runtime 1.12 and OpenVINO 2022.3 read them. */
const opset = 17;
const irVersion = 8;

/** Bytes of a protobuf message. */
const LARGEST = 2 ** 31 - 2 ** 20;

/** A tensor that a model takes or gives; extents that are known when it runs have a name. */
export interface PortTensor {
  name: string;
  dtype: DType;
  shape: readonly (number | string)[];
}

export interface PortableModel {
  name: string;
  /** The graphs for a batch, whose outputs have names of their own; what they have in common is written once. */
  graphs(batch: number): readonly Graph[];
  /** What is fed, the batch first. */
  input: PortTensor;
  /** Writes the nodes that make of `input` the graphs' own input, if these differ. */
  before?(e: Emitter): void;
  /** Values of the graphs' other inputs. */
  weights(name: string): Float32Array;
  producerVersion: string;
  metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a model for other programs, with its weights and for batches of any size, in operators of the ONNX standard.
 *
 * @throws MsmaeError UnsupportedOp for an operator that the standard lacks; Checkpoint for weights beyond one file.
 */
export function emitPortable(model: PortableModel): { bytes: Uint8Array; outputs: PortTensor[] } {
  const { name, input, metadata, producerVersion } = model;
  const batch = batchUnlikeExtents(model.graphs(1));
  const graph = merged(name, model.graphs(batch));
  const writer = new ModelWriter(graph, "portable", { batch, input: input.name });
  model.before?.(writer);
  const written = writer.write();
  const fed = graph.inputs.filter((value) => value.shape.some((extent) => extent % batch === 0));
  const weights = graph.inputs.filter((value) => !fed.includes(value));
  const initializer = [...(written.initializer ?? [])];
  const bytes = weights.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  if (bytes > LARGEST) throw tooLarge(name, bytes);
  for (const value of weights) {
    initializer.push(tensorProto(inputName(value), model.weights(inputName(value)), "float32", value.shape));
  }
  const proto = onnx.ModelProto.create({
    ...{ irVersion, producerName: "msmae", producerVersion, opsetImport: [{ domain: "", version: opset }] },
    graph: { ...written, initializer, input: [valueInfo(input.name, input.dtype, input.shape)] },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  const outputs = [...graph.outputs].map(([output, { dtype, shape }]) => ({
    ...{ name: output, dtype },
    shape: shape.map((extent) => (extent === batch ? "batch" : extent)),
  }));
  return { bytes: onnx.ModelProto.encode(proto).finish(), outputs };
}

/** A prime that divides no extent of graphs for one image: in those for so many, what it divides grows with the batch. */
function batchUnlikeExtents(graphs: readonly Graph[]): number {
  const extents = new Set(
    graphs.flatMap(({ nodes }) => nodes.flatMap(({ outputs }) => outputs.flatMap((o) => o.shape))),
  );
  const primes = [1009, 1013, 1019, 1021, 1031, 1033, 1039, 1049];
  const found = primes.find((prime) => [...extents].every((extent) => extent === 0 || extent % prime !== 0));
  if (found === undefined) throw new Error(`every one of ${primes.join(", ")} divides an extent`);
  return found;
}

/** Several graphs as one: inputs of one name are the same. */
function merged(name: string, graphs: readonly Graph[]): Graph {
  const inputs = new Map(graphs.flatMap((graph) => graph.inputs.map((value) => [inputName(value), value] as const)));
  return {
    name,
    inputs: [...inputs.values()],
    outputs: new Map(graphs.flatMap(({ outputs }) => [...outputs])),
    nodes: graphs.flatMap(({ nodes }) => nodes),
  };
}

function tooLarge(where: string, bytes: number): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where,
    expected: "weights that one ONNX file holds, 2 GiB",
    got: `${bytes} bytes`,
    todo: "export a smaller model",
  });
}
