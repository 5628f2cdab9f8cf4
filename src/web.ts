/**
 * What runs in a browser: the engine's graphs, the method's masking and models, the optimiser and the metrics, on
 * ONNX Runtime's WebAssembly or WebGPU. Nothing here, nor anything it imports, uses a Node API.
 */
export { gradients } from "./autodiff/gradients.ts";
export { type ErrorCode, MsmaeError } from "./errors.ts";
export * from "./evaluation/metrics/index.ts";
export { interpret } from "./graph/interpreter.ts";
export { optimize } from "./graph/passes/index.ts";
export { parseSafetensors, readSafetensors } from "./interop/safetensors.ts";
export * from "./masking/selection.ts";
export * from "./masking/tokens.ts";
export { attentionMapGraph, mapWeights } from "./models/attention-maps.ts";
export { classifierGraph, classifierSpecs, finetuneGraph } from "./models/classifier.ts";
export { maeSpecs, pretrainGraph, reconstructionGraph } from "./models/mae.ts";
export { initialize } from "./nn/parameters.ts";
export { AdamW } from "./optim/adamw.ts";
export { finetuneGroups, pretrainGroups } from "./optim/parameter-groups.ts";
export { ParameterStore } from "./optim/parameter-store.ts";
export { compile, Program } from "./runtime/program.ts";
export { webBackend } from "./runtime/web-backend.ts";
export { spawnWebThread } from "./runtime/web-threads.ts";
