import { gradients } from "../src/engine/autodiff/gradients.ts";
import {
  add,
  gather,
  gemm,
  input,
  matMul,
  mul,
  reduceMean,
  relu,
  reshape,
  scalar,
  softmax,
  split,
  transpose,
} from "../src/engine/graph/builders.ts";
import { type Graph, graph, inputName } from "../src/engine/graph/graph.ts";
import type { Value } from "../src/engine/graph/types.ts";
import { batchNorm, conv2d } from "../src/engine/layers/convolution.ts";
import { resize2d } from "../src/engine/layers/resize.ts";
import { parameterInputs } from "../src/engine/parameters/specs.ts";
import { gradientOutputs, trainingOutputs } from "../src/engine/parameters/training-outputs.ts";
import { attentionCounts } from "../src/method/masking/selection.ts";
import { classifierSpecs, dropPathRates, finetuneGraph } from "../src/method/models/classifier.ts";
import { gridOf, patchCount, patchValues } from "../src/method/models/config.ts";
import { embed, encode, encodeBlocks, patchInputs } from "../src/method/models/encoder.ts";
import { maeSpecs, reconstructionGraph } from "../src/method/models/mae.ts";
import { segmenterSpecs } from "../src/method/models/segmenter.ts";
import { tokenImages, tokenRows } from "../src/method/nn/attention.ts";
import { layerNorm, linear, mlp } from "../src/method/nn/layers.ts";
import { crossEntropy, meanSquaredError, softmaxCrossEntropy } from "../src/method/nn/losses.ts";
import { maskLoss, targetsOfClasses } from "../src/method/nn/segmentation-losses.ts";
import { IGNORED } from "../src/support/ignored.ts";
import { FeedMaker } from "./feed-maker.ts";
import type { Phase } from "./phases.ts";
import {
  finetuning,
  inference,
  type ModelConfig,
  pretraining,
  pretrainingLoss,
  segmentation,
  segmenterOf,
  type Workload,
  workload,
} from "./workload.ts";

type MakeWorkload = (config: ModelConfig, batch: number) => Workload;

/** Something that the engine or a graph leaves out or sets, timed with and without it. */
export type Saving = { name: string; saves: string; phase: Phase } & (
  | { graphs: { with: MakeWorkload; without: MakeWorkload } }
  | { setting: "arena" | "huge-pages" }
);

export const savings: readonly Saving[] = [
  {
    name: "map-last-block",
    saves: "last block of the map pass: cls query and keys only",
    phase: "maps",
    graphs: { with: (config, batch) => workload("maps", config, batch), without: wholeMapPass },
  },
  {
    name: "decoder-last-block",
    saves: "last decoder block and prediction for masked tokens only",
    phase: "pretrain-attention",
    graphs: { with: (config, batch) => workload("pretrain-attention", config, batch), without: wholeDecoder },
  },
  {
    name: "kept-embedding",
    saves: "only kept patches are embedded (forward pass)",
    phase: "infer-masked",
    graphs: { with: (config, batch) => workload("infer-masked", config, batch), without: embedAll },
  },
  {
    name: "cls-query",
    saves: "last block of a cls-pooled classifier with one query",
    phase: "finetune",
    graphs: {
      with: (config, batch) => workload("finetune", { ...config, globalPool: "cls" }, batch),
      without: clsPooledWhole,
    },
  },
  {
    name: "no-image-gradient",
    saves: "no gradient for the input image",
    phase: "finetune",
    graphs: { with: (config, batch) => workload("finetune", config, batch), without: withImageGradient },
  },
  {
    name: "classes-before-resize",
    saves: "a segmentation head's last enlargement: of classes instead of channels",
    phase: "segment",
    graphs: { with: (config, batch) => workload("segment", config, batch), without: wholeHead },
  },
  { name: "arena", saves: "ONNX Runtime's memory arena", phase: "finetune", setting: "arena" },
  {
    name: "huge-pages",
    saves: "transparent huge pages for ONNX Runtime's memory",
    phase: "finetune",
    setting: "huge-pages",
  },
];

const driven = (config: ModelConfig) => attentionCounts(patchCount(config), { maskRatio: 0.45, throwRatio: 0.3 });

