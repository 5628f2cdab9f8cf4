import { expect, test } from "vitest";
import { initialStore } from "../../../../src/engine/parameters/initial-store.ts";
import { resnetKind } from "../../../../src/method/kinds/resnet.ts";
import { encoderSpecs } from "../../../../src/method/models/encoder.ts";
import { maeSpecs, pretrainGraph } from "../../../../src/method/models/mae.ts";
import { inPrecision, int8Weights, isInt8, shownPrecision } from "../../../../src/method/models/precision.ts";
import { resnetPresets } from "../../../../src/method/models/resnet.ts";

const config = {
  inputHeight: 16,
  inputWidth: 16,
  patchSize: 4,
  inChans: 3,
  embedDim: 32,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 16,
  decoderEmbedDim: 16,
  decoderDepth: 1,
  decoderNumHeads: 2,
};

const linears = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"];
const ofBlock = (block: string) => linears.map((name) => `${block}.${name}.weight`);

test("are those of the blocks' linear layers, of encoder and decoder, and no first or last layer", () => {
  expect([...int8Weights(maeSpecs(config))].sort()).toEqual(
    [...ofBlock("blocks.0"), ...ofBlock("blocks.1"), ...ofBlock("decoder_blocks.0")].sort(),
  );
});

test("leave out extents that the kernels cannot take, and what is not trained", () => {
  const narrow = int8Weights(maeSpecs({ ...config, decoderEmbedDim: 24 }));
  expect([...narrow].filter((name) => name.startsWith("decoder"))).toEqual([]);
  expect(narrow.size).toBe(8);
  expect(int8Weights(encoderSpecs(config, "fixed")).size).toBe(int8Weights(encoderSpecs(config, "trained")).size);
  const frozen = encoderSpecs(config, "trained").map((spec) => ({ ...spec, role: "fixed" as const }));
  expect(int8Weights(frozen).size).toBe(0);
});

test("are none of a network of convolutions", () => {
  const preset = resnetPresets.resnet18 as (typeof resnetPresets)[string];
  const network = { inputHeight: 32, inputWidth: 32, inChans: 3, numClasses: 4, ...preset };
  expect(int8Weights(resnetKind.specs(network)).size).toBe(0);
});

test.each([
  ["fp32", false, {}],
  ["auto", false, {}],
  [undefined, false, {}],
  // Eleven layers, forward and by what they read, and where asked by the weight; the last decoder block's qkv is asked in parts.
  ["int8", true, { QuantizedMatMul: 22 }],
  ["int8-all", true, { QuantizedMatMul: 22, QuantizedWeightGradient: 11 }],
  ["fp16", false, { HalfGemm: 33 }],
] as const)(
  "--precision %s: whether there are copies in int8, and the products of a training graph",
  (precision, any, products) => {
    expect(isInt8(precision)).toBe(any);
    const source = pretrainGraph(config, {
      batch: 2,
      kept: 4,
      masked: 12,
      clsLoss: "ce",
      clsLossWeight: 1,
    });
    const store = initialStore(maeSpecs(config), 0, { quantized: any ? int8Weights(maeSpecs(config)) : undefined });
    const graph = inPrecision(source, precision, store);
    expect(graph === source).toBe(Object.keys(products).length === 0);
    const counted = Object.keys(products).map((op) => [op, graph.nodes.filter((node) => node.op === op).length]);
    expect(Object.fromEntries(counted)).toEqual(products);
  },
);

test.each([
  [96, "x64", "fp32"],
  [192, "x64", "int8-all"],
  [192, "arm64", "fp32"],
  [768, "x64", "int8-all"],
  [1024, "x64", "fp32"],
  [undefined, "x64", "fp32"],
] as const)(
  "of a width of %s on %s the quickest that was shown to be as good is %s",
  (width, architecture, precision) => {
    expect(shownPrecision(width, architecture)).toBe(precision);
  },
);
