import { describe, expect, test } from "vitest";
import { gradients } from "../../../../src/engine/autodiff/gradients.ts";
import { constant, input, mul, reduceSum } from "../../../../src/engine/graph/builders.ts";
import { type Graph, graph, inputName } from "../../../../src/engine/graph/graph.ts";
import { interpret } from "../../../../src/engine/graph/interpreter.ts";
import type { Value } from "../../../../src/engine/graph/types.ts";
import { parameterInputs } from "../../../../src/engine/parameters/specs.ts";
import { attentionMapGraph, mapHeadCount, mapWeights } from "../../../../src/method/models/attention-maps.ts";
import {
  classifierGraph,
  classifierSpecs,
  dropPathRates,
  finetuneGraph,
} from "../../../../src/method/models/classifier.ts";
import type { ClassifierConfig, MaeConfig } from "../../../../src/method/models/config.ts";
import { embed, encode, encoderSpecs, patchInputs } from "../../../../src/method/models/encoder.ts";
import { maeSpecs, pretrainGraph, reconstructionGraph } from "../../../../src/method/models/mae.ts";
import { attention, tokenRows } from "../../../../src/method/nn/attention.ts";
import { block, blockSpecs } from "../../../../src/method/nn/block.ts";
import { layerNorm, linear } from "../../../../src/method/nn/layers.ts";
import { evaluate, parameterValues, randomInputs, relativeError } from "../../../support/micro-graphs.ts";

// What is not computed must not be missed: each shortened graph against the whole one, in float64.
const rounding = 1e-13;
const [tokens, batch, dim, numHeads] = [5, 2, 8, 2];
const layout = { tokens, batch };

describe.each([
  ["the first token", { from: 0, to: 1 }],
  ["tokens in the middle", { from: 1, to: 4 }],
  ["the last tokens", { from: 3, to: 5 }],
])("a block asked for %s only", (_, queries) => {
  const specs = blockSpecs("b", dim, 2);
  const values = parameterValues(specs);
  const build = (asked: boolean) => {
    const p = parameterInputs(specs);
    const x = input("x", [tokens * batch, dim]);
    const rows = asked
      ? block(x, p, "b", layout, numHeads, { queries })
      : tokenRows(block(x, p, "b", layout, numHeads), layout, queries);
    // Weights that differ everywhere, so that no error cancels.
    const weights = constant(
      Float64Array.from({ length: (queries.to - queries.from) * batch * dim }, (_v, i) => Math.sin(i + 1)),
      rows.shape,
    );
    const loss = reduceSum(mul(rows, weights), [0, 1]);
    const wrt: Value[] = [x, ...specs.map(({ name }) => p(name))];
    const named = gradients(loss, wrt).map((derivative, i) => [`d${i}`, derivative] as const);
    return graph("block", { rows, ...Object.fromEntries(named) });
  };
  const [short, whole] = [build(true), build(false)];
  const feeds = { ...values, ...randomInputs(whole, values) };
  const [got, expected] = [interpret(short, feeds), interpret(whole, feeds)];

  test.each([...whole.outputs.keys()])("gives the whole block's %s", (name) => {
    expect(relativeError(got.get(name)?.data as Float64Array, expected.get(name)?.data as Float64Array)).toBeLessThan(
      rounding,
    );
  });
});

const encoder = {
  inputHeight: 4,
  inputWidth: 6,
  patchSize: 2,
  inChans: 3,
  embedDim: 8,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
};
const mae: MaeConfig = { ...encoder, decoderEmbedDim: 4, decoderDepth: 2, decoderNumHeads: 2 };

test("pre-training, whose decoder ends for masked patches only, has the loss of the decoder's whole prediction", () => {
  const counts = { batch, kept: 2, masked: 3 };
  const short = pretrainGraph(mae, { ...counts, clsLoss: "ce", clsLossWeight: 0 });
  const values = parameterValues(maeSpecs(mae));
  const given = { ...values, positions: [1, 6, 3, 2].map(BigInt), maskPositions: [2, 5, 6, 4, 4, 1].map(BigInt) };
  const drawn = randomInputs(short, given);
  const feeds = { ...given, ...drawn };
  const prediction = evaluate(reconstructionGraph(mae, counts), feeds, "prediction");
  // Rows of kept patches come first.
  const masked = prediction.subarray(2 * batch * 12);
  const targets = drawn.targets as Float64Array;
  expect(masked.length).toBe(targets.length);
  const squares = masked.reduce((sum, value, i) => sum + (value - (targets[i] as number)) ** 2, 0);
  expect(evaluate(short, feeds, "loss")[0]).toBeCloseTo(squares / masked.length, 12);
});