/** The map pass of a program that runs its whole encoder and keeps the attention of all queries on the way. */
function wholeMapPass(config: ModelConfig, batch: number): Workload {
  const work = workload("maps", config, batch);
  const { depth, embedDim, numHeads } = config;
  const p = parameterInputs(work.specs);
  const tokens = 1 + patchCount(config);
  const prefix = `blocks.${depth - 1}`;
  const x = encode(
    embed(p, patchInputs(config, batch, "all"), config, batch),
    p,
    config,
    { tokens, batch },
    { blocks: depth - 1 },
  );
  const qkv = linear(layerNorm(x, p, `${prefix}.norm1`), p, `${prefix}.attn.qkv`);
  const headDim = embedDim / numHeads;
  const [q, k, v] = split(qkv, [embedDim, embedDim, embedDim], 1).map((part) =>
    reshape(part, [tokens, batch, numHeads, headDim]),
  ) as [Value, Value, Value];
  const scores = matMul(q, k, { transBatchA: true, transBatchB: true, transB: true, alpha: headDim ** -0.5 });
  const weights = softmax(scores, -1);
  const mixed = transpose(matMul(weights, v, { transBatchB: true }), [2, 0, 1, 3]);
  const attended = add(x, linear(reshape(mixed, [tokens * batch, embedDim]), p, `${prefix}.attn.proj`));
  const rows = add(attended, mlp(layerNorm(attended, p, `${prefix}.norm2`), p, `${prefix}.mlp`));
  const [cls] = split(weights, [1, tokens - 1], 2) as [Value];
  return { ...work, graph: graph("maps-whole", { attention: reshape(cls, [batch, numHeads, tokens]), rows }) };
}

/** Pre-training whose decoder ends with all tokens, of which the loss then takes the masked ones. */
function wholeDecoder(config: ModelConfig, batch: number): Workload {
  const { kept, masked } = driven(config);
  const decoded = reconstructionGraph(config, { batch, kept, masked });
  const p = parametersOf(decoded);
  const [prediction, latent] = ["prediction", "latent"].map((name) => decoded.outputs.get(name)) as [Value, Value];
  const hidden = tokenRows(prediction, { tokens: kept + masked, batch }, { from: kept, to: kept + masked });
  const reconstructionLoss = meanSquaredError(hidden, input("targets", [masked * batch, patchValues(config)]));
  const cls = tokenRows(latent, { tokens: 1 + kept, batch }, { from: 0, to: 1 });
  const head = parameterInputs(maeSpecs(config));
  const logits = gemm(cls, head("head.weight"), head("head.bias"), { transB: true });
  const classificationLoss = softmaxCrossEntropy(logits, input("classTargets", [batch, config.numClasses]));
  const loss = add(reconstructionLoss, mul(classificationLoss, scalar(pretrainingLoss.clsLossWeight)));
  const all = (name: string) => (name.startsWith("head.") ? head(name) : p(name));
  const derivatives = gradientOutputs(loss, maeSpecs(config), all);
  return pretraining(config, {
    ...workload("pretrain-attention", config, batch),
    graph: graph("pretrain-whole", { loss, reconstructionLoss, classificationLoss, ...derivatives }),
  });
}

/** Masked inference that embeds every patch and then picks the kept ones. */
function embedAll(config: ModelConfig, batch: number): Workload {
  const { kept } = driven(config);
  const p = parameterInputs(classifierSpecs(config));
  const layout = { tokens: 1 + kept, batch };
  const all = embed(p, patchInputs(config, batch, "all"), config, batch);
  const tokens = gather(all, input("rows", [layout.tokens * batch], "int64"), 0);
  const rows = tokenRows(encode(tokens, p, config, layout), layout, { from: 1, to: layout.tokens });
  const pooled = reduceMean(reshape(rows, [kept, batch, config.embedDim]), [0]);
  const logits = linear(layerNorm(pooled, p, "fc_norm"), p, "head");
  const make = new FeedMaker(config, batch);
  return inference(config, {
    graph: graph("classify-embed-all", { logits }),
    feeds(step) {
      const { positions } = make.kept(step);
      // Token n of image b stands in row n · batch + b; positions count the cls token, as rows do.
      const rowOf = (position: bigint, i: number) => position * BigInt(batch) + BigInt(i % batch);
      const cls = Array.from({ length: batch }, (_, b) => BigInt(b));
      return { ...make.whole(), rows: BigInt64Array.from([...cls, ...Array.from(positions as BigInt64Array, rowOf)]) };
    },
  });
}

