import { expect, test } from "vitest";
import { resnetKind } from "../../../../src/method/kinds/resnet.ts";
import { encoderSpecs } from "../../../../src/method/models/encoder.ts";
import { int8Products, int8Weights, isInt8 } from "../../../../src/method/models/int8-weights.ts";
import { maeSpecs } from "../../../../src/method/models/mae.ts";
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
  ["fp32", false, "float32"],
  ["auto", false, "float32"],
  [undefined, false, "float32"],
  ["int8", true, "float32"],
  ["int8-all", true, "int8"],
] as const)(
  "of --precision %s: whether there are any, and the dtype of their gradients' products",
  (precision, any, of) => {
    expect(isInt8(precision)).toBe(any);
    expect(int8Products(precision)).toEqual({ weightGradients: of });
  },
);
