import type { InferenceSession, Tensor } from "onnxruntime-common";
import { MsmaeError } from "../../support/errors.ts";
import type { DType, TensorData } from "../graph/dtypes.ts";
import type { Provider } from "../onnx/operators.ts";
import type { HostTensor, Session } from "./session.ts";

/** What differs between builds and providers of ONNX Runtime. */
export interface SessionTraits {
  /**
   * The Tensor of the module that made the session: ONNX Runtime passes over fetches that are instances of another copy
   * of it.
   */
  tensorClass: typeof Tensor;
  /** Whether outputs are written into given arrays: the build for browsers takes them and leaves them as they were. */
  fillsFetches: boolean;
}

/** A session of ONNX Runtime, on Node or in a browser, behind this package's own interface. */
export function wrapSession(session: InferenceSession, traits: SessionTraits): Session {
  const { fillsFetches, tensorClass } = traits;
  // Tensors over the same arrays come back at every step: they are made once.
  const tensors = new WeakMap<HostTensor, Tensor>();
  const tensorOf = (host: HostTensor): Tensor => {
    const known = tensors.get(host) ?? new tensorClass(host.dtype, host.data, host.shape);
    tensors.set(host, known);
    return known;
  };
  return {
    async run(feeds, into) {
      const inputs = Object.fromEntries(session.inputNames.map((name) => [name, tensorOf(fed(feeds, name))]));
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => [name, fillsFetches && into[name] ? tensorOf(into[name]) : null]),
      );
      const results = await session.run(inputs, fetches);
      return Object.fromEntries(
        session.outputNames.map((name): [string, HostTensor] => {
          const { type, data, dims } = results[name] as Tensor;
          // Graphs have no other dtypes.
          const result = { dtype: type as DType, data: data as TensorData, shape: dims };
          const given = into[name];
          if (!given) return [name, result];
          if (!fillsFetches) copyInto(given, result);
          return [name, given];
        }),
      );
    },
    release: () => session.release(),
  };
}

/** Settings of a session beyond the options. An operator that WebGPU lacks is an error, never a detour over the CPU. */
export function sessionConfig(provider: Provider): Record<string, unknown> {
  return provider === "webgpu" ? { session: { disable_cpu_ep_fallback: "1" } } : {};
}

/** Graphs have static shapes and dtypes, checked against the arrays when a program is loaded. */
function copyInto({ data: to }: HostTensor, { data: from }: HostTensor): void {
  if (to instanceof BigInt64Array) to.set(from as BigInt64Array);
  else to.set(from as Exclude<TensorData, BigInt64Array>);
}

function fed(feeds: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const value = feeds[name];
  if (value) return value;
  throw new MsmaeError("Shape", {
    where: `input "${name}"`,
    expected: "a value",
    got: "none",
    todo: "feed every input",
  });
}
