import { expect, test } from "vitest";
import { ownForm, tensorsOf } from "../../../../src/interop/layouts/own-form.ts";
import { recognise } from "../../../../src/interop/layouts/registry.ts";
import type { StoredTensor } from "../../../../src/interop/safetensors.ts";
import { toFloat32 } from "../../../../src/interop/tensor-values.ts";

const tensor = (shape: number[], ...values: number[]): StoredTensor => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => values[i] ?? 0);
  return { dtype: "F32", shape, bytes: new Uint8Array(data.buffer) };
};

/** What makes a vision transformer of timm's layout of it. */
const PLAIN = {
  cls_token: tensor([1, 1, 2]),
  pos_embed: tensor([1, 3, 2], 1, 2, 3, 4, 5, 6),
  "patch_embed.proj.weight": tensor([2, 1, 1, 1]),
  "blocks.0.norm1.weight": tensor([2]),
};

function read(more: Record<string, StoredTensor>, inputSizes?: { height: number; width: number }[]) {
  const file = new Map(Object.entries({ ...PLAIN, ...more }));
  const shapes = new Map([...file].map(([key, { shape }]) => [key, shape]));
  const found = recognise(shapes);
  if (!found) throw new Error("not recognised");
  const form = ownForm("x", shapes, found, inputSizes);
  const tensors = tensorsOf(form, file);
  const valuesOf = (key: string) => [...toFloat32(tensors.get(key) as StoredTensor)];
  return { form, tensors, valuesOf, file };
}

test("queries, keys and values are joined in this order; a bias that one lacks is zero in its place", () => {
  const { tensors, valuesOf, form } = read({
    "blocks.0.attn.v.weight": tensor([2, 2], 9, 10, 11, 12),
    "blocks.0.attn.q.weight": tensor([2, 2], 1, 2, 3, 4),
    "blocks.0.attn.k_proj.weight": tensor([2, 2], 5, 6, 7, 8),
    "blocks.0.attn.q.bias": tensor([2], 1, 2),
    "blocks.0.attn.v.bias": tensor([2], 3, 4),
  });
  expect(tensors.get("blocks.0.attn.qkv.weight")?.shape).toEqual([6, 2]);
  expect(valuesOf("blocks.0.attn.qkv.weight")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(valuesOf("blocks.0.attn.qkv.bias")).toEqual([1, 2, 0, 0, 3, 4]);
  expect(form.notes).toContain("queries, keys and values joined");
  expect(() => read({ "blocks.0.attn.q.weight": tensor([2, 2]) })).toThrow(/q, k and v, got 1 of them/);
});

test("biases that a model does without are zero, and told", () => {
  const { form, valuesOf } = read({ "blocks.0.attn.qkv.weight": tensor([6, 2], 1) });
  expect(form.zero).toEqual(["patch_embed.proj.bias", "blocks.0.attn.qkv.bias"]);
  expect(valuesOf("blocks.0.attn.qkv.bias")).toEqual([0, 0, 0, 0, 0, 0]);
});

test("the scale of a branch goes into the rows of its last layer, and into its bias", () => {
  const { tensors, valuesOf } = read({
    "blocks.0.attn.proj.weight": tensor([2, 2], 1, 2, 3, 4),
    "blocks.0.attn.proj.bias": tensor([2], 5, 6),
    "blocks.0.ls1.gamma": tensor([2], 10, 100),
    "blocks.0.mlp.fc2.weight": tensor([2, 1], 1, 2),
    "blocks.0.gamma_2": tensor([2], 3, 5),
  });
  expect(valuesOf("blocks.0.attn.proj.weight")).toEqual([10, 20, 300, 400]);
  expect(valuesOf("blocks.0.attn.proj.bias")).toEqual([50, 600]);
  expect(valuesOf("blocks.0.mlp.fc2.weight")).toEqual([3, 10]);
  expect(valuesOf("blocks.0.mlp.fc2.bias")).toEqual([0, 0]);
  expect([...tensors.keys()].filter((key) => /ls[12]|gamma/.test(key))).toEqual([]);
  expect(() => read({ "blocks.0.ls1.gamma": tensor([2], 1) })).toThrow(/"blocks.0.attn.proj.weight" of \[2\] rows/);
});

test("a table of patches alone gets a row of zeros, unless its rows are those of the model's grid and the cls token", () => {
  const table = { pos_embed: tensor([1, 4, 2], 1, 2, 3, 4, 5, 6, 7, 8) };
  const { tensors, valuesOf } = read(table);
  expect(tensors.get("pos_embed")?.shape).toEqual([1, 5, 2]);
  expect(valuesOf("pos_embed")).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(read(table, [{ height: 1, width: 3 }]).tensors.get("pos_embed")?.shape).toEqual([1, 4, 2]);
});

test("what is taken as it is shares the file's memory, whatever its dtype", () => {
  const half: StoredTensor = { dtype: "F16", shape: [2], bytes: new Uint8Array(4) };
  const { tensors } = read({ "blocks.0.norm2.weight": half });
  expect(tensors.get("blocks.0.norm2.weight")).toBe(half);
});

test("two tensors for one of ours are refused", () => {
  const one = { "blocks.0.attn.q.weight": tensor([2, 2]), "blocks.0.attn.q_proj.weight": tensor([2, 2]) };
  expect(() => read(one)).toThrow(/expected one tensor for "blocks.0.attn.q.weight", got two/);
});
