import { type Emitter, emitted } from "../engine/onnx/emitter.ts";
import type { PortTensor } from "../engine/onnx/portable.ts";
import type { Normalization } from "../images/transforms/normalize.ts";
import { resizeNodes } from "../images/transforms/resize-nodes.ts";
import { gridOf, type ImageModelConfig, type PatchedImages } from "./models/config.ts";

/** ONNX's number of float32. */
const FLOAT = 1;

/** The shares of red, green and blue in grey, of 65,536: those of `toChannels`. */
const LUMA = [19_595, 38_470, 7_471];

/** What a model for other programs takes: normalised images of its size, or pixels of any. */
export function exportedInput({ inChans, inputHeight, inputWidth }: ImageModelConfig, preprocess: boolean): PortTensor {
  if (preprocess) return { name: "pixels", dtype: "uint8", shape: ["batch", "channels", "height", "width"] };
  return { name: "images", dtype: "float32", shape: ["batch", inChans, inputHeight, inputWidth] };
}

/**
 * Writes the nodes before a graph: what files' pixels go through, where `normalization` is given, and the cut into patches
 * where the graph takes these. The graph's own input is `images` or `patches`.
 */
export function inputNodes(
  e: Emitter,
  config: ImageModelConfig | PatchedImages,
  { normalization, takes }: { normalization: Normalization | undefined; takes: "images" | "patches" },
): void {
  if (normalization) pixelNodes(e, config, normalization);
  if (takes === "images") return;
  const patched = config as PatchedImages;
  const { inChans, patchSize: p } = patched;
  const grid = gridOf(patched);
  const cut = emitted(e, "Reshape", ["images", e.int64([-1, inChans, grid.height, p, grid.width, p])]);
  // Row n · B + b is patch n of image b.
  const rows = emitted(e, "Transpose", [cut], { perm: { ints: [2, 4, 0, 1, 3, 5] } });
  emitted(e, "Reshape", [rows, e.int64([-1, inChans * p * p])], {}, "patches");
}

/** uint8 `pixels` [batch, 1 or 3, h, w] to `images` [batch, C, H, W]: the channels, the size and the normalisation. */
function pixelNodes(e: Emitter, { inChans, inputHeight, inputWidth }: ImageModelConfig, { mean, std }: Normalization) {
  const read = emitted(e, "Cast", ["pixels"], { to: { int: FLOAT } });
  const resized = resizeNodes(e, inChans === 1 ? greyNodes(e, read) : read, [inputHeight, inputWidth]);
  // A vector for each channel, with which one grey channel becomes three.
  const perChannel = (values: readonly number[]) =>
    e.floats(
      Array.from({ length: inChans }, (_, channel) => (values[channel] ?? values[0]) as number),
      [1, inChans, 1, 1],
    );
  const scaled = emitted(e, "Div", [resized, e.float(255)]);
  const centred = emitted(e, "Sub", [scaled, perChannel(mean)]);
  emitted(e, "Div", [centred, perChannel(std)], {}, "images");
}

/** Luma in whole numbers; the shares sum to one, so that grey stays as it is. */
function greyNodes(e: Emitter, images: string): string {
  const shares = emitted(e, "Mul", [images, e.floats(LUMA, [1, 3, 1, 1])]);
  const sum = emitted(e, "ReduceSum", [shares, e.int64([1])], { keepdims: { int: 1 } });
  const rounded = emitted(e, "Add", [sum, e.float(0x8000)]);
  return emitted(e, "Floor", [emitted(e, "Div", [rounded, e.float(65_536)])]);
}