describe("pre-training of so many images that there are more mask tokens than places", () => {
  const counts = { kept: 2, masked: 3, clsLoss: "ce", clsLossWeight: 0.1 } as const;
  const images = 3;
  const whole = pretrainGraph(mae, { ...counts, batch: images });
  const single = pretrainGraph(mae, { ...counts, batch: 1 });
  const values = parameterValues(maeSpecs(mae));
  const given = {
    ...values,
    positions: [1, 6, 3, 2, 4, 5].map(BigInt),
    maskPositions: [2, 5, 6, 4, 4, 1, 3, 1, 2].map(BigInt),
  };
  const feeds: Record<string, ArrayLike<number | bigint>> = { ...given, ...randomInputs(whole, given) };
  /** What is fed of one image: every third row. */
  const ofImage = (image: number) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, all]) => {
        if (name in values) return [name, all];
        const width = all.length / (single.inputs.find((value) => inputName(value) === name)?.shape[0] ?? 1) / images;
        return [name, Array.from(all).filter((_, i) => Math.floor(i / width) % images === image)];
      }),
    );
  /** Rows of what is multiplied by a weight going forward. */
  const rowsInto = (source: Graph, weight: string) =>
    source.nodes.flatMap(({ op, inputs }) => {
      const isIt = op === "Gemm" && inputs[2] && inputs[1]?.node.op === "Input" && inputName(inputs[1]) === weight;
      return isIt ? [inputs[0]?.shape[0]] : [];
    });

  test("makes the first block's queries, keys and values of mask tokens once for each place, and of the cls row", () => {
    expect(rowsInto(whole, "decoder_blocks.0.attn.qkv.weight")).toEqual([(1 + 2) * images + 6 + 1]);
    expect(rowsInto(whole, "decoder_blocks.0.mlp.fc1.weight")).toEqual([(1 + 2 + 3) * images]);
    expect(rowsInto(single, "decoder_blocks.0.attn.qkv.weight")).toEqual([1 + 2 + 3]);
  });

  const got = interpret(whole, feeds);
  const alone = Array.from({ length: images }, (_, image) => interpret(single, ofImage(image)));
  test.each([...whole.outputs.keys()])("has the mean of the images' %s", (name) => {
    const parts = alone.map((one) => one.get(name)?.data as Float64Array);
    const mean = (parts[0] as Float64Array).map(
      (_, i) => parts.reduce((sum, one) => sum + (one[i] as number), 0) / images,
    );
    expect(relativeError(got.get(name)?.data as Float64Array, mean)).toBeLessThan(rounding);
  });
});

test("a cls-pooled classifier, whose last block asks for cls only, has the logits of the whole last block", () => {
  const config: ClassifierConfig = { ...encoder, globalPool: "cls" };
  const specs = classifierSpecs(config);
  const values = parameterValues(specs);
  const short = classifierGraph(config, { batch, kept: "all" });
  const p = parameterInputs(specs);
  const rows = encode(embed(p, patchInputs(config, batch, "all"), config, batch), p, config, { tokens: 7, batch });
  const cls = tokenRows(rows, { tokens: 7, batch }, { from: 0, to: 1 });
  const whole = graph("whole", { logits: linear(layerNorm(cls, p, "norm"), p, "head") });
  const feeds = { ...values, ...randomInputs(short, values) };
  expect(relativeError(evaluate(short, feeds, "logits"), evaluate(whole, feeds, "logits"))).toBeLessThan(rounding);
});

test("all patches in order are the same as all patches kept", () => {
  const config: ClassifierConfig = { ...encoder, globalPool: "avg" };
  const values = parameterValues(classifierSpecs(config));
  const all = classifierGraph(config, { batch, kept: "all" });
  const positions = Array.from({ length: 6 * batch }, (_, row) => BigInt(1 + Math.floor(row / batch)));
  const feeds = { ...values, ...randomInputs(all, values), positions };
  const kept = evaluate(classifierGraph(config, { batch, kept: 6 }), feeds, "logits");
  expect(relativeError(evaluate(all, feeds, "logits"), kept)).toBeLessThan(rounding);
});

test("attention of all blocks is that of the first alone and of the last, one after the other", () => {
  const values = parameterValues(encoderSpecs(encoder, "fixed"));
  const all = attentionMapGraph({ ...encoder, mapBlocks: "all" }, batch);
  const feeds = { ...values, ...randomInputs(all, values) };
  const both = evaluate(all, feeds, "attention");
  const last = evaluate(attentionMapGraph(encoder, batch), feeds, "attention");
  const first = evaluate(attentionMapGraph({ ...encoder, depth: 1 }, batch), feeds, "attention");
  // Two heads of seven tokens for each of two blocks and each image.
  for (let b = 0; b < batch; b++) {
    expect(both.slice(b * 28, b * 28 + 14)).toEqual(first.slice(b * 14, b * 14 + 14));
    expect(both.slice(b * 28 + 14, b * 28 + 28)).toEqual(last.slice(b * 14, b * 14 + 14));
  }
  expect(mapHeadCount({ ...encoder, mapBlocks: "all" })).toBe(4);
  expect(mapHeadCount(encoder)).toBe(2);
});

