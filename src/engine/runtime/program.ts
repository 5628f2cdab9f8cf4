import { MsmaeError } from "../../support/errors.ts";
import { type DType, holds, type TensorData, toDtype } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import { storeOutputKey } from "../graph/output-names.ts";
import { optimize } from "../graph/passes/index.ts";
import { type QuantizedCopy, quantizedInput } from "../graph/quantized-names.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { TensorType } from "../graph/types.ts";
import { emitOnnx } from "../onnx/emit.ts";
import { providerDtype } from "../onnx/lowering.ts";
import type { Provider } from "../onnx/operators.ts";
import type { Backend, HostTensor, Session } from "./session.ts";

/** Where a program finds its parameters and leaves their gradients and next states; the optimiser's store is one. */
export interface TensorBinding {
  has(name: string): boolean;
  parameter(name: string): Float32Array;
  gradient(name: string): Float32Array;
  state(name: string): Float32Array;
  /** What is kept of a weight in int8, by {@link quantizedInputName}. */
  quantized(name: string, copy: QuantizedCopy): Int8Array | Float32Array;
}

/** A graph ready to be sent to the thread that runs it: model bytes and the types of what goes in and out. */
export interface CompiledGraph {
  name: string;
  model: Uint8Array;
  inputs: Record<string, TensorType>;
  outputs: Record<string, TensorType>;
}

/** Optimises a graph and writes it for a provider. */
export function compile(source: Graph, provider: Provider): CompiledGraph {
  const optimized = optimize(source);
  return {
    name: source.name,
    model: emitOnnx(optimized, provider),
    inputs: Object.fromEntries(optimized.inputs.map((value) => [inputName(value), typeOf(value)])),
    outputs: Object.fromEntries([...optimized.outputs].map(([name, value]) => [name, typeOf(value)])),
  };
}

function typeOf({ dtype, shape }: TensorType): TensorType {
  return { dtype, shape };
}

/** Arrays fed by name, each of the kind that its input's dtype asks for: Float32Array, BigInt64Array and so on. */
export type Feeds = Readonly<Record<string, TensorData>>;

/** What a graph gives by name, each an array of the kind that its dtype asks for. */
export type Outputs = Readonly<Record<string, TensorData>>;

/** Those outputs that are float32, by name. */
export function floatsOf(outputs: Outputs): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(outputs).filter((entry): entry is [string, Float32Array] => entry[1] instanceof Float32Array),
  );
}

/**
 * A graph loaded into ONNX Runtime. Inputs that bear the name of a tensor of the store read it in place; outputs
 * `grad/<key>` are written into the store's gradients; the next values of state tensors, `state/<key>`, wait for
 * {@link Program.commitState}; all others come back as new arrays.
 */
export class Program {
  readonly #graph: CompiledGraph;
  readonly #session: Session;
  readonly #provider: Provider;
  readonly #bound: Readonly<Record<string, HostTensor>>;
  readonly #into: Readonly<Record<string, HostTensor>>;
  readonly #states: readonly StateUpdate[];

  private constructor(graph: CompiledGraph, session: Session, provider: Provider, store: TensorBinding | undefined) {
    this.#graph = graph;
    this.#session = session;
    this.#provider = provider;
    this.#bound = bind(Object.entries(graph.inputs), (name) => {
      if (store?.has(name)) return store.parameter(name);
      const quantized = quantizedInput(name);
      return quantized && store?.quantized(quantized.key, quantized.copy);
    });
    const states = new Map(store ? stateUpdates(graph, store) : []);
    this.#states = [...states.values()];
    this.#into = bind(Object.entries(graph.outputs), (name) => {
      const key = storeOutputKey("gradient", name);
      return store && key !== undefined ? store.gradient(key) : states.get(name)?.next;
    });
  }

  static async load(
    backend: Backend,
    graph: CompiledGraph,
    options: { provider: Provider; threads: number; store?: TensorBinding },
  ): Promise<Program> {
    const { provider, threads, store } = options;
    return new Program(graph, await backend.createSession(graph.model, { provider, threads }), provider, store);
  }

  /** Runs once. @throws MsmaeError Shape for a missing input or one of the wrong length or dtype. */
  async run(feeds: Feeds): Promise<Outputs> {
    const inputs: Record<string, HostTensor> = { ...this.#bound };
    for (const [name, type] of Object.entries(this.#graph.inputs)) {
      if (name in inputs) continue;
      const { dtype, shape, data } = hostTensor(this.#graph.name, name, type, feeds[name]);
      inputs[name] = { ...inDtype(providerDtype(dtype, this.#provider), dtype, data), shape };
    }
    const results = await this.#session.run(inputs, this.#into);
    return Object.fromEntries(
      Object.entries(this.#graph.outputs).flatMap(([name, { dtype }]) => {
        if (name in this.#into) return [];
        const result = results[name] as HostTensor;
        return [[name, inDtype(dtype, result.dtype, result.data).data]];
      }),
    );
  }

  /** Whether it reads copies in int8 of weights. */
  get readsQuantized(): boolean {
    return Object.keys(this.#graph.inputs).some((name) => quantizedInput(name));
  }

  /** Takes the next values that the last run gave for state tensors: its step was taken. */
  commitState(): void {
    for (const { current, next } of this.#states) current.set(next);
  }

  /** Copies of the next values of state tensors, by name. */
  nextStates(): Record<string, Float32Array> {
    return Object.fromEntries(this.#states.map(({ name, next }) => [name, next.slice()]));
  }

  /** Frees what the program holds of ONNX Runtime. */
  release(): Promise<void> {
    return this.#session.release();
  }
}

/** A state tensor of the store, and apart from it, since a run may still read the tensor, what the run makes of it. */
interface StateUpdate {
  name: string;
  current: Float32Array;
  next: Float32Array;
}

function stateUpdates({ outputs }: CompiledGraph, store: TensorBinding): [string, StateUpdate][] {
  return Object.keys(outputs).flatMap((name): [string, StateUpdate][] => {
    const key = storeOutputKey("state", name);
    if (key === undefined) return [];
    const current = store.state(key);
    return [[name, { name: key, current, next: new Float32Array(current.length) }]];
  });
}

/** What a provider lacks of a dtype is held in another there. */
function inDtype(wanted: DType, dtype: DType, data: TensorData): { dtype: DType; data: TensorData } {
  return { dtype: wanted, data: wanted === dtype ? data : toDtype(wanted, data) };
}

function bind(
  types: [string, TensorType][],
  viewOf: (name: string) => Float32Array | Int8Array | undefined,
): Record<string, HostTensor> {
  return Object.fromEntries(
    types.flatMap(([name, type]): [string, HostTensor][] => {
      const data = viewOf(name);
      return data ? [[name, hostTensor("parameter store", name, type, data)]] : [];
    }),
  );
}

function hostTensor(where: string, name: string, type: TensorType, data: TensorData | undefined): HostTensor {
  const { dtype, shape } = type;
  if (!holds(dtype, data) || data.length !== sizeOf(shape)) {
    throw new MsmaeError("Shape", {
      where: `${where}, "${name}"`,
      expected: `${dtype} ${formatShape(shape)}`,
      got: data ? `${data.constructor.name} of ${data.length}` : "no value",
      todo: "check what is fed against the graph's inputs",
    });
  }
  return { dtype, shape, data };
}
