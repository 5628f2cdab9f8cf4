import { MsmaeError, messageOf } from "../../support/errors.ts";
import { sessionConfig, wrapSession } from "./ort-session.ts";
import type { Backend } from "./session.ts";

/**
 * ONNX Runtime of the browser: WebAssembly, with threads where the page is cross-origin isolated, and WebGPU. Each
 * loads its own build, when first used. The number of WebAssembly threads is the first session's: a build is loaded
 * once. Bundlers leave the builds' `.wasm` files out: the page serves them beside the bundle.
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
    try {
      const ort = await (provider === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm"));
      // The threads of WebAssembly spin while they wait: beside a GPU they would only be in the way.
      ort.env.wasm.numThreads = provider === "webgpu" ? 1 : threads;
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        logSeverityLevel: 3,
        extra: sessionConfig(provider),
      });
      return wrapSession(session, { tensorClass: ort.Tensor, fillsFetches: false });
    } catch (cause) {
      const where = `device ${provider}`;
      const got = messageOf(cause);
      const todo =
        provider === "webgpu" ? "use wasm, or a browser with WebGPU" : "check that the page may load WebAssembly";
      throw new MsmaeError("Device", { where, expected: "ONNX Runtime to start a session", got, todo }, { cause });
    }
  },
};
