import { MsmaeError } from "../../support/errors.ts";
import { type DType, onnxNumber } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import { productByWeight } from "../graph/products.ts";
import type { Node, Value } from "../graph/types.ts";
import { ModelWriter, valueInfo } from "./emit.ts";
import { type Emitter, emitted } from "./emitter.ts";
import { onnx } from "./generated/onnx.js";
import { type ProductForm, writeProduct } from "./product-forms.ts";
import { tensorProto } from "./tensor-proto.ts";
import { float16Weight } from "./weight-rounding.ts";

/** The oldest versions that have every operator: ONNX Runtime 1.12 and OpenVINO 2022.3 read them. */
const usual = { opset: 17, irVersion: 8 };
/** Those that have 4-bit integers and blocks of them: ONNX Runtime 1.20 reads them. */
const ofInt4 = { opset: 21, irVersion: 10 };

/** ONNX's number of float16. */
const FLOAT16 = 10;

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
  /** What is written with fewer bits; nothing unless told otherwise. */
  precision?: Precision;
  producerVersion: string;
  metadata: Readonly<Record<string, string>>;
}

/** Which weights are written with fewer bits than float32 has. */
export interface Precision {
  /** By the weight's name: the products of linear layers that are written in a form of their own. */
  products?: ReadonlyMap<string, ProductForm>;
  /** Whether matrices and kernels are stored as float16. They are read as float32 when the model is loaded. */
  float16?: boolean;
}

/** The weights of linear layers, in the order in which they are read: those that may have a {@link ProductForm}. */
export function linearWeights(graphs: readonly Graph[]): string[] {
  const products = graphs.flatMap(({ nodes }) => nodes.map(productByWeight));
  return [...new Set(products.flatMap((product) => (product?.transB ? [product.key] : [])))];
}

/**
 * Writes a model for other programs, with its weights and for batches of any size, in operators of the ONNX standard.
 *
 * @throws MsmaeError UnsupportedOp for an operator that the standard lacks; Checkpoint for weights beyond one file.
 */
export function emitPortable(model: PortableModel): { bytes: Uint8Array; outputs: PortTensor[] } {
  const { name, input, metadata, producerVersion, precision = {} } = model;
  const batch = batchUnlikeExtents(model.graphs(1));
  const graph = merged(name, model.graphs(batch));
  const { opset, irVersion } = [...(precision.products?.values() ?? [])].some(({ bits }) => bits === 4)
    ? ofInt4
    : usual;
  const writes = (node: Node, e: Emitter) => writesProduct(node, e, model);
  const writer = new ModelWriter(graph, "portable", { batch, input: input.name, opset, writes });
  const weights = graph.inputs.filter((value) => value.shape.every((extent) => extent % batch !== 0));
  const stored = weights.map((value) => weightTensor(writer, model, value));
  model.before?.(writer);
  const written = writer.write();
  const read = new Set(written.node?.flatMap((node) => node.input ?? []));
  const initializer = [...(written.initializer ?? []), ...stored.filter((tensor) => read.has(tensor.name as string))];
  const bytes = initializer.reduce((sum, { rawData }) => sum + (rawData?.length ?? 0), 0);
  if (bytes > LARGEST) throw tooLarge(name, bytes);
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

/** Writes the product of a linear layer that has a form of its own. @returns whether it has. */
function writesProduct(node: Node, e: Emitter, { precision, weights }: PortableModel): boolean {
  const product = productByWeight(node);
  const form = product?.transB ? precision?.products?.get(product.key) : undefined;
  if (!product || !form) return false;
  writeProduct(e, node, product, { form, weight: weights(product.key) });
  return true;
}

/** A weight as it stands in the file, under its name or, where it is stored as float16, under one from which that is read. */
function weightTensor(e: Emitter, model: PortableModel, value: Value): onnx.ITensorProto {
  const name = inputName(value);
  const values = model.weights(name);
  if (!model.precision?.float16 || value.shape.length < 2) return tensorProto(name, values, "float32", value.shape);
  const rawData = float16Weight(values);
  if (!rawData) throw beyondFloat16(name);
  const tensor = { name: `${name}/float16`, dataType: FLOAT16, dims: [...value.shape], rawData };
  emitted(e, "Cast", [tensor.name], { to: { int: onnxNumber("float32") } }, name);
  return tensor;
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

/** Several graphs as one: inputs of one name are the same, and a node that several have stands there once. */
function merged(name: string, graphs: readonly Graph[]): Graph {
  const inputs = new Map(graphs.flatMap((graph) => graph.inputs.map((value) => [inputName(value), value] as const)));
  return {
    name,
    inputs: [...inputs.values()],
    outputs: new Map(graphs.flatMap(({ outputs }) => [...outputs])),
    nodes: [...new Set(graphs.flatMap(({ nodes }) => nodes))],
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

function beyondFloat16(where: string): MsmaeError {
  return new MsmaeError("Checkpoint", {
    where,
    expected: "weights within float16, whose largest is 65504",
    got: "one beyond it",
    todo: "leave out --quantize fp16, or choose int8",
  });
}
