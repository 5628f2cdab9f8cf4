/**
 * What runs in a browser: the engine's graphs, the method's masking and models, the optimiser and the metrics, on
 * ONNX Runtime's WebAssembly or WebGPU. Nothing here, nor anything it imports, uses a Node API.
 */

export { gradients } from "./engine/autodiff/gradients.ts";
export { interpret } from "./engine/graph/interpreter.ts";
export { optimize } from "./engine/graph/passes/index.ts";
export { AdamW } from "./engine/optim/adamw.ts";
export { ParameterStore } from "./engine/parameters/parameter-store.ts";
export { initialize } from "./engine/parameters/specs.ts";
export { compile, Program } from "./engine/runtime/program.ts";
export { webBackend } from "./engine/runtime/web-backend.ts";
export { spawnWebThread } from "./engine/runtime/web-threads.ts";
export { parseSafetensors, readSafetensors } from "./interop/safetensors.ts";
export * from "./method/masking/selection.ts";
export * from "./method/masking/tokens.ts";
export { attentionMapGraph, mapWeights } from "./method/models/attention-maps.ts";
export { classifierGraph, classifierSpecs, finetuneGraph } from "./method/models/classifier.ts";
export { maeSpecs, pretrainGraph, reconstructionGraph } from "./method/models/mae.ts";
export { finetuneGroups, pretrainGroups } from "./method/models/parameter-groups.ts";
export * from "./results/metrics/index.ts";
export { type ErrorCode, MsmaeError } from "./support/errors.ts";
