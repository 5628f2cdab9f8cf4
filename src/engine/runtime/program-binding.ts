import { MsmaeError } from "../../support/errors.ts";
import { holds, type TensorData, zeros } from "../graph/dtypes.ts";
import { isCarried, storeOutputKey } from "../graph/output-names.ts";
import { type QuantizedCopy, quantizedInput } from "../graph/quantized-names.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import type { TensorType } from "../graph/types.ts";
import type { HostTensor, SessionTensor } from "./session.ts";

/** The types of what goes into and comes out of a graph, by name. */
export interface GraphTypes {
  inputs: Record<string, TensorType>;
  outputs: Record<string, TensorType>;
}

/** Where a program finds its parameters and leaves their gradients and next states; the optimiser's store is one. */
export interface TensorBinding {
  has(name: string): boolean;
  parameter(name: string): Float32Array;
  gradient(name: string): Float32Array;
  state(name: string): Float32Array;
  /** What is kept of a weight in int8, by {@link quantizedInputName}. */
  quantized(name: string, copy: QuantizedCopy): Int8Array | Float32Array;
}

/** What a program's graph reads and writes where it stands. Asked anew for each run. */
export interface ProgramBinding {
  /** Tensors that inputs of these names read. */
  readonly inputs: Readonly<Record<string, SessionTensor>>;
  /** Tensors that outputs of these names are written to. */
  readonly outputs: Readonly<Record<string, SessionTensor>>;
  /** Takes the next values that the last run gave for state tensors. */
  commitState(): void;
  /** Copies of them, by name. */
  nextStates(): Record<string, Float32Array>;
}

/** Everything is fed, and everything comes back. */
export const unbound: ProgramBinding = {
  inputs: {},
  outputs: {},
  commitState: () => undefined,
  nextStates: () => ({}),
};

/** What goes from one part of a graph to a later one, by name, where it stands between the two. */
export type CarriedTensors = Map<string, TensorData>;

/**
 * Binds a graph to tensors in the host's memory. @throws MsmaeError Shape for those of another shape or dtype.
 *
 * @param carried takes room for what a part of a graph hands on, and has what the parts before it do.
 */
export function hostBinding(
  graph: GraphTypes,
  store: TensorBinding,
  carried: CarriedTensors = new Map(),
): ProgramBinding {
  for (const [name, { dtype, shape }] of Object.entries(graph.outputs)) {
    if (isCarried(name)) carried.set(name, zeros(dtype, sizeOf(shape)));
  }
  const states = stateUpdates(graph, store);
  const nextOf = new Map(states.map(({ output, next }) => [output, next]));
  return {
    inputs: bind(graph.inputs, (name) => {
      if (store.has(name)) return store.parameter(name);
      if (isCarried(name)) return carried.get(name);
      const quantized = quantizedInput(name);
      return quantized && store.quantized(quantized.key, quantized.copy);
    }),
    outputs: bind(graph.outputs, (name) => {
      const key = storeOutputKey("gradient", name);
      return key !== undefined ? store.gradient(key) : (nextOf.get(name) ?? carried.get(name));
    }),
    commitState() {
      for (const { current, next } of states) current.set(next);
    },
    nextStates: () => Object.fromEntries(states.map(({ name, next }) => [name, next.slice()])),
  };
}

/** The state tensors that a graph gives next values for, by the name of the output. */
export function stateOutputs({ outputs }: Pick<GraphTypes, "outputs">): [output: string, name: string][] {
  return Object.keys(outputs).flatMap((output): [string, string][] => {
    const name = storeOutputKey("state", output);
    return name === undefined ? [] : [[output, name]];
  });
}

/** An array as a tensor of the type that is expected of it. @throws MsmaeError Shape for another length or dtype. */
export function hostTensor(where: string, { dtype, shape }: TensorType, data: TensorData | undefined): HostTensor {
  if (!holds(dtype, data) || data.length !== sizeOf(shape)) {
    throw new MsmaeError("Shape", {
      where,
      expected: `${dtype} ${formatShape(shape)}`,
      got: data ? `${data.constructor.name} of ${data.length}` : "no value",
      todo: "check what is fed against the graph's inputs",
    });
  }
  return { dtype, shape, data };
}

/** A state tensor of the store, and apart from it, since a run may still read the tensor, what the run makes of it. */
interface StateUpdate {
  output: string;
  name: string;
  current: Float32Array;
  next: Float32Array;
}

function stateUpdates(graph: GraphTypes, store: TensorBinding): StateUpdate[] {
  return stateOutputs(graph).map(([output, name]) => {
    const current = store.state(name);
    return { output, name, current, next: new Float32Array(current.length) };
  });
}

function bind(
  types: Readonly<Record<string, TensorType>>,
  viewOf: (name: string) => TensorData | undefined,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(types).flatMap(([name, type]): [string, HostTensor][] => {
      const data = viewOf(name);
      return data ? [[name, hostTensor(`parameter store, "${name}"`, type, data)]] : [];
    }),
  );
}
