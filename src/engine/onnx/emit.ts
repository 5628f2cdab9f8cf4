import { type DType, onnxNumber } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import type { Node, OpAttributes, OpName, Shape, Value } from "../graph/types.ts";
import { type AttributeValue, contribDomain, type Emitter, emitted, type NodeAttributes } from "./emitter.ts";
import { onnx } from "./generated/onnx.js";
import { lowerings, providerDtype } from "./lowering.ts";
import { checkOperators, type Provider, type Target } from "./operators.ts";
import { tensorProto } from "./tensor-proto.ts";

/** ONNX opset and IR versions that the emitted operators are taken from. */
const opset = 21;
const irVersion = 10;

/** Repetitive constants of more elements than this are computed when the model runs. */
const largestTable = 4096;

/**
 * Writes a graph as the bytes of an ONNX ModelProto for one execution provider. For WebGPU, int64 inputs and constants
 * become int32 (see {@link providerDtype}).
 *
 * @throws MsmaeError UnsupportedOp naming every operator that the provider lacks.
 */
export function emitOnnx(graph: Graph, provider: Provider = "cpu"): Uint8Array {
  const writer = new ModelWriter(graph, provider);
  const model = onnx.ModelProto.create({
    irVersion,
    producerName: "msmae",
    opsetImport: [
      { domain: "", version: opset },
      { domain: contribDomain, version: 1 },
    ],
    graph: writer.write(),
  });
  return onnx.ModelProto.encode(model).finish();
}

/** How a graph that was built for one batch is written for all of them. */
export interface AnyBatch {
  /** The batch that it was built for. An extent that this divides is so many batches; no other extent is divisible by it. */
  batch: number;
  /** The model's input whose first extent is the batch at run time. */
  input: string;
  /** Of ONNX's own operators. */
  opset: number;
  /** Writes a node in a form of its own, where it has one, and says so. */
  writes?(node: Node, e: Emitter): boolean;
}

/** Writes the nodes of a graph, for one batch or for any. */
export class ModelWriter implements Emitter {
  readonly provider: Target;
  readonly opset: number;
  readonly #graph: Graph;
  readonly #anyBatch: AnyBatch | undefined;
  /** Of models for any batch: what has been written, and the names of results that others have already. */
  readonly #written = new Map<string, readonly string[]>();
  readonly #same = new Map<string, string>();
  readonly #names = new Map<Value, string>();
  readonly #used = new Set<Value>();
  readonly #made = new Map<string, Map<Value, unknown>>();
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #initializers = new Map<string, onnx.ITensorProto>();
  #counter = 0;

