import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { ParameterStore } from "../../../src/engine/parameters/parameter-store.ts";
import { parseSafetensors, readSafetensors, type StoredTensor } from "../../../src/interop/safetensors.ts";
import {
  readSafetensorsFile,
  readSafetensorsHeader,
  writeSafetensorsFile,
} from "../../../src/interop/safetensors-file.ts";
import { toFloat32, toFloat64 } from "../../../src/interop/tensor-values.ts";
import { MsmaeError } from "../../../src/support/errors.ts";
import { halfBits } from "../../../src/support/half.ts";

const folder = mkdtempSync(join(tmpdir(), "msmae-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "model.safetensors");

const tensors = new Map([
  ["mask", { shape: [3], data: new Uint8Array([1, 0, 255]) }],
  ["cls_token", { shape: [1, 1, 4], data: new Float32Array([1.5, -2, 3e-38, Infinity]) }],
  ["steps", { shape: [], data: new BigInt64Array([-7n]) }],
  ["ids", { shape: [2], data: new Int32Array([5, -6]) }],
  ["moments", { shape: [2, 1], data: new Float64Array([1 / 3, -1e-300]) }],
  ["none", { shape: [0, 4], data: new Float32Array(0) }],
]);
const metadata = { model: "vit_tiny_patch16", classNames: '["a","ü"]' };

/** A file of any header and data, honest or not. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

function stored(dtype: StoredTensor["dtype"], bytes: number[]): StoredTensor {
  return { dtype, shape: [], bytes: new Uint8Array(bytes) };
}

describe("safetensors files", () => {
  const f32 = (begin: number, end: number, shape = [1]) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

  test("what is written is read back: values, shapes, dtypes, metadata", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const read = await readSafetensorsFile(path);
    expect(read.metadata).toEqual({ format: "pt", ...metadata, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, data }] of tensors) {
      const tensor = read.tensors.get(name) as StoredTensor;
      expect(tensor.shape).toEqual(shape);
      expect([...toFloat64(tensor)]).toEqual(Array.from(data as ArrayLike<number | bigint>, Number));
    }
    expect(read.tensors.get("moments")?.dtype).toBe("F64");
    expect(read.tensors.get("steps")?.dtype).toBe("I64");
    expect(read.tensors.get("ids")?.dtype).toBe("I32");
    const { entries, ...content } = read;
    expect(await readSafetensors(new Uint8Array(readFileSync(path)), path)).toEqual(content);
    expect([...entries.keys()]).toEqual([...content.tensors.keys()]);
  });

  test("16 bits are those of float16", async () => {
    const data = Uint16Array.from([1, -2, 65_504, 2 ** -24, 0.1], halfBits);
    await writeSafetensorsFile(path, new Map([["half", { shape: [5], data }]]), metadata);
    const half = (await readSafetensorsFile(path)).tensors.get("half") as StoredTensor;
    expect(half.dtype).toBe("F16");
    expect([...toFloat64(half)]).toEqual([1, -2, 65_504, 2 ** -24, 0.0999755859375]);
  });

  test("every tensor starts at a multiple of its element size, and the data at one of 64", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const { dataStart, entries } = await readSafetensorsHeader(path);
    expect(dataStart % 64).toBe(0);
    for (const [name, { data }] of tensors) {
      expect((entries.get(name)?.begin ?? 0.5) % data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  test("views of a parameter store are written as they are", async () => {
    const store = ParameterStore.create([{ name: "head.weight", shape: [2, 3], role: "trainable" }]);
    store.parameter("head.weight").set([1, 2, 3, 4, 5, 6]);
    await writeSafetensorsFile(
      path,
      new Map([["head.weight", { shape: [2, 3], data: store.parameter("head.weight") }]]),
    );
    const { tensors: read } = await readSafetensorsFile(path);
    expect(toFloat32(read.get("head.weight") as StoredTensor)).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
  });

  test("only the wanted tensors are kept, the checksum still covers the others", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const keep = (name: string) => name === "ids";
    expect([...(await readSafetensorsFile(path, { keep })).tensors.keys()]).toEqual(["ids"]);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 3;
    writeFileSync(path, bytes);
    await expect(readSafetensorsFile(path, { keep })).rejects.toThrow(/altered/);
  });

  test("damage of the checksum's own name is found where the file is one of ours", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    expect((await readSafetensorsFile(path, { own: true })).tensors.size).toBe(tensors.size);
    const bytes = readFileSync(path);
    bytes.write("sha257", bytes.indexOf('"sha256"') + 1);
    writeFileSync(path, bytes);
    expect((await readSafetensorsFile(path)).tensors.size).toBe(tensors.size);
    const act = readSafetensorsFile(path, { own: true });
    await expect(act).rejects.toMatchObject({ code: "Checkpoint" });
    await expect(act).rejects.toThrow(`${path}: expected metadata with "sha256", got none: the file was altered`);
  });

  test("a file cut short names itself and both sizes", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const { length } = readFileSync(path);
    truncateSync(path, length - 5);
    const act = readSafetensorsFile(path);
    await expect(act).rejects.toMatchObject({ code: "Checkpoint" });
    await expect(act).rejects.toThrow(`${path}: expected ${length} bytes, got ${length - 5};`);
  });

  test("a missing file and a folder are named", async () => {
    await expect(readSafetensorsFile(join(folder, "none"))).rejects.toMatchObject({ code: "Checkpoint" });
    await expect(readSafetensorsHeader(folder)).rejects.toMatchObject({ code: "Checkpoint" });
  });

  test.each([
    ["a zip of torch.save", "PK\x03\x04\0\0\x08\x08\0\0", /a file of torch\.save.*msmae convert IN/],
    ["a pickle of torch.save", "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P", /a file of torch\.save.*msmae convert IN/],
    ["a web page", "<!DOCTYPE html>", /a web page/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1", /git lfs pull/],
  ])("%s in its place is named", async (_, text, message) => {
    writeFileSync(path, text, "latin1");
    await expect(readSafetensorsFile(path)).rejects.toThrow(
      expect.objectContaining({ code: "Checkpoint", message: expect.stringMatching(message) }),
    );
  });

  test("data that does not fit its shape is not written", async () => {
    const bad = new Map([["a", { shape: [3], data: new Float32Array(2) }]]);
    await expect(writeSafetensorsFile(path, bad)).rejects.toThrow(/3 values for \[3\], got 2/);
  });

  test("a file of another program, without checksum, is read", async () => {
    const file = fileOf({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 4);
    expect((await readSafetensors(file, "x")).tensors.get("a")?.bytes).toEqual(new Uint8Array(4));
  });

  test("any cut is an error, in memory", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const file = new Uint8Array(readFileSync(path));
    for (let length = 0; length < file.length; length++) {
      expect(() => parseSafetensors(file.subarray(0, length), "x")).toThrow(MsmaeError);
    }
  });

  test("any altered byte is an error or changes nothing that counts, but for the name of the checksum itself", async () => {
    await writeSafetensorsFile(path, tensors, metadata);
    const file = new Uint8Array(readFileSync(path));
    const original = await readSafetensors(file, "x");
    const checksumName = Buffer.from(file).indexOf('"sha256"');
    const position = fc.nat(file.length - 1).filter((at) => at < checksumName || at >= checksumName + 8);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(position, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const altered = file.slice();
          for (const [at, difference] of changes) altered[at] = (altered[at] as number) ^ difference;
          const result = await readSafetensors(altered, "x").catch((error: unknown) => error);
          if (result instanceof MsmaeError) expect(result.code).toBe("Checkpoint");
          else expect((result as typeof original).tensors).toEqual(original.tensors);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("names that differ, in objects of their own or within texts, are not taken for repeated ones", () => {
    const file = fileOf({ __metadata__: { a: '"a":1,"a":2', dtype: "\\" }, a: f32(0, 4), b: f32(4, 8) }, 8);
    expect([...parseSafetensors(file, "x").tensors.keys()]).toEqual(["a", "b"]);
  });

  test("any bytes at all are an error or a file, never a crash", () => {
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom("F32", "U8", "F8", "toString"), fc.anything()),
        shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 2 ** 53 })), fc.anything()),
        data_offsets: fc.oneof(fc.tuple(fc.integer(), fc.integer()), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const header = fc.oneof(fc.json(), fc.dictionary(fc.string(), fc.oneof(entry, fc.anything())));
    fc.assert(
      fc.property(header, fc.nat(16), (json, dataBytes) => {
        try {
          parseSafetensors(fileOf(json, dataBytes), "x");
        } catch (error) {
          // JSON.stringify itself refuses a few of the drawn values.
          if (!(error instanceof TypeError && /BigInt|circular|toJSON|primitive/.test(error.message))) {
            expect(error).toBeInstanceOf(MsmaeError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  const dishonest: [string, Uint8Array, RegExp][] = [
    ["a header longer than the file", new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0]), /17 bytes/],
    ["a header of 2^63 bytes", new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0x80]), /at most 100000000/],
    ["text that is not JSON", fileOf("{"), /JSON/],
    ["bytes that are not UTF-8", new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0xff]), /JSON/],
    ["a list", fileOf([]), /JSON object/],
    ["metadata that is not text", fileOf({ __metadata__: { a: 1 } }), /metadata of texts/],
    ["an unknown dtype", fileOf({ a: { ...f32(0, 4), dtype: "F8" } }, 4), /"a": expected one of the dtypes.*got "F8"/],
    ["a dtype that is a method of objects", fileOf({ a: { ...f32(0, 4), dtype: "toString" } }, 4), /dtypes/],
    ["a negative dimension", fileOf({ a: f32(0, 4, [-1]) }, 4), /whole numbers/],
    ["offsets that do not fit the shape", fileOf({ a: f32(0, 8) }, 8), /4 bytes for its shape, got 8/],
    ["a product beyond exact numbers", fileOf({ a: f32(0, 4, [2 ** 52, 2 ** 52]) }, 4), /for its shape/],
    ["one offset", fileOf({ a: { ...f32(0, 4), data_offsets: [4] } }, 4), /two data_offsets/],
    ["an overlap", fileOf({ a: f32(0, 8, [2]), b: f32(4, 8) }, 8), /"b": expected data from byte 8 on, got from 4/],
    ["a gap", fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12), /"b": expected data from byte 4/],
    [
      "a tensor named twice",
      fileOf(`{"a":${JSON.stringify(f32(0, 4))},"\\u0061":${JSON.stringify(f32(0, 4))}}`, 4),
      /"a" twice/,
    ],
    ["metadata given twice", fileOf('{"__metadata__":{"x":"1","y":"{","x":"2"}}'), /"x" twice/],
    ["bytes left over", fileOf({ a: f32(0, 4) }, 5), /bytes, got/],
  ];
  test.each(dishonest)("refuses %s", (_, file, message) => {
    expect(() => parseSafetensors(file, "x")).toThrow(expect.objectContaining({ code: "Checkpoint" }));
    expect(() => parseSafetensors(file, "x")).toThrow(message);
  });
});

describe("tensor values", () => {
  test("half precision: normal, subnormal, signed zero, infinity, NaN", () => {
    const halves = stored("F16", [0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x80, 0x00, 0x7c, 0x01, 0x7e, 0xff, 0x7b]);
    expect([...toFloat64(halves)]).toEqual([1, -2, 2 ** -24, -0, Infinity, Number.NaN, 65504]);
  });

  test("bfloat16 is the upper half of float32", () => {
    expect([...toFloat64(stored("BF16", [0x80, 0x3f, 0x49, 0xc0]))]).toEqual([1, -3.140625]);
  });

  test("whole numbers and truth values", () => {
    expect([...toFloat64(stored("I64", [0xfe, 255, 255, 255, 255, 255, 255, 255]))]).toEqual([-2]);
    expect([...toFloat64(stored("I16", [0xfd, 255]))]).toEqual([-3]);
    expect([...toFloat64(stored("I8", [0xfc]))]).toEqual([-4]);
    expect([...toFloat64(stored("BOOL", [2, 0, 1]))]).toEqual([1, 0, 1]);
    expect(() => toFloat64(stored("I64", [1, 0, 0, 0, 0, 0, 0, 0x40]))).toThrow(/2\^53/);
  });

  test("float32 at an odd address is copied, at a whole one viewed", () => {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setFloat32(5, 2.5, true);
    expect([...toFloat32({ dtype: "F32", shape: [1], bytes: bytes.subarray(5, 9) })]).toEqual([2.5]);
    expect([...toFloat32({ dtype: "F32", shape: [1], bytes: Buffer.from(bytes.buffer, 5, 4) })]).toEqual([2.5]);
    expect(toFloat32({ dtype: "F32", shape: [1], bytes: bytes.subarray(4, 8) }).buffer).toBe(bytes.buffer);
  });
});