/** Fine-tuning that pools the cls token after a last block for all tokens. */
function clsPooledWhole(config: ModelConfig, batch: number): Workload {
  const clsPooled: ModelConfig = { ...config, globalPool: "cls" };
  const { kept } = driven(config);
  const { depth, numClasses } = config;
  const specs = classifierSpecs(clsPooled);
  const p = parameterInputs(specs);
  const layout = { tokens: 1 + kept, batch };
  const rates = dropPathRates(depth, 0.1);
  const tokens = embed(p, patchInputs(config, batch, kept), config, batch);
  const dropPath = { factors: input("dropPath", [depth, 2, batch]), rates };
  const rows = encode(tokens, p, config, layout, { dropPath });
  const logits = linear(layerNorm(tokenRows(rows, layout, { from: 0, to: 1 }), p, "norm"), p, "head");
  const loss = crossEntropy(logits, input("classTargets", [batch, numClasses]));
  return finetuning(clsPooled, {
    ...workload("finetune", clsPooled, batch),
    graph: graph("finetune-cls-whole", { loss, logits, ...trainingOutputs(loss, p) }),
  });
}

/** Fine-tuning that also computes the derivative with respect to its pixels. */
function withImageGradient(config: ModelConfig, batch: number): Workload {
  const work = workload("finetune", config, batch);
  const { kept } = driven(config);
  const plain = finetuneGraph(config, { batch, kept, dropPathRates: dropPathRates(config.depth, 0.1) });
  const pixels = plain.inputs.find((value) => inputName(value) === "patches") as Value;
  const loss = plain.outputs.get("loss") as Value;
  const [imageGradient] = gradients(loss, [pixels]) as [Value];
  const outputs = { ...Object.fromEntries(plain.outputs), imageGradient };
  return { ...work, graph: graph("finetune-image-gradient", outputs) };
}

/** A segmenter's training whose head enlarges all its channels before the last convolution. */
function wholeHead(config: ModelConfig, batch: number): Workload {
  const { inputHeight: height, inputWidth: width } = config;
  const segmenter = segmenterOf(config);
  const p = parameterInputs(segmenterSpecs(segmenter));
  const layout = { tokens: 1 + patchCount(config), batch };
  const tokens = embed(p, patchInputs(config, batch, "all"), config, batch);
  const rows = encodeBlocks(tokens, p, config, layout, { blocks: config.depth }).at(-1) as Value;
  const window = { pads: [1, 1, 1, 1], bias: true } as const;
  const head = `heads.Head${segmenter.taps.length - 1}`;
  let x = tokenImages(tokenRows(rows, layout, { from: 1, to: layout.tokens }), gridOf(config), batch);
  for (let stage = 1; stage <= 4; stage++) {
    const prefix = `${head}.UP_stage_${stage}`;
    x = relu(batchNorm(conv2d(x, p, `${prefix}.0`, window), p, `${prefix}.1`, "training"));
    const [rows, columns] = x.shape.slice(2) as [number, number];
    x = resize2d(x, [2 * rows, 2 * columns], "aligned");
  }
  const logits = resize2d(conv2d(x, p, `${head}.cls_seg`, window), [height, width], "bilinear");
  const mask = targetsOfClasses(input("classes", [batch, 1, height, width], "uint8"), 1, IGNORED);
  const loss = maskLoss("bce-dice", logits, mask);
  return segmentation(config, {
    ...workload("segment", config, batch),
    graph: graph("segment-whole", { loss, ...trainingOutputs(loss, p) }),
  });
}

/** The parameters of a graph that is already built. */
function parametersOf(built: Graph): (name: string) => Value {
  const inputs = new Map(built.inputs.map((value) => [inputName(value), value]));
  return (name) => inputs.get(name) as Value;
}
