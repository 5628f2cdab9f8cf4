import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MAX_OPCODES } from "../../../../src/interop/containers/pickle.ts";
import { readTensorFile } from "../../../../src/interop/tensor-file.ts";
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
  uint32,
  uint64,
} from "../../../support/pickle-writer.ts";
import { bytesOf, tensor, torchLegacy, torchZip, vector } from "../../../support/torch-writer.ts";
import { zipOf } from "../../../support/zip-writer.ts";

const folder = mkdtempSync(joinPath(tmpdir(), "msmae-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));
const canary = joinPath(folder, "canary");

let files = 0;
async function read(bytes: Uint8Array) {
  const path = joinPath(folder, `${files++}.pth`);
  writeFileSync(path, bytes);
  return [...(await readTensorFile(path)).tensors.keys()];
}
async function refuses(bytes: Uint8Array, message: RegExp): Promise<void> {
  const error: unknown = await read(bytes).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "Checkpoint", parts: { where: expect.stringContaining(folder) } });
  expect((error as Error).message).toMatch(message);
}

const two = bytesOf(Float32Array.of(1, 2));
const weights = dict({ w: vector("0", 2) });
const zipOfRoot = (root: Uint8Array) => torchZip(root, { 0: two });
const touch = str(`touch ${canary}`);

describe("calls", () => {
  const calls: [string, Uint8Array][] = [
    ["posix.system", call("posix", "system", touch)],
    ["nt.system", call("nt", "system", touch)],
    ["os.system by STACK_GLOBAL", join(str("os"), str("system"), "\x93", tuple(touch), "R")],
    ["builtins.eval", call("builtins", "eval", str("1"))],
    ["builtins.exec", call("builtins", "exec", str("1"))],
    ["__builtin__.getattr", call("__builtin__", "getattr", global("os", "x"), str("system"))],
    ["subprocess.Popen", call("subprocess", "Popen", list(touch))],
    ["runpy, of torch's own", call("torch.utils.bottleneck.__main__", "run_cprofile", touch)],
    ["torch.load", call("torch", "load", str("/etc/passwd"))],
    ["torch.hub.load", call("torch.hub", "load", str("x/y"))],
    [
      "numpy's reader of pickles",
      call("numpy.core.multiarray", "_reconstruct", global("numpy", "ndarray"), tuple(int(0)), str("b")),
    ],
    ["a function in a dotted name", call("torch._utils", "_rebuild_tensor_v2.__globals__.get", str("os"))],
    ["a function by a name with a dot in its module", call("torch", "_utils._rebuild_tensor_v9")],
    ["what another call would give", join(call("builtins", "getattr", none), tuple(touch), "R")],
    ["a number", join(int(1), tuple(), "R")],
    ["INST", join("(", touch, "iposix\nsystem\n")],
    ["OBJ", join("(", global("posix", "system"), touch, "o")],
  ];
  test.each(calls)("%s is not made, and stands for no tensor", async (_, piece) => {
    expect(await read(zipOfRoot(dict({ model: weights, x: piece })))).toEqual(["w"]);
    expect(existsSync(canary)).toBe(false);
    await refuses(
      zipOfRoot(dict({ w: vector("0", 2), x: piece })),
      /"x": expected a tensor of a type that is read, got a call of/,
    );
    await refuses(zipOfRoot(piece), /expected tensors, got a call of/);
  });

  const objects: [string, Uint8Array][] = [
    ["NEWOBJ of a function", join(global("posix", "system"), tuple(touch), "\x81")],
    ["NEWOBJ_EX", join(global("posix", "system"), tuple(touch), dict({ x: none }), "\x92")],
    ["BUILD with __setstate__", object("evil", "Class", dict({ __setstate__: global("posix", "system") }))],
    [
      "BUILD that renames a class",
      join(global("argparse", "Namespace"), dict({ __class__: global("os", "system") }), "b"),
    ],
    ["BUILD on a tensor", join(vector("0", 2), dict({ data: none }), "b")],
    [
      "a class of the old kind",
      call("copy_reg", "_reconstructor", global("a", "B"), global("__builtin__", "object"), none),
    ],
    ["a subclass of a dictionary", join(global("a", "Dict"), ")\x81(", str("k"), none, "u")],
    ["a subclass of a list", join(global("a", "List"), ")\x81(", none, "e")],
  ];
  test.each(objects)("%s builds nothing", async (_, piece) => {
    expect(await read(zipOfRoot(dict({ model: weights, x: piece })))).toEqual(["w"]);
    expect(existsSync(canary)).toBe(false);
  });

  const ids: [string, Uint8Array][] = [
    ["a text", str("/etc/passwd")],
    ["nothing", join(none)],
    ["a call", call("posix", "system", touch)],
    ["a tuple too short", tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"))],
    [
      "a tuple too long",
      tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), int(2), none, none),
    ],
    ["another tag", tuple(str("module"), global("torch", "FloatStorage"), str("0"), str("cpu"), int(2))],
    ["a type that is text", tuple(str("storage"), str("FloatStorage"), str("0"), str("cpu"), int(2))],
    [
      "a key that leads upwards",
      tuple(str("storage"), global("torch", "FloatStorage"), str("../0"), str("cpu"), int(2)),
    ],
    ["a key that is a number", tuple(str("storage"), global("torch", "FloatStorage"), int(0), str("cpu"), int(2))],
    ["a negative size", tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), int(-2))],
    ["a size that is text", tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), str("2"))],
    [
      "a view that is text",
      tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), int(2), str("x")),
    ],
  ];
  test.each(ids)("a persistent id that is %s is refused", async (_, id) => {
    await refuses(zipOfRoot(dict({ w: join(id, "Q") })), /an id of a storage/);
  });

  const outside: [string, Uint8Array, RegExp][] = [
    ["PERSID", join("Pid\n"), /a persistent id as text/],
    ["EXT1", join("\x82\x01"), /an extension code/],
    ["EXT2", join("\x83\x01\x00"), /an extension code/],
    ["EXT4", join("\x84\x01\x00\x00\x00"), /an extension code/],
    ["NEXT_BUFFER", join("\x97"), /a buffer outside of it/],
    ["READONLY_BUFFER", join(none, "\x98"), /a buffer outside of it/],
  ];
  test.each(outside)("%s is refused", async (_, piece, message) => {
    await refuses(zipOfRoot(dict({ model: weights, x: piece })), message);
  });
});

