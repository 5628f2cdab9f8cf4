/** Graphs on ONNX Runtime: the subpath `msmae/runtime`. */
export { nodeBackend } from "./node-backend.ts";
export { onnxRuntimeVersion } from "./node-binding.ts";
export { type CompiledGraph, compile, type Feeds, type Outputs, Program } from "./program.ts";
export type { ProgramBinding, TensorBinding } from "./program-binding.ts";
export type {
  Backend,
  DeviceSession,
  DeviceTensor,
  HostTensor,
  Session,
  SessionOptions,
  SessionTensor,
} from "./session.ts";
