/** `msmae/engine` in Node: the engine, on ONNX Runtime's CPU, WebGPU or CUDA. */
export * from "./index.ts";
export { nodeBackend } from "./runtime/node-backend.ts";
export { spawnNodeThread } from "./runtime/node-threads.ts";
export { openEngine } from "./thread/node-engine.ts";
