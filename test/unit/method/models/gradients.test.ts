import { describe, expect, test } from "vitest";
import { input } from "../../../../src/engine/graph/builders.ts";
import type { Graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import type { ParameterSpec } from "../../../../src/engine/parameters/specs.ts";
import { classifierSpecs, dropPathRates, finetuneGraph } from "../../../../src/method/models/classifier.ts";
import type { ClassifierConfig, MaeConfig } from "../../../../src/method/models/config.ts";
import { maeSpecs, pretrainGraph } from "../../../../src/method/models/mae.ts";
import { type SegmenterConfig, segmenterSpecs, segmentTrainingGraph } from "../../../../src/method/models/segmenter.ts";
import { focalLoss } from "../../../../src/method/nn/losses.ts";
import type { MaskLossName } from "../../../../src/method/nn/segmentation-losses.ts";
import { IGNORED } from "../../../../src/support/ignored.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { evaluate, parameterValues, randomInputs } from "../../../support/micro-graphs.ts";

// 2×3 patches, so that rows and columns differ.
const encoder = {
  inputHeight: 4,
  inputWidth: 6,
  patchSize: 2,
  inChans: 1,
  embedDim: 8,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
};
const mae: MaeConfig = { ...encoder, decoderEmbedDim: 4, decoderDepth: 2, decoderNumHeads: 2 };
const classifier = (globalPool: "avg" | "cls"): ClassifierConfig => ({ ...encoder, globalPool });
const batch = 2;
/** Token-major places of two kept and two masked patches of two images. */
const positions = [1, 6, 3, 2].map(BigInt);
const maskPositions = [2, 5, 6, 4].map(BigInt);
const classTargets = Float64Array.of(0.9, 0.1, 0, 0, 0.3, 0.7);

interface Model {
  specs: ParameterSpec[];
  graph: Graph;
  given: Record<string, ArrayLike<number | bigint>>;
}
const pretraining = (clsLoss: "ce" | "softmax-ce", recompute = false): Model => ({
  specs: maeSpecs(mae),
  graph: pretrainGraph(mae, { batch, kept: 2, masked: 2, clsLoss, clsLossWeight: 0.7, recompute }),
  given: { positions, maskPositions, classTargets },
});
const finetuning = (globalPool: "avg" | "cls", kept: number | "all", rate: number, focalGamma?: number): Model => ({
  specs: classifierSpecs(classifier(globalPool)),
  graph: finetuneGraph(classifier(globalPool), {
    batch,
    kept,
    dropPathRates: dropPathRates(2, rate),
    ...(focalGamma !== undefined && {
      loss: (logits: Value) => focalLoss(logits, input("classTargets", logits.shape), focalGamma),
    }),
  }),
  given: {
    positions,
    classTargets,
    ...(rate > 0 ? { dropPath: Float64Array.of(1, 1, 1, 1, 0, 2, 2, 0) } : {}),
  },
});

// The head of progressive upsampling has thousands of kinks, where differences say nothing: the golden has its gradients.
/** 4×6 pixels of two images, some of them unjudged. */
const classes = Array.from({ length: 2 * 24 }, (_, i) => (i % 11 === 5 ? IGNORED : i % 7 < 3 ? 0 : i % 2));
/** Rows of two kept patches of two images, 0 and 5, 2 and 1, in a grid of six; row 4 is of those that do not run. */
const places = [0, 4, 4, 3, 4, 1, 4, 4, 4, 4, 2, 4].map(BigInt);
const keptPositions = [1, 3, 6, 2].map(BigInt);
const segmenting = (config: Partial<SegmenterConfig>, loss: MaskLossName, kept: number | "all" = "all"): Model => {
  const heads = { headWidth: 3, taps: [0, 1], deepSupervision: false } as const;
  const segmenter: SegmenterConfig = { ...encoder, ...heads, head: "setr-pup", ...config };
  const size = { height: 4, width: 6 };
  return {
    specs: segmenterSpecs(segmenter),
    graph: segmentTrainingGraph(segmenter, { batch, size, loss, kept }),
    given: {
      classes: classes.map((k) => (k === 1 ? segmenter.numClasses - 1 : k)),
      ...(kept === "all" ? {} : { places, positions: keptPositions }),
    },
  };
};

const models: [string, Model][] = [
  ["pre-training with softmax-ce", pretraining("softmax-ce")],
  ["pre-training with ce", pretraining("ce")],
  ["pre-training with blocks computed anew", pretraining("ce", true)],
  ["fine-tuning of kept patches, average pooling and drop-path", finetuning("avg", 2, 0.5)],
  ["fine-tuning of kept patches, cls pooling", finetuning("cls", 2, 0)],
  ["fine-tuning of all patches", finetuning("avg", "all", 0)],
  ["fine-tuning with the focal loss", finetuning("avg", "all", 0, 2)],
  ["segmentation of three classes, naive head", segmenting({ head: "setr-naive" }, "ce-dice")],
  // Two channels, so that no kink lies within the steps of the differences.
  [
    "segmentation of three classes, light head, two kept patches",
    segmenting({ head: "light", headWidth: 2 }, "ce-dice", 2),
  ],
  [
    "segmentation of one class, naive heads of two taps, two kept patches",
    segmenting({ head: "setr-naive", numClasses: 2, deepSupervision: true }, "bce-dice", 2),
  ],
];

describe.each(models)("%s", (_, { specs, graph, given }) => {
  const values = parameterValues(specs);
  const feeds: Record<string, ArrayLike<number | bigint>> = {
    ...given,
    ...values,
    ...randomInputs(graph, { ...given, ...values }),
  };
  const outputs = interpret(graph, feeds);
  const trainable = specs.filter((spec) => spec.role === "trainable");

  test("has a gradient for every trainable tensor and no other", () => {
    const names = [...graph.outputs.keys()].filter((name) => name.startsWith("grad/"));
    expect(names).toEqual(trainable.map(({ name }) => `grad/${name}`));
  });

  test.each(trainable.map(({ name }) => name))(
    "the gradient of %s is the slope of the loss along a random direction",
    (name) => {
      const gradient = outputs.get(`grad/${name}`)?.data as Float64Array;
      const start = values[name] as Float64Array;
      expect(gradient.length).toBe(start.length);
      const stream = RandomStream.for(1, "evaluation", name.length);
      const free = start.map(() => stream.normal());
      const length = Math.hypot(...free);
      const direction = free.map((value) => value / length);
      const lossAt = (step: number) =>
        evaluate(
          graph,
          { ...feeds, [name]: start.map((x, i) => x + step * (direction[i] as number)) },
          "loss",
        )[0] as number;
      const slope = gradient.reduce((sum, g, i) => sum + g * (direction[i] as number), 0);
      const h = 1e-4;
      // Fourth order: the error is h⁴ times a fifth derivative, and rounding of 1e-15 / h.
      const numeric = (8 * (lossAt(h) - lossAt(-h)) - (lossAt(2 * h) - lossAt(-2 * h))) / (12 * h);
      expect(Math.abs(numeric - slope)).toBeLessThan(1e-8 * Math.max(1, Math.abs(slope)));
    },
  );
});
