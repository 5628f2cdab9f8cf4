import type { InferenceSession, Tensor } from "onnxruntime-common";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import type { DType, TensorData } from "../graph/dtypes.ts";
import type { Shape } from "../graph/types.ts";
import type { Provider } from "../onnx/operators.ts";
import {
  type DeviceSession,
  type DeviceTensor,
  type HostTensor,
  isOnHost,
  type Session,
  type SessionTensor,
} from "./session.ts";

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

/** A tensor that ONNX Runtime keeps on a device. Reading its values from JavaScript would end the process in Node. */
class OrtDeviceTensor implements DeviceTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly tensor: Tensor;

  constructor(tensor: Tensor) {
    // Graphs have no other dtypes.
    this.dtype = tensor.type as DType;
    this.shape = tensor.dims;
    this.tensor = tensor;
  }

  release(): void {
    this.tensor.dispose();
  }
}

/** A session of ONNX Runtime, on Node or in a browser, behind this package's own interface. */
export function wrapSession(session: InferenceSession, traits: SessionTraits): Session {
  const { fillsFetches, tensorClass } = traits;
  const tensorOf = tensorsOf(tensorClass);
  const fetchOf = (into: SessionTensor | undefined): Tensor | null =>
    into && (fillsFetches || !isOnHost(into)) ? tensorOf(into) : null;
  return {
    async run(feeds, into) {
      const inputs = inputsOf(session, feeds, tensorOf);
      const fetches = Object.fromEntries(session.outputNames.map((name) => [name, fetchOf(into[name])]));
      const results = await session.run(inputs, fetches).catch(withoutHalf);
      return Object.fromEntries(
        session.outputNames.flatMap((name): [string, HostTensor][] => {
          const given = into[name];
          if (given && !isOnHost(given)) return [];
          const { type, data, dims } = results[name] as Tensor;
          // Graphs have no other dtypes.
          const result = { dtype: type as DType, data: data as TensorData, shape: dims };
          if (!given) return [[name, result]];
          if (!fillsFetches) copyInto(given, result);
          return [[name, given]];
        }),
      );
    },
    release: () => session.release(),
  };
}

/** A session that was made to leave all its outputs on the device. */
export function wrapDeviceSession(
  session: InferenceSession,
  { tensorClass }: Pick<SessionTraits, "tensorClass">,
): DeviceSession {
  const tensorOf = tensorsOf(tensorClass);
  return {
    async run(feeds) {
      const results = await session.run(inputsOf(session, feeds, tensorOf)).catch(withoutHalf);
      return Object.fromEntries(
        session.outputNames.map((name) => [name, new OrtDeviceTensor(results[name] as Tensor)]),
      );
    },
    release: () => session.release(),
  };
}

/** ONNX Runtime's view of tensors. Those over the same arrays come back at every step: they are made once. */
function tensorsOf(tensorClass: typeof Tensor): (tensor: SessionTensor) => Tensor {
  const made = new WeakMap<HostTensor, Tensor>();
  return (tensor) => {
    if (tensor instanceof OrtDeviceTensor) return tensor.tensor;
    if (!isOnHost(tensor)) throw new Error("a tensor of a device that is not ONNX Runtime's");
    const known = made.get(tensor) ?? new tensorClass(tensor.dtype, tensor.data, tensor.shape);
    made.set(tensor, known);
    return known;
  };
}

function inputsOf(
  session: InferenceSession,
  feeds: Readonly<Record<string, SessionTensor>>,
  tensorOf: (tensor: SessionTensor) => Tensor,
): Record<string, Tensor> {
  return Object.fromEntries(session.inputNames.map((name) => [name, tensorOf(fed(feeds, name))]));
}

/**
 * A card without 16-bit floats is known by its first product of them: ONNX Runtime has no way to ask before.
 *
 * @throws MsmaeError Device for that, else what was given.
 */
function withoutHalf(error: unknown): never {
  if (!messageOf(error).includes("requires f16")) throw error;
  throw new MsmaeError(
    "Device",
    {
      where: "device webgpu",
      expected: "a graphics card with 16-bit floats (shader-f16)",
      got: "one without",
      todo: "leave out --precision fp16",
    },
    { cause: error },
  );
}

/**
 * Settings of a session beyond the options. An operator that WebGPU lacks is an error, never a detour over the CPU. On a
 * processor a Transpose before a Gemm is not drawn into it: it stands there since that is faster (lowering-gemm.ts).
 */
export function sessionConfig(provider: Provider): Record<string, unknown> {
  if (provider === "webgpu") return { session: { disable_cpu_ep_fallback: "1" } };
  return provider === "cpu" ? { optimization: { disable_specified_optimizers: "GemmTransposeFusion" } } : {};
}

/** Graphs have static shapes and dtypes, checked against the arrays when a program is loaded. */
function copyInto({ data: to }: HostTensor, { data: from }: HostTensor): void {
  if (to instanceof BigInt64Array) to.set(from as BigInt64Array);
  else to.set(from as Exclude<TensorData, BigInt64Array>);
}

function fed(feeds: Readonly<Record<string, SessionTensor>>, name: string): SessionTensor {
  const value = feeds[name];
  if (value) return value;
  throw new MsmaeError("Shape", {
    where: `input "${name}"`,
    expected: "a value",
    got: "none",
    todo: "feed every input",
  });
}
