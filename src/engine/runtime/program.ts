import { type DType, type TensorData, toDtype } from "../graph/dtypes.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import { optimize } from "../graph/passes/index.ts";
import { quantizedInput } from "../graph/quantized-names.ts";
import type { TensorType } from "../graph/types.ts";
import { emitOnnx } from "../onnx/emit.ts";
import { providerDtype } from "../onnx/lowering.ts";
import type { Provider } from "../onnx/operators.ts";
import {
  type GraphTypes,
  hostBinding,
  hostTensor,
  type ProgramBinding,
  type TensorBinding,
  unbound,
} from "./program-binding.ts";
import type { Backend, HostTensor, Session, SessionTensor } from "./session.ts";

/** A graph ready to be sent to the thread that runs it: model bytes and the types of what goes in and out. */
export interface CompiledGraph extends GraphTypes {
  name: string;
  model: Uint8Array;
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
 * A graph loaded into ONNX Runtime. What its {@link ProgramBinding} names is read and written where it stands: tensors of
 * the store by their names, outputs `grad/<key>`, and the next values of state tensors, `state/<key>`, which wait for
 * {@link Program.commitState}. All other outputs come back as new arrays.
 */
export class Program {
  readonly #graph: CompiledGraph;
  readonly #session: Session;
  readonly #provider: Provider;
  readonly #binding: ProgramBinding;

  private constructor(graph: CompiledGraph, session: Session, provider: Provider, binding: ProgramBinding) {
    this.#graph = graph;
    this.#session = session;
    this.#provider = provider;
    this.#binding = binding;
  }

  static async load(
    backend: Backend,
    graph: CompiledGraph,
    options: { provider: Provider; threads: number; store?: TensorBinding; binding?: ProgramBinding },
  ): Promise<Program> {
    const { provider, threads, store, binding = store ? hostBinding(graph, store) : unbound } = options;
    const outputs = Object.fromEntries(
      Object.entries(graph.outputs).map(([name, { dtype, shape }]) => [
        name,
        { dtype: providerDtype(dtype, provider), shape },
      ]),
    );
    const session = await backend.createSession(graph.model, { provider, threads, outputs });
    return new Program(graph, session, provider, binding);
  }

  /** Runs once. @throws MsmaeError Shape for a missing input or one of the wrong length or dtype. */
  async run(feeds: Feeds): Promise<Outputs> {
    const { inputs: bound, outputs: into } = this.#binding;
    const inputs: Record<string, SessionTensor> = { ...bound };
    for (const [name, type] of Object.entries(this.#graph.inputs)) {
      if (name in inputs) continue;
      const { dtype, shape, data } = hostTensor(`${this.#graph.name}, "${name}"`, type, feeds[name]);
      inputs[name] = { ...inDtype(providerDtype(dtype, this.#provider), dtype, data), shape };
    }
    const results = await this.#session.run(inputs, into);
    return Object.fromEntries(
      Object.entries(this.#graph.outputs).flatMap(([name, { dtype }]) => {
        if (name in into) return [];
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
    this.#binding.commitState();
  }

  /** Copies of the next values of state tensors, by name. */
  nextStates(): Record<string, Float32Array> {
    return this.#binding.nextStates();
  }

  /** Frees what the program holds of ONNX Runtime. */
  release(): Promise<void> {
    return this.#session.release();
  }
}

/** What a provider lacks of a dtype is held in another there. */
function inDtype(wanted: DType, dtype: DType, data: TensorData): { dtype: DType; data: TensorData } {
  return { dtype: wanted, data: wanted === dtype ? data : toDtype(wanted, data) };
}
