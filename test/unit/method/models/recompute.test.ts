import { describe, expect, test } from "vitest";
import type { Graph } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { ParameterSpec, Remembering } from "../../../../src/engine/index.ts";
import { classifierSpecs, dropPathRates, finetuneGraph } from "../../../../src/method/models/classifier.ts";
import { maeSpecs, pretrainGraph } from "../../../../src/method/models/mae.ts";
import { segmenterSpecs, segmentTrainingGraph } from "../../../../src/method/models/segmenter.ts";
import { parameterValues, randomInputs } from "../../../support/micro-graphs.ts";

const encoder = {
  ...{ inputHeight: 4, inputWidth: 6, patchSize: 2, inChans: 1, embedDim: 8, depth: 3, numHeads: 2, mlpRatio: 2 },
  numClasses: 3,
};
const mae = { ...encoder, decoderEmbedDim: 4, decoderDepth: 2, decoderNumHeads: 2 };
const heads = { head: "setr-naive", headWidth: 3, taps: [0, 2], deepSupervision: true } as const;
const batch = 2;
const [positions, maskPositions] = [[1, 6, 3, 2].map(BigInt), [2, 5, 6, 4].map(BigInt)];
const classes = Array.from({ length: batch * 24 }, (_, i) => i % 3);
const skips = { dropPath: Float64Array.of(1, 1, 1, 1, 0, 2, 2, 0, 0, 4, 4, 4) };

interface Case {
  specs: ParameterSpec[];
  build(remembering: Remembering): Graph;
  given: Record<string, ArrayLike<number | bigint>>;
  /** Blocks whose softmax is computed twice: all but the last. */
  again: number;
}
const finetuning = (globalPool: "avg" | "cls", again: number): Case => ({
  specs: classifierSpecs({ ...encoder, globalPool }),
  build: (remembering) =>
    finetuneGraph(
      { ...encoder, globalPool },
      { batch, kept: 2, dropPathRates: dropPathRates(3, 0.75), ...remembering },
    ),
  given: { positions, ...skips },
  again,
});
const cases: [string, Case][] = [
  ["fine-tuning with drop-path, average pooling", finetuning("avg", 2)],
  ["fine-tuning with drop-path, cls pooling", finetuning("cls", 2)],
  [
    "pre-training",
    {
      specs: maeSpecs(mae),
      build: (remembering) =>
        pretrainGraph(mae, { batch, kept: 2, masked: 2, clsLoss: "ce", clsLossWeight: 0.7, ...remembering }),
      given: { positions, maskPositions },
      again: 4,
    },
  ],
  [
    "segmentation with heads after the first and the last block",
    {
      specs: segmenterSpecs({ ...encoder, ...heads }),
      build: (remembering) =>
        segmentTrainingGraph(
          { ...encoder, ...heads },
          { batch, size: { height: 4, width: 6 }, loss: "ce-dice", ...remembering },
        ),
      given: { classes },
      again: 2,
    },
  ],
];

const softmaxes = ({ nodes }: Graph) => nodes.filter(({ op }) => op === "Softmax").length;

describe.each(cases)("%s with blocks computed anew", (_, { specs, build, given, again }) => {
  const [plain, anew] = [build({}), build({ recompute: true })];
  const values = parameterValues(specs);
  const feeds = { ...given, ...values, ...randomInputs(plain, { ...given, ...values }) };
  const [expected, got] = [interpret(plain, feeds), interpret(anew, feeds)];

  test.each([...plain.outputs.keys()])("gives the same numbers for %s, to the last bit", (name) => {
    const gradient = expected.get(name)?.data as Float64Array;
    expect(gradient.some((value) => value !== 0)).toBe(true);
    expect(got.get(name)?.data).toEqual(gradient);
  });

  test("computes every block but the last a second time, and of it no more than derivatives read", () => {
    expect(softmaxes(anew) - softmaxes(plain)).toBe(again);
    // Of four linear layers the last one's output is read by no derivative.
    const products = (graph: Graph) => graph.nodes.filter(({ op }) => op === "Gemm").length;
    expect(products(anew) - products(plain)).toBeGreaterThanOrEqual(3 * again);
    expect(products(anew) - products(plain)).toBeLessThan(4 * again);
  });

  test("is the graph as it was where nothing is asked for", () => {
    const shapes = (graph: Graph) => graph.nodes.map(({ op, outputs }) => [op, outputs.map(({ shape }) => shape)]);
    expect(shapes(build({ recompute: false }))).toEqual(shapes(plain));
  });
});
