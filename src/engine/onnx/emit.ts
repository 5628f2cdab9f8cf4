import { type DType, onnxNumber, toDtype } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import type { Node, OpAttributes, OpName, Shape, Value } from "../graph/types.ts";
import { type AttributeValue, contribDomain, type Emitter, type NodeAttributes } from "./emitter.ts";
import { onnx } from "./generated/onnx.js";
import { lowerings, providerDtype } from "./lowering.ts";
import { checkOperators, type Provider } from "./operators.ts";

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
  for (const node of graph.nodes) {
    const lower = lowerings[node.op] as (node: Node, e: Emitter) => void;
    lower(node, writer);
  }
  return writer.finish();
}

class ModelWriter implements Emitter {
  readonly provider: Provider;
  readonly #graph: Graph;
  readonly #names = new Map<Value, string>();
  readonly #used = new Set<Value>();
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #initializers = new Map<string, onnx.ITensorProto>();
  #counter = 0;

  constructor(graph: Graph, provider: Provider) {
    this.provider = provider;
    this.#graph = graph;
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
  int64 = (values: readonly number[]): string => this.#shared(values, "int64", [values.length]);
  float = (value: number): string => this.#shared([value], "float32", []);

  emit = (
    opType: string,
    input: readonly string[],
    output: readonly string[],
    attributes: NodeAttributes = {},
    domain = "",
  ): void => {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    this.#nodes.push({
      opType,
      domain,
      name: `${opType}_${this.#nodes.length}`,
      input: [...input],
      output: [...output],
      attribute,
    });
  };

  finish(): Uint8Array {
    for (const [name, value] of this.#graph.outputs) {
      if (this.name(value) !== name) this.emit("Identity", [this.name(value)], [name]);
    }
    const used = this.#nodes.map(({ domain, opType }) => (domain ? `${domain}:${opType}` : String(opType)));
    checkOperators(`graph "${this.#graph.name}"`, used, this.provider);
    const model = onnx.ModelProto.create({
      irVersion,
      producerName: "msmae",
      opsetImport: [
        { domain: "", version: opset },
        { domain: contribDomain, version: 1 },
      ],
      graph: {
        name: this.#graph.name,
        node: inOrderOfRelease(this.#nodes),
        initializer: [...this.#initializers.values()],
        input: this.#graph.inputs.map((value) => this.#info(inputName(value), value)),
        output: [...this.#graph.outputs].map(([name, value]) => this.#info(name, value)),
      },
    });
    return onnx.ModelProto.encode(model).finish();
  }

  /** Large constants of one repeated number (zeros, mostly) are written as that number and its Expand. */
  #writeConstant(name: string, { data, dtype, shape }: OpAttributes["Constant"]): void {
    if (data.length > largestTable && dtype === "float32" && data.every((x) => x === data[0])) {
      this.emit("Expand", [this.float(data[0] as number), this.int64(shape)], [name]);
    } else {
      this.#initializers.set(name, tensorProto(name, data, providerDtype(dtype, this.provider), shape));
    }
  }

  #info(name: string, { dtype, shape }: Value): onnx.IValueInfoProto {
    return valueInfo(name, providerDtype(dtype, this.provider), shape);
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

function tensorProto(name: string, data: ArrayLike<number>, dtype: DType, dims: Shape): onnx.ITensorProto {
  // Typed arrays are little-endian on every platform that Node and browsers run on, as raw_data must be.
  const rawData = new Uint8Array(toDtype(dtype, data).buffer);
  return { name, dataType: onnxNumber(dtype), dims: [...dims], rawData };
}

function valueInfo(name: string, dtype: DType, shape: Shape): onnx.IValueInfoProto {
  return {
    name,
    type: { tensorType: { elemType: onnxNumber(dtype), shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
  };
}
