/** `msmae/engine` in a page: the engine, on ONNX Runtime's WebAssembly or WebGPU. */
export * from "./index.ts";
export { webBackend } from "./runtime/web-backend.ts";
export { spawnWebThread } from "./runtime/web-threads.ts";
export { openEngine } from "./thread/web-engine.ts";
