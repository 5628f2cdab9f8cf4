import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { onnx } from "../../../../src/engine/onnx/generated/onnx.js";
import { inspect } from "../../../../src/interop/inspect.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { toFloat64 } from "../../../../src/interop/tensor-values.ts";
import { MsmaeError } from "../../../../src/support/errors.ts";
import { RandomStream } from "../../../../src/support/random.ts";
import { bytesOf } from "../../../support/torch-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-onnx-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Tensor = onnx.ITensorProto;
const { DataType, DataLocation } = onnx.TensorProto;
const three = Float32Array.of(1, 2, 3);
const raw: Tensor = { name: "w", dims: [3], dataType: DataType.FLOAT, rawData: bytesOf(three) };

function modelWith(node: onnx.INodeProto[], initializer: Tensor[]): Uint8Array {
  const graph = { name: "g", node, initializer, output: [{ name: "y" }] };
  return onnx.ModelProto.encode({
    irVersion: 10,
    producerName: "pytorch",
    opsetImport: [{ version: 21 }],
    graph,
  }).finish();
}
const modelOf = (...initializer: Tensor[]) =>
  modelWith([{ opType: "MatMul", input: ["x", "w"], output: ["y"] }], initializer);
let files = 0;
function fileOf(bytes: Uint8Array): string {
  const path = join(folder, `${files++}`);
  writeFileSync(path, bytes);
  return path;
}
const valuesOf = async (path: string) =>
  [...(await readTensorFile(path)).tensors].map(([name, tensor]) => [
    name,
    tensor.dtype,
    tensor.shape,
    [...toFloat64(tensor)],
  ]);

