import * as ort from "onnxruntime-node";
import { MsmaeError, messageOf } from "../errors.ts";
import type { Backend, HostTensor, Session } from "./session.ts";

/** ONNX Runtime of Node: CPU everywhere, WebGPU and CUDA where the machine and the installed libraries allow. */
export const nodeBackend: Backend = {
  async createSession(model, { provider, threads }) {
    if (provider === "wasm") {
      throw new MsmaeError("Device", { where: "device", expected: "cpu, webgpu or cuda in Node", got: "wasm", todo: "use cpu" });
    }
    const options: ort.InferenceSession.SessionOptions = {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      // The arena keeps its pages: without it every step faults them in anew, at up to half of its time
      // (docs/performance.md). Patterns of a whole run would only reserve more.
      enableCpuMemArena: true,
      enableMemPattern: false,
      logSeverityLevel: 3,
    };
    try {
      return wrap(await ort.InferenceSession.create(model, options));
    } catch (cause) {
      throw new MsmaeError(
        "Device",
        {
          where: `device ${provider}`,
          expected: "ONNX Runtime to start a session",
          got: messageOf(cause),
          todo: provider === "cpu" ? "report this model" : "install the device's libraries, or use --device cpu",
        },
        { cause },
      );
    }
  },
};

function wrap(session: ort.InferenceSession): Session {
  // Tensors over the same arrays come back at every step: they are made once.
  const tensors = new WeakMap<HostTensor, ort.Tensor>();
  const tensorOf = (host: HostTensor): ort.Tensor => {
    let tensor = tensors.get(host);
    if (!tensor) {
      tensor =
        host.data instanceof BigInt64Array
          ? new ort.Tensor("int64", host.data, host.shape)
          : new ort.Tensor("float32", host.data, host.shape);
      tensors.set(host, tensor);
    }
    return tensor;
  };
  return {
    async run(feeds, into) {
      const inputs = Object.fromEntries(session.inputNames.map((name) => [name, tensorOf(fed(feeds, name))]));
      const fetches = Object.fromEntries(
        session.outputNames.map((name) => [name, into[name] ? tensorOf(into[name]) : null]),
      );
      const results = await session.run(inputs, fetches);
      return Object.fromEntries(
        session.outputNames.map((name): [string, HostTensor] => {
          const { data, dims } = results[name] as ort.Tensor;
          return [name, into[name] ?? { data: data as HostTensor["data"], shape: dims }];
        }),
      );
    },
    release: () => session.release(),
  };
}

function fed(feeds: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const value = feeds[name];
  if (value) return value;
  throw new MsmaeError("Shape", { where: `input "${name}"`, expected: "a value", got: "none", todo: "feed every input" });
}

/** The version of ONNX Runtime in use. */
export const onnxRuntimeVersion: string = ort.env.versions.node ?? ort.env.versions.common;

