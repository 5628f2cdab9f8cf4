import type { InferenceSession } from "onnxruntime-common";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { loadOnnxRuntime } from "./node-binding.ts";
import { sessionConfig, wrapSession } from "./ort-session.ts";
import type { Backend } from "./session.ts";

/** ONNX Runtime of Node: CPU everywhere, WebGPU and CUDA where the machine and the installed libraries allow. */
export const nodeBackend: Backend = {
  async createSession(model, { provider, threads }) {
    if (provider === "wasm") {
      throw new MsmaeError("Device", {
        where: "device",
        expected: "cpu, webgpu or cuda in Node",
        got: "wasm",
        todo: "use cpu",
      });
    }
    const ort = loadOnnxRuntime();
    const options: InferenceSession.SessionOptions = {
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
      extra: sessionConfig(provider),
    };
    try {
      return wrapSession(await ort.InferenceSession.create(model, options), {
        tensorClass: ort.Tensor,
        fillsFetches: true,
      });
    } catch (cause) {
      throw new MsmaeError(
        "Device",
        {
          where: `device ${provider}`,
          expected: "ONNX Runtime to start a session",
          got: messageOf(cause),
          todo:
            provider === "cpu"
              ? "report this model"
              : "install the device's libraries (docs/installing.md), or use --device cpu",
        },
        { cause },
      );
    }
  },
};
