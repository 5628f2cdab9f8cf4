/** Graphs on ONNX Runtime: the subpath `msmae/runtime`. */
export { nodeBackend, onnxRuntimeVersion } from "./node-backend.ts";
export { type CompiledGraph, compile, type Feeds, Program, type TensorBinding } from "./program.ts";
export type { Backend, HostTensor, Session, SessionOptions } from "./session.ts";