describe("bombs", () => {
  const levels = (count: number, open: string, close: string, inner: Uint8Array) =>
    join(open.repeat(count), inner, close.repeat(count));

  test("a billion laughs of tuples costs nothing, with and without a tensor in it", async () => {
    // Ten of the last, thirty times over, each named in the memo.
    const laughs = (first: Uint8Array) => {
      const pieces = [first, "q\x00"];
      for (let level = 1; level <= 30; level++) {
        const last = `h${String.fromCharCode(level - 1)}`;
        pieces.push("0(", last.repeat(10), `tq${String.fromCharCode(level)}`);
      }
      return join(...pieces);
    };
    expect(await read(zipOfRoot(dict({ model: weights, x: laughs(str("lol")) })))).toEqual(["w"]);
    expect(await read(zipOfRoot(dict({ model: weights, x: laughs(vector("0", 2)) })))).toEqual(["w"]);
    await refuses(zipOfRoot(dict({ x: laughs(vector("0", 2)) })), /at most 200000 values|at most 32 levels/);
  });

  test("a dictionary that holds itself ends", async () => {
    const own = join("}q\x00(", str("w"), vector("0", 2), str("x"), "h\x00u");
    await refuses(zipOfRoot(own), /at most 32 levels/);
  });

  test("a million levels of lists, tuples and dictionaries are no recursion", async () => {
    const deep = levels(400_000, "]", "a", join(none));
    expect(await read(zipOfRoot(dict({ model: weights, x: deep })))).toEqual(["w"]);
    expect(await read(zipOfRoot(dict({ model: weights, x: levels(400_000, "", "\x85", join(none)) })))).toEqual(["w"]);
    await refuses(zipOfRoot(levels(400_000, "]", "a", vector("0", 2))), /at most 32 levels/);
  });

  test("opcodes are counted", async () => {
    const many = join("(", "}".repeat(MAX_OPCODES), "t");
    await refuses(zipOfRoot(dict({ model: weights, x: many })), /at most 1000000 opcodes/);
  });

  test("the memo takes far places without room for those before, and gives back only what was put", async () => {
    const far = join(none, "r", uint32(0xffffffff), "0j", uint32(0xffffffff));
    expect(await read(zipOfRoot(dict({ model: weights, x: far })))).toEqual(["w"]);
    await refuses(zipOfRoot(dict({ x: join("j", uint32(5)) })), /a value in the memo, got none at 5/);
    await refuses(zipOfRoot(dict({ x: join(none, "p-1\n") })), /a place in the memo/);
    await refuses(zipOfRoot(dict({ x: join("g99999999999999999999\n") })), /a value in the memo/);
  });

  const long: [string, Uint8Array, RegExp][] = [
    ["a text longer than the file", join("X", uint32(0xfffffff0)), /4294967280 more bytes/],
    ["bytes longer than memory", join("\x8e", uint64(2 ** 50)), /1125899906842624 more bytes/],
    ["a number of a million bytes", join("\x8b", uint32(1_000_000), new Uint8Array(1_000_000)), /at most 1000 bytes/],
    ["a number of 100,000 digits", join("L", "9".repeat(100_000), "L\n"), /a whole number/],
    ["a line without an end", join("V", "x".repeat(1000)), /a line/],
  ];
  test.each(long)("%s is refused", async (_, piece, message) => {
    await refuses(zipOfRoot(dict({ x: piece })), message);
  });

  test("a shared storage cannot be expanded beyond four times the file and 64 MiB", async () => {
    const entries: Record<string, Uint8Array> = {};
    const big = { storage: "FloatStorage", key: "0", elements: 2, shape: [2 ** 20], strides: [0] };
    for (let at = 0; at < 17; at++) entries[`w${at}`] = tensor(big);
    await refuses(zipOfRoot(dict(entries)), /"w16": expected tensors of at most \d+ bytes together/);
  });
});

