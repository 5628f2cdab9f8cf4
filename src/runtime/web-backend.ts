import * as ort from "onnxruntime-web";
import { MsmaeError, messageOf } from "../errors.ts";
import { wrapSession } from "./ort-session.ts";
import type { Backend } from "./session.ts";

/**
 * ONNX Runtime of the browser: WebAssembly, with threads where the page is cross-origin isolated, and WebGPU. The
 * number of WebAssembly threads is the first session's: the module is loaded once.
 */
export const webBackend: Backend = {
  async createSession(model, { provider, threads }) {
    if (provider !== "wasm" && provider !== "webgpu") {
      throw new MsmaeError("Device", {
        where: "device",
        expected: "wasm or webgpu in a browser",
        got: provider,
        todo: "use wasm",
      });
    }
    ort.env.wasm.numThreads = threads;
    try {
      return wrapSession(
        await ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3 }),
        ort.Tensor,
      );
    } catch (cause) {
      const where = `device ${provider}`;
      const got = messageOf(cause);
      const todo =
        provider === "webgpu" ? "use wasm, or a browser with WebGPU" : "check that the page may load WebAssembly";
      throw new MsmaeError("Device", { where, expected: "ONNX Runtime to start a session", got, todo }, { cause });
    }
  },
};