describe("initialisers of ONNX models", () => {
  const types: [string, Tensor, string, number[]][] = [
    ["raw float32", raw, "F32", [1, 2, 3]],
    ["a list of float32", { dataType: DataType.FLOAT, floatData: [1, -2, 3] }, "F32", [1, -2, 3]],
    ["a list of float64", { dataType: DataType.DOUBLE, doubleData: [0.1, -2, 3] }, "F64", [0.1, -2, 3]],
    ["halves in a list", { dataType: DataType.FLOAT16, int32Data: [0x3c00, 0xc000, 0] }, "F16", [1, -2, 0]],
    ["bfloat16 in a list", { dataType: DataType.BFLOAT16, int32Data: [0x3f80, 0xc000, 0] }, "BF16", [1, -2, 0]],
    ["int64 in a list", { dataType: DataType.INT64, int64Data: [1, -2, 2 ** 40] }, "I64", [1, -2, 2 ** 40]],
    ["int32 in a list", { dataType: DataType.INT32, int32Data: [1, -2, 3] }, "I32", [1, -2, 3]],
    ["int16 in a list", { dataType: DataType.INT16, int32Data: [1, -2, 3] }, "I16", [1, -2, 3]],
    ["int8 in a list", { dataType: DataType.INT8, int32Data: [1, -2, 3] }, "I8", [1, -2, 3]],
    ["uint8 in a list", { dataType: DataType.UINT8, int32Data: [1, 254, 3] }, "U8", [1, 254, 3]],
    ["truth values in a list", { dataType: DataType.BOOL, int32Data: [1, 0, 1] }, "BOOL", [1, 0, 1]],
  ];
  test.each(types)("%s", async (_, tensor, dtype, values) => {
    expect(await valuesOf(fileOf(modelOf({ name: "w", dims: [3], ...tensor })))).toEqual([["w", dtype, [3], values]]);
  });

  test("scalars, and what is left out: types that are not read, and what is not kept", async () => {
    const scalar = { name: "s", dataType: DataType.FLOAT, floatData: [7] };
    const other = { name: "u", dims: [1], dataType: DataType.UINT64, uint64Data: [1] };
    const path = fileOf(modelOf(raw, other, scalar));
    const { tensors, entries, beside, container } = await readTensorFile(path, { keep: (name) => name === "s" });
    expect([[...tensors.keys()], [...entries.keys()], container]).toEqual([["s"], ["w", "s"], "ONNX"]);
    expect(Object.fromEntries(beside)).toEqual({ producer: "pytorch", u: "a tensor [1] of type UINT64" });
    expect((await inspect(path)).keys).toEqual([
      { key: "w", dtype: "F32", shape: [3] },
      { key: "s", dtype: "F32", shape: [] },
    ]);
  });

  describe("names of parameters", () => {
    const weight: Tensor = {
      name: "onnx::MatMul_7",
      dims: [2, 3],
      dataType: DataType.FLOAT,
      floatData: [1, 2, 3, 4, 5, 6],
    };
    const layer = (name: string, input = weight.name as string) => ({
      opType: "MatMul",
      name,
      input: ["x", input],
      output: ["y"],
    });
    const identity = (input: string, output: string) => ({
      opType: "Identity",
      name: "i",
      input: [input],
      output: [output],
    });

    test("a linear layer's weights are turned back, and named after the layer's place", async () => {
      const path = fileOf(modelWith([layer("/blocks/blocks.0/mlp/fc1/MatMul")], [weight, raw]));
      expect(await valuesOf(path)).toEqual([
        ["blocks.0.mlp.fc1.weight", "F32", [3, 2], [1, 4, 2, 5, 3, 6]],
        ["w", "F32", [3], [1, 2, 3]],
      ]);
      expect((await readTensorFile(path, { keep: () => false })).entries.get("blocks.0.mlp.fc1.weight")?.shape).toEqual(
        [3, 2],
      );
    });

    test("two layers of the same weights, and parameters of equal values", async () => {
      const nodes = [
        identity("a.bias", "b.bias"),
        identity("b.bias", "c.bias"),
        identity("a.bias", "/a/Identity_output_0"),
        identity("onnx::MatMul_7", "onnx::MatMul_8"),
        layer("/a/MatMul"),
        layer("/b/MatMul", "onnx::MatMul_8"),
      ];
      const bias = { ...raw, name: "a.bias" };
      expect(
        (await valuesOf(fileOf(modelWith(nodes, [bias, weight])))).map(([name, , shape]) => [name, shape]),
      ).toEqual([
        ["a.bias", [3]],
        ["b.bias", [3]],
        ["c.bias", [3]],
        ["a.weight", [3, 2]],
        ["b.weight", [3, 2]],
      ]);
    });

    test("those that no node tells stay as they are", async () => {
      const nodes = [layer("MatMul_3"), layer("/head/MatMul", "w"), { ...layer("/c/Gemm"), opType: "Gemm" }];
      expect((await valuesOf(fileOf(modelWith(nodes, [raw, weight])))).map(([name]) => name)).toEqual([
        "w",
        "onnx::MatMul_7",
      ]);
    });

    const dishonest: [string, onnx.INodeProto[], Tensor[], RegExp][] = [
      [
        "a name that is there already",
        [layer("/w/MatMul")],
        [{ ...raw, name: "w.weight" }, weight],
        /"w\.weight" twice/,
      ],
      ["weights of one axis", [layer("/w/MatMul")], [{ ...weight, dims: [6] }], /a weight of two axes/],
    ];
    test.each(dishonest)("%s is refused", async (_, nodes, tensors, message) => {
      await expect(valuesOf(fileOf(modelWith(nodes, tensors)))).rejects.toThrow(message);
    });

    test("identities that take each other end", async () => {
      const nodes = [identity("a.a", "b.b"), identity("b.b", "a.a")];
      expect((await valuesOf(fileOf(modelWith(nodes, [raw])))).map(([name]) => name)).toEqual(["w"]);
    });

    test("many names for the same bytes are refused", async () => {
      const large = { ...weight, name: "l", dims: [2 ** 20], floatData: [], rawData: new Uint8Array(2 ** 22) };
      const nodes = Array.from({ length: 40 }, (_, index) => identity("l", `n.n${index}`));
      await expect(valuesOf(fileOf(modelWith(nodes, [large])))).rejects.toThrow(/bytes together, by what is stored/);
    });
  });

  const external = (location: string, more: Readonly<Record<string, string>> = {}): Tensor => ({
    name: "e",
    dims: [2],
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
  });

  test("data beside the model, in the model's order", async () => {
    mkdirSync(join(folder, "sub"), { recursive: true });
    for (const place of ["data.bin", "sub/data.bin"]) writeFileSync(join(folder, place), bytesOf(three));
    expect(await valuesOf(fileOf(modelOf(external("./data.bin", { offset: "4", length: "8" }), raw)))).toEqual([
      ["e", "F32", [2], [2, 3]],
      ["w", "F32", [3], [1, 2, 3]],
    ]);
  });

  const refused: [string, Tensor[], RegExp][] = [
    ["data in a folder below", [external("sub/data.bin")], /file in the same folder/],
    ["data upwards", [external("../data.bin")], /file in the same folder/],
    ["data at an absolute path", [external("/etc/passwd")], /file in the same folder/],
    ["data without a place", [external("")], /file in the same folder/],
    ["data that is missing", [external("other.bin")], /no other\.bin/],
    ["data in a folder's place", [external("sub")], /a folder/],
    ["data beyond its file", [external("data.bin", { offset: "8" })], /"e": expected 16 bytes, got 12/],
    ["a negative offset", [external("data.bin", { offset: "-4" })], /an offset/],
    ["another length", [external("data.bin", { length: "4" })], /8 bytes for its shape/],
    ["too few bytes", [{ ...raw, dims: [4] }], /"w": expected 16 bytes for its shape, got 12/],
    ["too few numbers", [{ ...raw, rawData: new Uint8Array(), floatData: [1] }], /12 bytes for its shape, got 4/],
    ["a negative size", [{ ...raw, dims: [-3] }], /a shape of at most 64 whole numbers/],
    ["a size beyond numbers", [{ ...raw, dims: [2 ** 52, 2 ** 52] }], /by what is stored/],
    ["a piece of a tensor", [{ ...raw, segment: { begin: 0, end: 3 } }], /bytes for its shape/],
    ["a name twice", [raw, raw], /"w" twice/],
    ["no tensors", [], /an ONNX model with weights/],
    ["megabytes of axes", [{ ...raw, dims: Array(5_000_000).fill(1) }], /not raw data/],
    ["too long a list", [{ ...raw, floatData: Array(17_000_000).fill(0) }], /not raw data/],
  ];
  test.each(refused)("refuses %s", async (_, tensors, message) => {
    const path = fileOf(modelOf(...tensors));
    await expect(readTensorFile(path)).rejects.toThrow(expect.objectContaining({ code: "Checkpoint" }));
    await expect(readTensorFile(path)).rejects.toThrow(message);
  });

  test("many tensors of the same bytes in another file are refused", async () => {
    writeFileSync(join(folder, "large.bin"), new Uint8Array(2 ** 23));
    const same = (name: string) => ({ ...external("large.bin"), name, dims: [2 ** 21] });
    const tensors = Array.from({ length: 14 }, (_, index) => same(`${index}`));
    await expect(readTensorFile(fileOf(modelOf(...tensors)))).rejects.toThrow(/bytes together, by what is stored/);
  });

  test("300 altered models give tensors or a named error", async () => {
    const model = modelOf(
      raw,
      { name: "f", dims: [2, 2], dataType: DataType.FLOAT, floatData: [1, 2, 3, 4] },
      external("data.bin"),
    );
    let tensors = 0;
    for (let index = 0; index < 300; index++) {
      const draws = RandomStream.for(14, "phantom", index);
      const bytes = Uint8Array.from(model);
      bytes[draws.integer(1, bytes.length - 1)] = draws.integer(0, 255);
      const end = index % 5 === 0 ? draws.integer(1, bytes.length) : bytes.length;
      const outcome: unknown = await readTensorFile(fileOf(bytes.subarray(0, end))).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) tensors++;
      else expect(outcome).toBeInstanceOf(MsmaeError);
    }
    expect(tensors).toBeGreaterThan(50);
  });
});
