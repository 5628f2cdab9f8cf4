import type { Graph } from "../engine/graph/graph.ts";
import { sizeOf } from "../engine/graph/shape.ts";
import type { Node, OpAttributes, Value } from "../engine/graph/types.ts";
import type { FlopConvention } from "./efficiency.ts";

/** What a normalised element counts. */
const PER_ELEMENT = {
  thop: { LayerNormalization: 4, BatchNormalization: 4 },
  fvcore: { LayerNormalization: 5, BatchNormalization: 2 },
} as const satisfies Record<FlopConvention, object>;

/**
 * Multiply-adds of a forward pass as its graph does it, over all images of its batch: linear layers and convolutions,
 * normalisations, the mean over an image's plane, and by fvcore's convention the products of attention.
 *
 * Batch normalisations are found in their training form, in which they are one node, and count as in evaluation. Softmax, which
 * thop counts where it is a module as in timm's Swin Transformer, is left out as everywhere here.
 *
 * Source: rules of thop 0.1.1 and fvcore 0.1.5, whose counts of torchvision's ResNet-18 and timm's Swin-T it gives.
 */
export function graphMultiplyAdds({ nodes }: Pick<Graph, "nodes">, convention: FlopConvention): number {
  return nodes.reduce((sum, node) => sum + ofNode(node, convention), 0);
}

function ofNode(node: Node, convention: FlopConvention): number {
  const [x, second] = node.inputs as [Value, Value];
  const outputs = node.outputs[0] ? sizeOf(node.outputs[0].shape) : 0;
  switch (node.op) {
    case "Gemm": {
      const { transA } = node.attributes as OpAttributes["Gemm"];
      return outputs * (x.shape[transA ? 0 : 1] as number);
    }
    case "Conv":
      return outputs * (sizeOf(second.shape) / (second.shape[0] as number));
    case "MatMul":
      return convention === "fvcore" ? outputs * innerExtent(x, node.attributes as OpAttributes["MatMul"]) : 0;
    case "LayerNormalization":
    case "BatchNormalization":
      return outputs * PER_ELEMENT[convention][node.op];
    case "ReduceMean":
      return isPlaneMean(x, node.attributes as OpAttributes["ReduceMean"]) ? planeMean(x, outputs, convention) : 0;
    default:
      return 0;
  }
}

function innerExtent({ shape }: Value, { transA, transBatchA }: OpAttributes["MatMul"]): number {
  return (transA ? shape[transBatchA ? 0 : shape.length - 2] : shape.at(-1)) as number;
}

/** A pooling of images [B, C, H, W]; a mean over tokens is no module of either program. */
function isPlaneMean({ shape }: Value, { axes }: OpAttributes["ReduceMean"]): boolean {
  return shape.length === 4 && axes.join() === "2,3";
}

/** thop counts the additions and a division of each mean, fvcore the elements read. */
function planeMean({ shape }: Value, outputs: number, convention: FlopConvention): number {
  return sizeOf(shape) + (convention === "thop" ? outputs : 0);
}