  constructor(graph: Graph, provider: Target, anyBatch?: AnyBatch) {
    this.provider = provider;
    this.opset = anyBatch?.opset ?? opset;
    this.#graph = graph;
    this.#anyBatch = anyBatch;
    for (const [name, value] of graph.outputs) {
      this.#used.add(value);
      // The first output that a computed value serves gives it its name; others become Identity nodes.
      if (!isLeaf(value) && !this.#names.has(value)) this.#names.set(value, name);
    }
    for (const node of graph.nodes) for (const input of node.inputs) this.#used.add(input);
  }

  name = (value: Value): string => {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = value.node.op === "Input" ? inputName(value) : this.fresh();
    this.#names.set(value, name);
    if (value.node.op === "Constant") {
      this.#writeConstant(name, value.node.attributes as OpAttributes["Constant"]);
    }
    return name;
  };

  isUsed = (value: Value): boolean => this.#used.has(value);
  number = (): number => this.#counter++;

  fresh = (): string => `v${this.number()}`;
  float = (value: number): string => this.#shared([value], "float32", []);
  uint8 = (value: number): string => this.#shared([value], "uint8", []);

  int64 = (values: readonly number[]): string =>
    values.some((value) => this.#batches(value) !== undefined)
      ? this.#computed(values)
      : this.#shared(values, "int64", [values.length]);

  // The extent that grows with the batch is what the others leave: there is one, since the elements grow with it too.
  reshape = (shape: Shape): string =>
    this.int64(shape.map((extent) => (this.#batches(extent) === undefined ? extent : -1)));

  once = <T>(name: string, value: Value, make: () => T): T => {
    const made = this.#made.get(name) ?? new Map<Value, unknown>();
    this.#made.set(name, made);
    if (!made.has(value)) made.set(value, make());
    // Each name stands for one kind of result.
    return made.get(value) as T;
  };

  floats = (values: readonly number[], shape: Shape): string => {
    const name = this.fresh();
    this.#initializers.set(name, tensorProto(name, values, "float32", shape));
    return name;
  };

  initializer = (tensor: onnx.ITensorProto & { name: string }): string => {
    this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  };

  emit = (
    opType: string,
    input: readonly string[],
    output: readonly string[],
    attributes: NodeAttributes = {},
    domain = "",
  ): void => {
    const read = input.map((name) => this.#same.get(name) ?? name);
    if (this.#anyBatch && this.#isWritten(JSON.stringify([opType, read, attributes]), output)) return;
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    this.#nodes.push({
      opType,
      domain,
      name: `${opType}_${this.#nodes.length}`,
      input: read,
      output: [...output],
      attribute,
    });
  };

  /** @throws MsmaeError UnsupportedOp naming every operator that the target lacks. */
  write(): onnx.IGraphProto {
    for (const node of this.#graph.nodes) {
      if (this.#anyBatch?.writes?.(node, this)) continue;
      const lower = lowerings[node.op] as (node: Node, e: Emitter) => void;
      lower(node, this);
    }
    for (const [name, value] of this.#graph.outputs) {
      if (this.name(value) !== name) this.emit("Identity", [this.name(value)], [name]);
    }
    const used = this.#nodes.map(({ domain, opType }) => (domain ? `${domain}:${opType}` : String(opType)));
    checkOperators(`graph "${this.#graph.name}"`, used, this.provider);
    return {
      name: this.#graph.name,
      node: inOrderOfRelease(this.#nodes),
      initializer: [...this.#initializers.values()],
      input: this.#graph.inputs.map((value) => this.#info(inputName(value), value)),
      output: [...this.#graph.outputs].map(([name, value]) => this.#info(name, value)),
    };
  }

  /** How many batches an extent is; undefined where it is none, or the graph is for one batch. */
  #batches(extent: number): number | undefined {
    const { batch } = this.#anyBatch ?? {};
    return batch === undefined || extent === 0 || extent % batch !== 0 ? undefined : extent / batch;
  }

  /** A vector of which some numbers are batches, when the model runs. */
  #computed(values: readonly number[]): string {
    const input = (this.#anyBatch as AnyBatch).input;
    const batch = emitted(this, "Shape", [input], { start: { int: 0 }, end: { int: 1 } });
    const parts = values.map((value) => {
      const batches = this.#batches(value);
      if (batches === undefined) return this.int64([value]);
      return batches === 1 ? batch : emitted(this, "Mul", [batch, this.int64([batches])]);
    });
    return parts.length === 1 ? (parts[0] as string) : emitted(this, "Concat", parts, { axis: { int: 0 } });
  }

  /** Whether the same node stands there already, whose results are then read in place of these. */
  #isWritten(node: string, output: readonly string[]): boolean {
    const before = this.#written.get(node);
    const isNew = output.some((name) => this.#graph.outputs.has(name)) || (before?.length ?? 0) < output.length;
    if (isNew) this.#written.set(node, output);
    else for (const [i, name] of output.entries()) this.#same.set(name, (before as readonly string[])[i] as string);
    return !isNew;
  }

  /** Large constants of one repeated number (zeros, mostly) are written as that number and its Expand. */
  #writeConstant(name: string, { data, dtype, shape }: OpAttributes["Constant"]): void {
    const grows = shape.some((extent) => this.#batches(extent) !== undefined);
    const repeats = dtype === "float32" && data.every((x) => x === data[0]);
    if (grows && !repeats) throw new Error(`graph "${this.#graph.name}" has a table for each image of a batch`);
    if (grows || (data.length > largestTable && repeats)) {
      this.emit("Expand", [this.float(data[0] as number), this.int64(shape)], [name]);
    } else {
      this.#initializers.set(name, tensorProto(name, data, providerDtype(dtype, this.provider), shape));
    }
  }

  #info(name: string, { dtype, shape }: Value): onnx.IValueInfoProto {
    const extents = shape.map((extent) => {
      const batches = this.#batches(extent);
      return batches === undefined ? extent : batches === 1 ? "batch" : `${batches}*batch`;
    });
    return valueInfo(name, providerDtype(dtype, this.provider), extents);
  }

  #shared(values: readonly number[], dtype: DType, shape: Shape): string {
    const name = `${dtype}_${values.join("_")}_${shape.length}`;
    if (!this.#initializers.has(name)) this.#initializers.set(name, tensorProto(name, values, dtype, shape));
    return name;
  }
}

/**
 * The nodes with those that nothing reads (gradients of parameters, mostly) moved to the end, the first made last.
 * ONNX Runtime walks back from such ends, the later before the earlier, and runs what each needs. In order of creation
 * that would run the whole chain of derivatives before the first gradient of a weight, with every activation and every
 * derivative held to the end; so arranged, each gradient is computed as soon as it can be, and what it read is released.
 */
function inOrderOfRelease(nodes: readonly onnx.INodeProto[]): onnx.INodeProto[] {
  const read = new Set(nodes.flatMap(({ input }) => input ?? []));
  const isRead = ({ output }: onnx.INodeProto) => (output ?? []).some((name) => read.has(name));
  return [...nodes.filter(isRead), ...nodes.filter((node) => !isRead(node)).reverse()];
}

function isLeaf({ node }: Value): boolean {
  const op: OpName = node.op;
  return op === "Input" || op === "Constant";
}

function attributeProto(name: string, value: AttributeValue): onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if ("int" in value) return { name, type: AttributeType.INT, i: value.int };
  if ("float" in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value.ints] };
}

/** @param shape extents, and names of those that are known when the model runs. */
export function valueInfo(name: string, dtype: DType, shape: readonly (number | string)[]): onnx.IValueInfoProto {
  const dim = shape.map((extent) => (typeof extent === "number" ? { dimValue: extent } : { dimParam: extent }));
  return { name, type: { tensorType: { elemType: onnxNumber(dtype), shape: { dim } } } };
}
