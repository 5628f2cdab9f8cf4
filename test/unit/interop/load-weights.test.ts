import { describe, expect, test } from "vitest";
import { ParameterStore } from "../../../src/engine/parameters/parameter-store.ts";
import {
  classifierFromPretraining,
  loadWeights,
  networkFromOthers,
  withPositionGrid,
} from "../../../src/interop/load-weights.ts";
import type { StoredTensor } from "../../../src/interop/safetensors.ts";
import { toFloat32 } from "../../../src/interop/tensor-values.ts";
import type { NetworkKind } from "../../../src/method/kinds/network.ts";
import { resnetKind } from "../../../src/method/kinds/resnet.ts";
import { swinKind } from "../../../src/method/kinds/swin.ts";

function tensor(shape: number[], first: number): StoredTensor {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i);
  return { dtype: "F32", shape, bytes: new Uint8Array(data.buffer) };
}

function storeOf(shapes: Record<string, number[]>): ParameterStore {
  return ParameterStore.create(Object.entries(shapes).map(([name, shape]) => ({ name, shape, role: "trainable" })));
}

describe("loadWeights", () => {
  test("copies every tensor, converting to float32", () => {
    const store = storeOf({ a: [2], b: [1] });
    const half: StoredTensor = { dtype: "F16", shape: [1], bytes: new Uint8Array([0x00, 0x3e]) };
    const report = loadWeights(
      store,
      new Map([
        ["b", half],
        ["a", tensor([2], 3)],
      ]),
      { where: "x" },
    );
    expect([...store.parameter("a")]).toEqual([3, 4]);
    expect([...store.parameter("b")]).toEqual([1.5]);
    expect(report).toEqual({ loaded: ["b", "a"], missing: [], unexpected: [], reshaped: [], dropped: [], fresh: [] });
  });

  test("PyTorch's count of batches beside running statistics is left out, of whatever layer", () => {
    const tensors = new Map([
      ["bn.running_mean", tensor([2], 3)],
      ["bn.num_batches_tracked", { dtype: "I64", shape: [], bytes: new Uint8Array(8) } satisfies StoredTensor],
    ]);
    const report = loadWeights(storeOf({ "bn.running_mean": [2] }), tensors, { where: "x" });
    expect(report).toMatchObject({ loaded: ["bn.running_mean"], unexpected: [], dropped: ["bn.num_batches_tracked"] });
  });

  test("a misfit names all keys, and leaves the store as it was", () => {
    const store = storeOf({ a: [2], b: [1], c: [2, 2] });
    const tensors = new Map([
      ["a", tensor([2], 3)],
      ["c", tensor([4], 0)],
      ["d", tensor([1], 0)],
    ]);
    const act = () => loadWeights(store, tensors, { where: "model.safetensors" });
    expect(act).toThrow(expect.objectContaining({ code: "Checkpoint" }));
    expect(act).toThrow(
      /^model.safetensors:.*1 missing \(b\); 1 unexpected \(d\); 1 reshaped \(c: \[4\] instead of \[2,2\]\)/,
    );
    expect([...store.parameter("a")]).toEqual([0, 0]);
  });

  test("allowPartial loads what fits and reports the rest", () => {
    const store = storeOf({ a: [2], b: [1], c: [2, 2] });
    const tensors = new Map([
      ["a", tensor([2], 3)],
      ["c", tensor([4], 9)],
      ["d", tensor([1], 0)],
    ]);
    const report = loadWeights(store, tensors, { where: "x", allowPartial: true });
    expect(report).toMatchObject({ loaded: ["a"], missing: ["b"], unexpected: ["d"] });
    expect(report.reshaped).toEqual([{ key: "c", expected: [2, 2], got: [4] }]);
    expect([...store.parameter("a")]).toEqual([3, 4]);
    expect([...store.parameter("c")]).toEqual([0, 0, 0, 0]);
  });

  test.each([
    ["NaN", "F32", [0, 0, 0xc0, 0x7f]],
    ["-Infinity", "F16", [0x00, 0xfc]],
    ["Infinity", "F64", [...new Uint8Array(Float64Array.of(1e300).buffer)]],
  ] as const)("%s of %s is refused by name and index, and no tensor is copied", (value, dtype, bytes) => {
    const store = storeOf({ a: [2], b: [1] });
    const tensors = new Map<string, StoredTensor>([
      ["a", tensor([2], 3)],
      ["b", { dtype, shape: [1], bytes: Uint8Array.from(bytes) }],
    ]);
    const act = () => loadWeights(store, tensors, { where: "model.safetensors" });
    expect(act).toThrow(expect.objectContaining({ code: "Checkpoint" }));
    expect(act).toThrow(`model.safetensors: "b": expected finite numbers, got ${value} at index 0`);
    expect([...store.parameter("a")]).toEqual([0, 0]);
  });

  test("allowPartial does not make a start of a checkpoint of which nothing fits", () => {
    const store = storeOf({ a: [2] });
    const act = () => loadWeights(store, new Map([["x.a", tensor([2], 3)]]), { where: "x", allowPartial: true });
    expect(act).toThrow(/1 missing \(a\); 1 unexpected \(x\.a\); give a checkpoint of this kind of model/);
  });

  test("a long list of keys is cut, with their number", () => {
    const store = storeOf(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, [1]])));
    expect(() => loadWeights(store, new Map(), { where: "x" })).toThrow(/40 missing \(key0, .*key11, and 28 more\)/);
  });

  const pretrained = new Map([
    ["cls_token", tensor([1, 1, 2], 1)],
    ["norm.weight", tensor([2], 3)],
    ["mask_token", tensor([1, 1, 2], 5)],
    ["decoder_embed.weight", tensor([2, 2], 7)],
    ["head.weight", tensor([4, 2], 11)],
  ]);

  test("average pooling: decoder, mask token, head and norm dropped; head and fc_norm fresh", () => {
    const store = storeOf({ cls_token: [1, 1, 2], "fc_norm.weight": [2], "head.weight": [3, 2] });
    const report = loadWeights(store, pretrained, { where: "x", mapping: classifierFromPretraining("avg") });
    expect(report.loaded).toEqual(["cls_token"]);
    expect(report.dropped).toEqual(["norm.weight", "mask_token", "decoder_embed.weight", "head.weight"]);
    expect(report.fresh).toEqual(["fc_norm.weight", "head.weight"]);
    expect([...store.parameter("head.weight")]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("cls pooling: norm is loaded, and missed where it is not there", () => {
    const store = storeOf({ cls_token: [1, 1, 2], "norm.weight": [2], "head.weight": [3, 2] });
    const mapping = classifierFromPretraining("cls");
    expect(loadWeights(store, pretrained, { where: "x", mapping }).loaded).toEqual(["cls_token", "norm.weight"]);
    const without = new Map([...pretrained].filter(([key]) => key !== "norm.weight"));
    expect(() => loadWeights(store, without, { where: "x", mapping })).toThrow(/1 missing \(norm.weight\)/);
  });
});

describe("withPositionGrid", () => {
  test("brings pos_embed to the new grid and leaves the rest", () => {
    const tensors = new Map([
      ["pos_embed", tensor([1, 5, 3], 0)],
      ["a", tensor([1], 2)],
    ]);
    const resized = withPositionGrid(tensors, [2, 2], [3, 4]);
    const embedding = resized.get("pos_embed") as StoredTensor;
    expect(embedding.shape).toEqual([1, 13, 3]);
    expect([...toFloat32(embedding).subarray(0, 3)]).toEqual([0, 1, 2]);
    expect(toFloat32(embedding)).toHaveLength(39);
    expect(resized.get("a")).toBe(tensors.get("a"));
    expect(withPositionGrid(tensors, [2, 2], [2, 2])).toBe(tensors);
  });
});

describe("weights of other programs' networks", () => {
  const mapped = (kind: NetworkKind, keys: string[]) => {
    const { rename } = networkFromOthers(kind, new Set(keys));
    return keys.map(rename);
  };

  test("torchvision's ResNet comes without its head", () => {
    expect(mapped(resnetKind, ["conv1.weight", "layer2.0.downsample.0.weight", "fc.weight", "fc.bias"])).toEqual([
      "conv1.weight",
      "layer2.0.downsample.0.weight",
      undefined,
      undefined,
    ]);
    expect(networkFromOthers(resnetKind, new Set()).fresh("fc.bias")).toBe(true);
    expect(networkFromOthers(resnetKind, new Set()).fresh("bn1.bias")).toBe(false);
  });

  test("a Swin Transformer of today's timm and an earlier one's come to the same keys", () => {
    const merging = ["norm.weight", "reduction.weight"];
    const today = merging.flatMap((part) => [`layers.1.downsample.${part}`, `layers.3.downsample.${part}`]);
    const earlier = merging.flatMap((part) => [`layers.0.downsample.${part}`, `layers.2.downsample.${part}`]);
    expect(mapped(swinKind, [...today, "head.fc.weight"])).toEqual([...today, undefined]);
    const tables = ["layers.0.blocks.1.attn_mask", "layers.0.blocks.0.attn.relative_position_index", "head.weight"];
    expect(mapped(swinKind, [...earlier, ...tables])).toEqual([...today, undefined, undefined, undefined]);
  });
});