describe("archives", () => {
  const entry = (name: string, more = {}) => ({ name, bytes: two, ...more });
  const archives: [string, Parameters<typeof torchZip>[2], RegExp][] = [
    ["an entry that leads upwards", { more: [entry("archive/../../x")] }, /names within the archive/],
    ["an absolute entry", { more: [entry("/etc/cron.d/x")] }, /names within the archive/],
    ["an entry of Windows", { more: [entry("C:/x")] }, /names within the archive/],
    ["an entry with a backslash", { more: [entry("archive\\..\\x")] }, /names within the archive|invalid characters/],
    [
      "a compressed entry that claims a terabyte",
      { more: [entry("archive/data/0", { method: 8, size: 2 ** 40 })], zip64: true },
      /a compressed one/,
    ],
    [
      "a stored entry that claims a terabyte",
      { more: [entry("archive/data/0", { size: 2 ** 40 })], zip64: true },
      /size mismatch/,
    ],
    ["a compressed entry beside the model", { more: [entry("archive/x", { method: 8 })] }, /a compressed one/],
    [
      "an encrypted entry",
      { more: [entry("archive/x", { flags: 0x801, bytes: new Uint8Array(20), size: 8 })] },
      /an encrypted one/,
    ],
    ["an entry twice", { more: [entry("archive/x"), entry("archive/x")] }, /archive\/x twice/],
    ["two pickles", { more: [entry("other/data.pkl")] }, /one data\.pkl, got 2/],
    ["another order of bytes", { byteorder: "middle" }, /byteorder: .*got middle/],
    ["an order of bytes of kilobytes", { byteorder: "x".repeat(5000) }, /byteorder: expected at most 16 bytes/],
    [
      "a program of TorchScript",
      { more: [entry("archive/constants.pkl"), entry("archive/code/x.py", { method: 8 })] },
      /TorchScript/,
    ],
    ["a storage of other content", { more: [entry("archive/data/0", { crc: 7 })] }, /its checksum/],
  ];
  test.each(archives)("%s is refused", async (_, options, message) => {
    await refuses(torchZip(weights, { 0: two }, options), message);
  });

  test("entries that share their bytes are refused", async () => {
    const bytes = torchZip(weights, { 0: new Uint8Array(4000), 1: new Uint8Array(4000) });
    const view = new DataView(bytes.buffer);
    // Every entry of the directory points at the first one's place, and claims all of its bytes.
    const places: number[] = [];
    for (let at = 0; at < bytes.length - 4; at++) if (view.getUint32(at, true) === 0x02014b50) places.push(at);
    for (const at of places.slice(1)) {
      view.setUint32(at + 20, 4000, true);
      view.setUint32(at + 24, 4000, true);
    }
    await refuses(bytes, /entries that overlap/);
  });

  test("a zip archive of something else, and one cut short", async () => {
    await refuses(zipOf([entry("word/document.xml")]), /one data\.pkl, got a zip archive without/);
    const whole = torchZip(weights, { 0: two });
    await refuses(whole.subarray(0, whole.length - 30), /whole zip archive/);
    await refuses(whole.subarray(0, 20), /whole zip archive/);
  });

  test("the form before: storages that overrun the file, of two types, twice, or of none", async () => {
    const one = { storage: "FloatStorage", key: "0", elements: 2, shape: [2], strides: [1], view: none };
    const root = dict({ w: tensor(one) });
    await refuses(torchLegacy(root, { 0: [2 ** 40, two] }), /storage 0: expected \d+ bytes/);
    await refuses(torchLegacy(root, { 0: [2, two.subarray(0, 4)] }), /storage 0: expected \d+ bytes/);
    await refuses(torchLegacy(root, {}), /storage 0, got none/);
    await refuses(
      torchLegacy(dict({ w: tensor(one), v: tensor({ ...one, storage: "IntStorage" }) }), { 0: [2, two] }),
      /one type/,
    );
    await refuses(
      torchLegacy(dict({ w: tensor({ ...one, storage: "QInt8Storage" }) }), { 0: [2, two] }),
      /torch\.QInt8Storage/,
    );
    await refuses(
      join(
        pickle(join("\x8a\x0a", Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19))),
        pickle(int(7)),
      ),
      /protocol 1001/,
    );
  });
});
