import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { inspect } from "../../../../src/interop/inspect.ts";
import { readStartingWeights } from "../../../../src/interop/starting-weights.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
import { toFloat64 } from "../../../../src/interop/tensor-values.ts";
import {
  call,
  dict,
  global,
  int,
  join,
  list,
  none,
  object,
  pickle,
  str,
  tuple,
} from "../../../support/pickle-writer.ts";
import {
  bytesOf,
  storage,
  tensor,
  torchLegacy,
  torchZip,
  vector,
  wholeStorage,
} from "../../../support/torch-writer.ts";

const folder = mkdtempSync(joinPath(tmpdir(), "msmae-torch-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(bytes: Uint8Array): string {
  // No name tells what is in it.
  const path = joinPath(folder, `${files++}.weights`);
  writeFileSync(path, bytes);
  return path;
}
const valuesOf = async (bytes: Uint8Array) =>
  [...(await readTensorFile(fileOf(bytes))).tensors].map(([name, stored]) => [
    name,
    stored.shape,
    [...toFloat64(stored)],
  ]);

const six = bytesOf(Float32Array.of(0, 1, 2, 3, 4, 5));
const view = { storage: "FloatStorage", key: "0", elements: 6 };
const matrix = { ...view, shape: [2, 3], strides: [3, 1] };

describe("both forms of torch.save", () => {
  test("the zip form, whatever its folder is called, with entries of zip64 too", async () => {
    for (const options of [{}, { folder: "my model.v2/" }, { folder: "" }, { zip64: true }]) {
      expect(await valuesOf(torchZip(dict({ w: tensor(matrix) }), { 0: six }, options))).toEqual([
        ["w", [2, 3], [0, 1, 2, 3, 4, 5]],
      ]);
    }
  });

  test("the form before, with several storages one after another", async () => {
    const root = dict({
      w: tensor({ ...matrix, view: wholeStorage }),
      b: tensor({ ...view, key: "94", elements: 1, shape: [], strides: [], view: wholeStorage }),
    });
    const bytes = torchLegacy(root, { 94: [1, bytesOf(Float32Array.of(7))], 123: [6, six] });
    const renamed = torchLegacy(root, { 0: [6, six], 94: [1, bytesOf(Float32Array.of(7))] });
    await expect(readTensorFile(fileOf(bytes))).rejects.toThrow(/key of a storage that tensors have, got 123/);
    expect(await valuesOf(renamed)).toEqual([
      ["w", [2, 3], [0, 1, 2, 3, 4, 5]],
      ["b", [], [7]],
    ]);
  });

  test("a view of a storage, as PyTorch 0.4 wrote them", async () => {
    const part = tensor({ ...view, shape: [2], strides: [1], offset: 1, view: tuple(str("77"), int(2), int(3)) });
    expect(await valuesOf(torchLegacy(dict({ w: part }), { 0: [6, six] }))).toEqual([["w", [2], [3, 4]]]);
    const beyond = tensor({ ...view, shape: [2], strides: [1], offset: 2, view: tuple(str("77"), int(2), int(3)) });
    await expect(valuesOf(torchLegacy(dict({ w: beyond }), { 0: [6, six] }))).rejects.toThrow(
      /at least 4 elements, got 3/,
    );
  });

  test("numbers with their first byte first, where the file says so", async () => {
    const big = join(...[...Array(6).keys()].map((value) => bytesOf(Float32Array.of(value)).toReversed()));
    expect(await valuesOf(torchZip(dict({ w: tensor(matrix) }), { 0: big }, { byteorder: "big" }))).toEqual([
      ["w", [2, 3], [0, 1, 2, 3, 4, 5]],
    ]);
  });

  test("only what is kept is read", async () => {
    const root = dict({ a: vector("0", 6), b: vector("1", 6) });
    const bytes = torchZip(root, { 0: six }, { more: [{ name: "archive/data/1", bytes: six, crc: 1 }] });
    const path = fileOf(bytes);
    const { tensors, entries } = await readTensorFile(path, { keep: (name) => name === "a" });
    expect([[...tensors.keys()], [...entries]]).toEqual([
      ["a"],
      [
        ["a", { dtype: "F32", shape: [6] }],
        ["b", { dtype: "F32", shape: [6] }],
      ],
    ]);
    await expect(readTensorFile(path)).rejects.toThrow(/data\/1: expected the content that its checksum belongs to/);
  });

  test("a checksum of 0 is none, as PyTorch writes where it is told to compute none", async () => {
    const more = [{ name: "archive/data/0", bytes: six, crc: 0 }];
    expect(await valuesOf(torchZip(dict({ w: vector("0", 6) }), {}, { more }))).toEqual([
      ["w", [6], [0, 1, 2, 3, 4, 5]],
    ]);
  });
});

describe("tensors", () => {
  const views: [string, object, number[], number[]][] = [
    ["transposed", { shape: [3, 2], strides: [1, 3] }, [3, 2], [0, 3, 1, 4, 2, 5]],
    ["with an offset", { shape: [2], strides: [1], offset: 3 }, [2], [3, 4]],
    ["every other one", { shape: [3], strides: [2], offset: 1 }, [3], [1, 3, 5]],
    ["expanded", { shape: [2, 3], strides: [0, 1] }, [2, 3], [0, 1, 2, 0, 1, 2]],
    ["of three axes, turned", { shape: [3, 1, 2], strides: [1, 9, 3] }, [3, 1, 2], [0, 3, 1, 4, 2, 5]],
    ["a number alone", { shape: [], strides: [], offset: 5 }, [], [5]],
    ["empty", { shape: [0, 3], strides: [3, 1], offset: 6 }, [0, 3], []],
    ["turned with an axis of none", { shape: [2, 0], strides: [1, 7] }, [2, 0], []],
  ];
  test.each(views)("%s", async (_, changed, shape, values) => {
    const bytes = torchZip(dict({ w: tensor({ ...matrix, ...changed }) }), { 0: six });
    expect(await valuesOf(bytes)).toEqual([["w", shape, values]]);
  });

  test("views that share a storage are in memory of their own", async () => {
    const root = dict({
      a: tensor(matrix),
      b: tensor(matrix),
      c: tensor({ ...matrix, shape: [3, 2], strides: [1, 3] }),
    });
    const { tensors } = await readTensorFile(fileOf(torchZip(root, { 0: six })));
    expect(new Set([...tensors.values()].map(({ bytes }) => bytes.buffer)).size).toBe(3);
    expect([...tensors.values()].map(({ bytes }) => bytes.byteLength)).toEqual([24, 24, 24]);
  });

  const types: [string, string, { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }, number[]][] = [
    ["DoubleStorage", "F64", Float64Array.of(0.1, -2), [0.1, -2]],
    ["FloatStorage", "F32", Float32Array.of(0.5, -2), [0.5, -2]],
    ["HalfStorage", "F16", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ["BFloat16Storage", "BF16", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ["LongStorage", "I64", BigInt64Array.of(3n, -4n), [3, -4]],
    ["IntStorage", "I32", Int32Array.of(3, -4), [3, -4]],
    ["ShortStorage", "I16", Int16Array.of(3, -4), [3, -4]],
    ["CharStorage", "I8", Int8Array.of(3, -4), [3, -4]],
    ["ByteStorage", "U8", Uint8Array.of(3, 254), [3, 254]],
    ["BoolStorage", "BOOL", Uint8Array.of(1, 0), [1, 0]],
  ];
  test.each(types)("%s is %s, straight and turned", async (name, dtype, values, expected) => {
    const one = { storage: name, key: "0", elements: 2, shape: [2], strides: [1] };
    const root = dict({ a: tensor(one), b: tensor({ ...one, shape: [2, 2], strides: [1, 0] }) });
    const { tensors } = await readTensorFile(fileOf(torchZip(root, { 0: bytesOf(values) })));
    const [a, b] = [...tensors.values()];
    const [first, second] = expected;
    expect([a?.dtype, a && [...toFloat64(a)], b && [...toFloat64(b)]]).toEqual([
      dtype,
      expected,
      [first, first, second, second],
    ]);
  });

  test("parameters, tensors with attributes, and storages without a type", async () => {
    const plain = tensor(matrix);
    const args = tuple(storage(view), int(0), tuple(int(6)), tuple(int(1)), "\x89", dict({}));
    const untyped = storage({ ...view, storage: "UntypedStorage", elements: 24 });
    const v3 = [untyped, int(1), tuple(int(2)), tuple(int(1)), "\x89", dict({}), global("torch", "float32")];
    const attributed = [global("torch._utils", "_rebuild_tensor_v2"), global("torch", "Tensor"), args, dict({})];
    const root = dict({
      a: call("torch._utils", "_rebuild_parameter", plain, "\x88", dict({})),
      b: call("torch._utils", "_rebuild_parameter_with_state", plain, "\x88", dict({}), dict({})),
      c: call("torch._tensor", "_rebuild_from_type_v2", ...attributed),
      d: call("torch._utils", "_rebuild_tensor_v3", ...v3),
      e: call("torch._utils", "_rebuild_tensor", storage(view), int(4), tuple(int(2)), tuple(int(1))),
    });
    expect((await valuesOf(torchZip(root, { 0: six }))).map(([name, shape, values]) => [name, shape, values])).toEqual([
      ["a", [2, 3], [0, 1, 2, 3, 4, 5]],
      ["b", [2, 3], [0, 1, 2, 3, 4, 5]],
      ["c", [6], [0, 1, 2, 3, 4, 5]],
      ["d", [2], [1, 2]],
      ["e", [2], [4, 5]],
    ]);
  });

  const wrong: [string, Uint8Array, RegExp][] = [
    [
      "beyond its storage",
      tensor({ ...matrix, shape: [7], strides: [1] }),
      /"w": expected a storage of at least 7 .*, got 6/,
    ],
    ["beyond it by its offset", tensor({ ...matrix, offset: 1 }), /at least 7 elements, got 6/],
    ["beyond it by a stride", tensor({ ...matrix, shape: [2], strides: [6] }), /at least 7 elements/],
    [
      "beyond what is stored",
      tensor({ ...matrix, elements: 99, shape: [7], strides: [1] }),
      /at least 7 elements, got 6/,
    ],
    ["of no storage", vector("9", 6), /storage 9, got none/],
    ["of a negative size", tensor({ ...matrix, shape: [-2, 3] }), /whole numbers/],
    ["of a negative stride", tensor({ ...matrix, strides: [-1, 1] }), /2 strides/],
    ["of a negative offset", tensor({ ...matrix, offset: -1 }), /offset/],
    ["with too few strides", tensor({ ...matrix, strides: [1] }), /2 strides/],
    ["of 65 axes", tensor({ ...matrix, shape: Array(65).fill(1), strides: Array(65).fill(1) }), /at most 64 whole/],
    [
      "expanded to a terabyte",
      tensor({ ...matrix, shape: [2 ** 38], strides: [0] }),
      /save it without expanded tensors/,
    ],
    [
      "of more numbers than count",
      tensor({ ...matrix, shape: [2 ** 52, 2 ** 52], strides: [0, 0] }),
      /without expanded/,
    ],
    [
      "of complex numbers",
      tensor({ ...matrix, storage: "ComplexFloatStorage" }),
      /"w": .*a tensor of torch.ComplexFloat/,
    ],
    [
      "without values",
      call("torch._utils", "_rebuild_meta_tensor_no_storage", none),
      /a call of torch._utils._rebuild_meta/,
    ],
    ["made of text", call("torch._utils", "_rebuild_tensor_v2", str("x")), /a tensor's storage, got x/],
    ["made of nothing", call("torch._utils", "_rebuild_tensor_v2"), /a tensor's storage, got nothing/],
  ];
  test.each(wrong)("one %s is refused", async (_, piece, message) => {
    const bytes = torchZip(dict({ ok: vector("0", 6), w: piece }), { 0: six });
    await expect(readTensorFile(fileOf(bytes))).rejects.toThrow(expect.objectContaining({ code: "Checkpoint" }));
    await expect(readTensorFile(fileOf(bytes))).rejects.toThrow(message);
  });

  test("one whose values are those of its storage with the other sign is refused", async () => {
    const parts = [storage(view), int(0), tuple(int(6)), tuple(int(1)), "\x89", dict({})];
    const made = (flags: Uint8Array) =>
      torchZip(dict({ w: call("torch._utils", "_rebuild_tensor_v2", ...parts, flags) }), { 0: six });
    expect(await valuesOf(made(dict({})))).toHaveLength(1);
    await expect(valuesOf(made(dict({ neg: "\x88" })))).rejects.toThrow(/"w": expected .*not those of its storage/);
  });

  test("one of 8-bit floats is refused by name, but passed by beside the model", async () => {
    const untyped = storage({ ...view, storage: "UntypedStorage", elements: 24 });
    const float8 = [untyped, int(0), tuple(int(2)), tuple(int(1)), "\x89", dict({}), global("torch", "float8_e4m3fn")];
    const piece = call("torch._utils", "_rebuild_tensor_v3", ...float8);
    await expect(valuesOf(torchZip(dict({ w: piece, ok: vector("0", 6) }), { 0: six }))).rejects.toThrow(
      /torch\.float8/,
    );
    const beside = torchZip(dict({ model: dict({ ok: vector("0", 6) }), scale: piece }), { 0: six });
    expect(await valuesOf(beside)).toHaveLength(1);
  });
});

describe("where the model stands", () => {
  const weights = dict({ "a.b": vector("0", 6) });
  const namesOf = async (root: Uint8Array) => {
    const { tensors, beside } = await readTensorFile(fileOf(torchZip(root, { 0: six })));
    return [[...tensors.keys()], Object.fromEntries(beside)];
  };

  test.each(["model", "state_dict", "model_state_dict", "teacher", "module", "generator_of_mine"])(
    "under %s",
    async (name) => {
      expect(await namesOf(dict({ epoch: int(3), [name]: weights }))).toEqual([["a.b"], { epoch: "3" }]);
    },
  );

  test("teacher before student, and in parts of parts", async () => {
    const root = dict({ student: dict({ s: vector("0", 6) }), teacher: dict({ backbone: weights, head: none }) });
    expect(await namesOf(root)).toEqual([["a.b"], { student: "a dictionary of 1, with tensors", head: "None" }]);
  });

  test("the optimiser's tensors and others at the root are passed by", async () => {
    const optimizer = dict({ state: join("}(", int(0), dict({ exp_avg: vector("0", 6) }), "u") });
    const [names, beside] = await namesOf(dict({ best: vector("0", 6), model: weights, optimizer }));
    expect(names).toEqual(["a.b"]);
    expect(beside).toEqual({ best: "a tensor", optimizer: "a dictionary of 1, with tensors" });
  });

  test("objects beside the tensors are told, with their plain values, and not built", async () => {
    const args = object(
      "argparse",
      "Namespace",
      dict({ model: str("mae_vit"), lr: "G\x3f\x50\x62\x4d\xd2\xf1\xa9\xfc", x: none }),
    );
    const score = call("numpy.core.multiarray", "scalar", str("f8"));
    const [names, beside] = await namesOf(dict({ model: weights, args, score }));
    expect(names).toEqual(["a.b"]);
    expect(beside).toEqual({
      args: "an object of argparse.Namespace",
      "args.model": "mae_vit",
      "args.lr": "0.001",
      score: "a call of numpy.core.multiarray.scalar",
    });
    expect(await namesOf(dict({ "a.b": vector("0", 6), args, epoch: int(1) }))).toMatchObject([
      ["a.b"],
      { epoch: "1" },
    ]);
  });

  test("dictionaries and lists within it are joined by dots", async () => {
    const nested = dict({ a: dict({ w: vector("0", 6) }), b: list(vector("0", 6), none), w: vector("0", 6) });
    expect((await namesOf(nested))[0]).toEqual(["a.w", "b.0", "w"]);
    expect((await namesOf(vector("0", 6)))[0]).toEqual(["tensor"]);
    const ordered = join(
      call("collections", "OrderedDict"),
      "(",
      str("x"),
      vector("0", 6),
      "u",
      dict({ _metadata: none }),
      "b",
    );
    expect((await namesOf(ordered))[0]).toEqual(["x"]);
    expect((await namesOf(call("collections", "OrderedDict", list(list(str("y"), vector("0", 6))))))[0]).toEqual(["y"]);
  });

  test("inspect shows it, and fine-tuning takes it, without names of wrappers", async () => {
    const root = dict({ model: dict({ "module.cls_token": vector("0", 6), "module.norm.weight": vector("0", 6) }) });
    const path = fileOf(torchZip(root, { 0: six }));
    expect((await inspect(path)).keys).toEqual([
      { key: "module.cls_token", dtype: "F32", shape: [6] },
      { key: "module.norm.weight", dtype: "F32", shape: [6] },
    ]);
    expect([...(await readStartingWeights(path, undefined)).tensors.keys()]).toEqual(["cls_token", "norm.weight"]);
  });

  const none_: [string, Uint8Array, RegExp][] = [
    ["nothing", join(none), /expected tensors, got None/],
    ["no tensor", dict({ epoch: int(1) }), /expected tensors, got none/],
    ["a whole model", object("torch.nn", "Linear", weights), /an object of torch\.nn\.Linear; in Python: torch\.save/],
    ["one name twice", dict({ "a.w": vector("0", 6), a: dict({ w: vector("0", 6) }) }), /"a\.w" twice/],
    ["a name that is no text", join("}(", none, vector("0", 6), "u"), /names of text/],
    ["a number and its text", join("}(", int(1), vector("0", 6), str("1"), vector("0", 6), "u"), /"1" twice/],
  ];
  test.each(none_)("%s is refused", async (_, root, message) => {
    await expect(namesOf(root)).rejects.toThrow(message);
  });

  test("names that objects have of their own are names like others", async () => {
    const root = dict({ constructor: vector("0", 6), toString: vector("0", 6), "x.__proto__": vector("0", 6) });
    expect((await namesOf(root))[0]).toEqual(["constructor", "toString", "x.__proto__"]);
  });

  test("a pickle of another program is named", async () => {
    await expect(readTensorFile(fileOf(pickle(dict({ a: int(1) }), 4)))).rejects.toThrow(/a pickle of another program/);
  });
});
