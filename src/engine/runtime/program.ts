import { MsmaeError } from "../../support/errors.ts";
import { type Graph, inputName } from "../graph/graph.ts";
import { optimize } from "../graph/passes/index.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { DType, Shape } from "../graph/types.ts";
import { emitOnnx } from "../onnx/emit.ts";
import type { Provider } from "../onnx/operators.ts";
import type { Backend, HostTensor, Session } from "./session.ts";

/** Where a program finds its parameters and leaves their gradients; the optimiser's store is one. */
export interface TensorBinding {
  has(name: string): boolean;
  parameter(name: string): Float32Array;
  gradient(name: string): Float32Array;
}

/** Output names that start so are gradients: the rest of the name is the parameter's key. */
export const gradientPrefix = "grad/";

/** A graph ready to be sent to the thread that runs it: model bytes and the types of what goes in and out. */
export interface CompiledGraph {
  name: string;
  model: Uint8Array;
  inputs: Record<string, { dtype: DType; shape: Shape }>;
  outputs: Record<string, { shape: Shape }>;
}

/** Optimises a graph and writes it for a provider. */
export function compile(source: Graph, provider: Provider): CompiledGraph {
  const optimized = optimize(source);
  return {
    name: source.name,
    model: emitOnnx(optimized, provider),
    inputs: Object.fromEntries(
      optimized.inputs.map((value) => [inputName(value), { dtype: value.dtype, shape: value.shape }]),
    ),
    outputs: Object.fromEntries([...optimized.outputs].map(([name, { shape }]) => [name, { shape }])),
  };
}

/** Arrays fed by name: float32 or int64 according to the graph's input. */
export type Feeds = Readonly<Record<string, Float32Array | BigInt64Array>>;

/**
 * A graph loaded into ONNX Runtime. Inputs that bear the name of a tensor of the store read it in place; outputs
 * `grad/<key>` are written into the store's gradients; all others come back as new arrays.
 */
export class Program {
  readonly #graph: CompiledGraph;
  readonly #session: Session;
  readonly #bound: Readonly<Record<string, HostTensor>>;
  readonly #into: Readonly<Record<string, HostTensor>>;

  private constructor(graph: CompiledGraph, session: Session, store: TensorBinding | undefined) {
    this.#graph = graph;
    this.#session = session;
    this.#bound = bind(Object.entries(graph.inputs), (name) => (store?.has(name) ? store.parameter(name) : undefined));
    this.#into = bind(Object.entries(graph.outputs), (name) =>
      store && name.startsWith(gradientPrefix) ? store.gradient(name.slice(gradientPrefix.length)) : undefined,
    );
  }

  static async load(
    backend: Backend,
    graph: CompiledGraph,
    options: { provider: Provider; threads: number; store?: TensorBinding },
  ): Promise<Program> {
    const { provider, threads, store } = options;
    return new Program(graph, await backend.createSession(graph.model, { provider, threads }), store);
  }

  /** Runs once. @throws MsmaeError Shape for a missing input or one of the wrong length or dtype. */
  async run(feeds: Feeds): Promise<Record<string, Float32Array>> {
    const inputs: Record<string, HostTensor> = { ...this.#bound };
    for (const [name, type] of Object.entries(this.#graph.inputs)) {
      if (!(name in inputs))
        inputs[name] = { data: checked(this.#graph.name, name, type, feeds[name]), shape: type.shape };
    }
    const results = await this.#session.run(inputs, this.#into);
    return Object.fromEntries(
      Object.entries(results).flatMap(([name, { data }]) => (name in this.#into ? [] : [[name, data as Float32Array]])),
    );
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function bind(
  types: [string, { shape: Shape }][],
  viewOf: (name: string) => Float32Array | undefined,
): Record<string, HostTensor> {
  return Object.fromEntries(
    types.flatMap(([name, { shape }]): [string, HostTensor][] => {
      const data = viewOf(name);
      return data ? [[name, { data: checked("parameter store", name, { dtype: "float32", shape }, data), shape }]] : [];
    }),
  );
}

function checked(
  where: string,
  name: string,
  { dtype, shape }: { dtype: DType; shape: Shape },
  data: Float32Array | BigInt64Array | undefined,
): Float32Array | BigInt64Array {
  const fits = dtype === "int64" ? data instanceof BigInt64Array : data instanceof Float32Array;
  if (!data || !fits || data.length !== sizeOf(shape)) {
    throw new MsmaeError("Shape", {
      where: `${where}, "${name}"`,
      expected: `${dtype} ${formatShape(shape)}`,
      got: data ? `${data.constructor.name} of ${data.length}` : "no value",
      todo: "check what is fed against the graph's inputs",
    });
  }
  return data;
}
