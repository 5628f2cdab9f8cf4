import type { InferenceSession } from "onnxruntime-common";
import { MsmaeError, messageOf } from "../../support/errors.ts";
import { loadOnnxRuntime } from "./node-binding.ts";
import { inPlaceSession, withUnreturnedOutputs } from "./node-outputs-in-place.ts";
import { sessionConfig, wrapDeviceSession, wrapSession } from "./ort-session.ts";
import type { Backend, SessionOptions } from "./session.ts";

/**
 * ONNX Runtime of Node: CPU everywhere, WebGPU and CUDA where the machine and the installed libraries allow. Of these its
 * binding keeps tensors between runs on WebGPU alone: what it calls a GPU's buffer is always one of WebGPU.
 */
export const nodeBackend: Backend = {
  async createSession(model, options) {
    const { provider, outputs } = options;
    const inPlace = provider === "cpu" ? outputs : undefined;
    const { ort, session } = await start(inPlace ? withUnreturnedOutputs(model) : model, options, {});
    const wrapped = wrapSession(session, { tensorClass: ort.Tensor, fillsFetches: true });
    return inPlace ? inPlaceSession(wrapped, inPlace) : wrapped;
  },

  async createDeviceSession(model, options) {
    const { ort, session } = await start(model, options, { preferredOutputLocation: "gpu-buffer" });
    return wrapDeviceSession(session, { tensorClass: ort.Tensor });
  },
};

async function start(
  model: Uint8Array,
  { provider, threads }: SessionOptions,
  outputs: Pick<InferenceSession.SessionOptions, "preferredOutputLocation">,
): Promise<{ ort: ReturnType<typeof loadOnnxRuntime>; session: InferenceSession }> {
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
    ...outputs,
  };
  try {
    return { ort, session: await ort.InferenceSession.create(model, options) };
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
}
