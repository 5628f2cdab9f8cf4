/** Graphs on ONNX Runtime: the subpath `msmae/runtime`. */
export { nodeBackend } from "./node-backend.ts";
export { onnxRuntimeVersion } from "./node-binding.ts";
export { type CompiledGraph, compile, type Feeds, type Outputs, Program, type TensorBinding } from "./program.ts";
export type { Backend, HostTensor, Session, SessionOptions } from "./session.ts";