test("attention maps, which compute one query of the last block, are its softmax: they sum to 1 and mix its values to its output", () => {
  const specs = encoderSpecs(encoder, "fixed");
  const values = parameterValues(specs);
  const maps = attentionMapGraph(encoder, batch);
  const feeds = { ...values, ...randomInputs(maps, values) };
  const probabilities = evaluate(maps, feeds, "attention");
  const p = parameterInputs(specs);
  const rows = encode(
    embed(p, patchInputs(encoder, batch, "all"), encoder, batch),
    p,
    encoder,
    { tokens: 7, batch },
    { blocks: 1 },
  );
  const normalized = layerNorm(rows, p, "blocks.1.norm1");
  const whole = graph("whole", {
    normalized,
    mixed: attention(normalized, p, "blocks.1.attn", { tokens: 7, batch }, 2, { queries: { from: 0, to: 1 } }),
  });
  const results = interpret(whole, feeds);
  const x = results.get("normalized")?.data as Float64Array;
  const [qkvWeight, qkvBias] = [values["blocks.1.attn.qkv.weight"], values["blocks.1.attn.qkv.bias"]] as [
    Float64Array,
    Float64Array,
  ];
  const [weight, bias] = [values["blocks.1.attn.proj.weight"], values["blocks.1.attn.proj.bias"]] as [
    Float64Array,
    Float64Array,
  ];
  const value = (token: number, b: number, d: number) =>
    Array.from(
      { length: 8 },
      (_, k) => (x[(token * batch + b) * 8 + k] as number) * (qkvWeight[(16 + d) * 8 + k] as number),
    ).reduce((s, v) => s + v, qkvBias[16 + d] as number);
  const expected = Float64Array.from({ length: batch * 8 }, (_, at) => {
    const [b, out] = [Math.floor(at / 8), at % 8];
    let sum = bias[out] as number;
    for (let d = 0; d < 8; d++) {
      const head = Math.floor(d / 4);
      for (let token = 0; token < 7; token++) {
        sum +=
          (weight[out * 8 + d] as number) * (probabilities[(b * 2 + head) * 7 + token] as number) * value(token, b, d);
      }
    }
    return sum;
  });
  for (let row = 0; row < batch * 2; row++) {
    expect(probabilities.subarray(row * 7, row * 7 + 7).reduce((s, v) => s + v, 0)).toBeCloseTo(1, 12);
  }
  expect(relativeError(results.get("mixed")?.data as Float64Array, expected)).toBeLessThan(1e-12);
});

test("map weights are the mean over heads of each head's own range, without the cls column", () => {
  const heads = Float64Array.of(0.9, 0.1, 0.3, 0.5, 0.2, 0.4, 0.2, 0.6);
  expect([...mapWeights(heads, 2)].map((v) => Number(v.toFixed(12)))).toEqual([0.25, 0.25, 1]);
  expect([...mapWeights(Float64Array.of(0.4, 0.2, 0.2, 0.2), 1)]).toEqual([0, 0, 0]);
  // The mean of the heads, scaled: the flat head changes nothing, where alone it has no peak to be scaled to.
  const flat = Float64Array.of(0.1, 0.3, 0.3, 0.3, 0.1, 0.1, 0.2, 0.6);
  expect([...mapWeights(flat, 2, "mean")].map((v) => Number(v.toFixed(12)))).toEqual([0, 0.2, 1]);
  expect([...mapWeights(Float64Array.of(0.4, 0.2, 0.2, 0.2), 1, "mean")]).toEqual([0, 0, 0]);
});

describe("drop-path", () => {
  const config: ClassifierConfig = { ...encoder, globalPool: "avg" };
  const values = parameterValues(classifierSpecs(config));
  const graphAt = (largest: number) =>
    finetuneGraph(config, { batch, kept: "all", dropPathRates: dropPathRates(2, largest) });
  const given = { ...values, classTargets: Float64Array.of(1, 0, 0, 0, 1, 0) };
  const feeds = { ...given, ...randomInputs(graphAt(0), given) };
  const logits = (dropPath: number[]) => evaluate(graphAt(0.5), { ...feeds, dropPath }, "logits");

  test("at rate 0 is no part of the graph", () => {
    expect(graphAt(0).inputs.some(({ node }) => (node.attributes as { name: string }).name === "dropPath")).toBe(false);
    expect(graphAt(0).nodes.length).toBeLessThan(graphAt(0.5).nodes.length);
  });

  test("with factors of 1 changes nothing, and the first block's factors are never read", () => {
    const plain = evaluate(graphAt(0), feeds, "logits");
    expect(logits([1, 1, 1, 1, 1, 1, 1, 1])).toEqual(plain);
    expect(logits([0, 0, 0, 0, 1, 1, 1, 1])).toEqual(plain);
  });

  test("drops a branch for the images of factor 0 alone", () => {
    const plain = logits([1, 1, 1, 1, 1, 1, 1, 1]);
    const second = logits([1, 1, 1, 1, 1, 0, 1, 1]);
    expect(second.subarray(0, 3)).toEqual(plain.subarray(0, 3));
    expect(second.subarray(3)).not.toEqual(plain.subarray(3));
    // Without both branches, the last block passes its input on: any of its weights may change.
    const dropped = [1, 1, 1, 1, 0, 0, 0, 0];
    const moved = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        name.startsWith("blocks.1.") ? value.map((v) => v + 1) : value,
      ]),
    );
    expect(evaluate(graphAt(0.5), { ...feeds, ...moved, dropPath: dropped }, "logits")).toEqual(logits(dropped));
  });
});
