/**
 * What runs in a browser: the engine on ONNX Runtime's WebAssembly or WebGPU, the method's masking, models and losses of
 * masks, windows over large images, and the metrics. Nothing here, nor anything it imports, uses a Node API.
 */
export * from "./engine/web.ts";
export {
  cutWindow,
  gaussianWeights,
  type Size,
  slidingWindows,
  WindowBlend,
  type WindowPlace,
} from "./images/sliding-window.ts";
export { parseSafetensors, readSafetensors } from "./interop/safetensors.ts";
export * from "./method/masking/selection.ts";
export * from "./method/masking/tokens.ts";
export { attentionMapGraph, mapWeights } from "./method/models/attention-maps.ts";
export { classifierGraph, classifierSpecs, finetuneGraph } from "./method/models/classifier.ts";
export { maeSpecs, pretrainGraph, reconstructionGraph } from "./method/models/mae.ts";
export { finetuneGroups, pretrainGroups } from "./method/models/parameter-groups.ts";
export { segmenterGraph, segmenterSpecs, segmentTrainingGraph } from "./method/models/segmenter.ts";
export {
  MASK_LOSSES,
  type MaskLossName,
  type MaskLossOptions,
  type MaskTargets,
  maskLoss,
  maskProbabilities,
  type TverskyWeights,
  targetsOfClasses,
} from "./method/nn/segmentation-losses.ts";
export { areaOf, classesAtSize, type PixelClasses } from "./results/mask-of-outputs.ts";
export * from "./results/metrics/index.ts";
